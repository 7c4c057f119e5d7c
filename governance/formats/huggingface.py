"""The card as a Hugging Face model card: front matter and Markdown. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from governance.exports import card_markdown
from governance.formats.losses import Export, Loss, texts_of

PRODUCTION = "measured in production"
LICENCES = frozenset(
    {
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0"),
        *("cc-by-sa-4.0", "cc-by-nc-4.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0"),
    }
)


def huggingface(card: Mapping[str, Any]) -> Export:
    """Front matter (JSON values, which are YAML) and the whole card as its body."""
    facts = card["facts"]
    head: dict[str, Any] = {"tags": ["tabular", _task(facts)], "pipeline_tag": _task(facts)}
    head |= _licence(texts_of(card).get("licence", ""))
    head["model-index"] = _index(card)
    if not head["model-index"]:
        del head["model-index"]
    lines = "\n".join(f"{name}: {json.dumps(value)}" for name, value in head.items())
    return Export(f"---\n{lines}\n---\n\n{card_markdown(card)}", tuple(_losses(card)))


def _task(facts: Mapping[str, Any]) -> str:
    regression = "regression" in str(facts["model"]["task"]).lower()
    return "tabular-regression" if regression else "tabular-classification"


def _licence(text: str) -> dict[str, str]:
    """A licence of the site's own list by its name; any other is named, and the body has it."""
    if not text:
        return {}
    name = text.strip().splitlines()[0].strip(" .*`").lower().replace(" ", "-")
    if name in LICENCES:
        return {"license": name}
    return {"license": "other", "license_name": "see-the-section-licence"}


def _index(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    results = [_result(card["facts"], claim) for claim in card["claims"]]
    return [{"name": card["facts"]["model"]["name"], "results": results}] if results else []


def _result(facts: Mapping[str, Any], claim: Mapping[str, Any]) -> dict[str, Any]:
    production = claim["source"] == PRODUCTION
    dataset = "Production" if production else "Recorded by the training run"
    metric = {"type": _metric(claim), "name": claim["label"], "value": claim["value"]}
    return {
        "task": {"type": _task(facts)},
        "dataset": {"type": "production" if production else "training-run", "name": dataset},
        "metrics": [metric],
    }


def _metric(claim: Mapping[str, Any]) -> str:
    return "_".join(str(claim["label"]).lower().replace("(", "").replace(")", "").split())


def _losses(card: Mapping[str, Any]) -> list[Loss]:
    body = "the body, as text"
    found = [Loss("Facts and signatures", body, "Front matter has no such fields.")]
    if card["claims"]:
        why = "model-index holds the value only."
        found.append(Loss("Interval, sample, time and source of numbers", body, why))
    if texts_of(card).keys() & {"licence", "citation", "references"}:
        why = "A licence in front matter is one of a fixed list of names, or other."
        found.append(Loss("Licence, citation and references", body, why))
    return found
