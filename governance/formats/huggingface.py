"""The card as a Hugging Face model card: front matter and Markdown. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from governance.exports import card_markdown
from governance.formats.headings import closed
from governance.formats.losses import Export, Loss, texts_of
from governance.numbers import IMPORTED

PRODUCTION = "measured in production"
# The field of front matter by which our own card is known again.
MARK = "ombud_card"
UNWRITTEN = "*Not written.*"
# YAML would break lines there, or refuse them.
ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
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
    head[MARK] = card["format"]
    lines = "\n".join(f"{name}: {_yaml(value)}" for name, value in head.items())
    sections = [{**part, "text": closed(part["text"])} for part in card["sections"]]
    body = card_markdown({**card, "sections": sections})
    return Export(f"---\n{lines}\n---\n\n{body}", tuple(_losses(card)))


def _yaml(value: Any) -> str:
    """JSON that YAML reads as the same: letters beyond the first plane as they are."""
    text = json.dumps(value, ensure_ascii=False)
    return ODD.sub(lambda odd: f"\\u{ord(odd[0]):04x}", text)


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
    kind, dataset = _dataset(str(claim["source"]))
    metric = {"type": _metric(claim), "name": claim["label"], "value": claim["value"]}
    return {
        "task": {"type": _task(facts)},
        "dataset": {"type": kind, "name": dataset},
        "metrics": [metric],
    }


def _dataset(source: str) -> tuple[str, str]:
    if source == PRODUCTION:
        return "production", "Production"
    if source == IMPORTED:
        return "imported-card", "Stated by an imported card"
    return "training-run", "Recorded by the training run"


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
