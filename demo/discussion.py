"""Vera asks for a number in the card, Olga writes it, bound to its measurement; a role is lent, and
Adam draws a sample of what was decided."""

from datetime import timedelta
from typing import Any

from demo.cards import FLIGHT_DELAY_OVERVIEW
from demo.cast import Cast
from demo.client import version_path

AWAY = timedelta(days=14)
SAMPLE = 3
OVERVIEW = FLIGHT_DELAY_OVERVIEW[2]


def ask_for_a_number(cast: Cast, request: int, model: str, version: int, measured: Any) -> None:
    """The request waits until the card says what Vera misses in it, and she has read it."""
    entries = f"/change-requests/{request}/entries"
    asked = cast.vera.post(
        entries,
        {
            "kind": "change_asked",
            "text": "The card does not say how well version 2 ranks flights *of these weeks*.",
        },
    )
    _write_number(cast, model, version, f"{measured['value']:.2f}")
    cast.olga.post(f"/change-requests/{request}/refresh", {})
    answer = "It says so below Metrics now; the number is bound to the measurement."
    cast.olga.post(entries, {"kind": "answer", "about": asked["id"], "text": answer})
    settled = "Read, and it is what was measured on those weeks."
    cast.vera.post(entries, {"kind": "settled", "about": asked["id"], "text": settled})


def _write_number(cast: Cast, model: str, version: int, value: str) -> None:
    path = f"{version_path(model, version)}/card"
    card = cast.olga.get(path, revision="newest")
    said = next(one["text"] for one in card["sections"] if one["id"] == "metrics")
    bound = f"[{value}](number:roc_auc)"
    added = f"{said}\n\nOn the latest weeks, answered again, the ROC AUC was {bound}."
    cast.olga.patch(
        path,
        {"sections": {"metrics": added, "overview": OVERVIEW}, "note": "What Vera asked for"},
        etag=str(card["revision"]["number"]),
    )


def lend_role(cast: Cast) -> None:
    """Rita will be away in a week: Vera may sign in her place then, and nobody else."""
    away = cast.now.date() + timedelta(days=7)
    cast.rita.post(
        "/delegations",
        {
            "taker": "vera@example.org",
            "team": "flight-operations",
            "role": "reviewer",
            "begins_on": away.isoformat(),
            "ends_on": (away + AWAY).isoformat(),
            "reason": "On leave. Vera knows the models; what she validated she cannot approve.",
        },
    )


def draw_sample(cast: Cast) -> None:
    """Adam draws changes by a seed that anybody can repeat, and notes what he saw in the first."""
    sample = cast.adam.post(
        "/samples",
        {
            "title": "Changes of this year's end",
            "population": "changes",
            "since": (cast.now - timedelta(days=30)).date().isoformat(),
            "until": cast.now.date().isoformat(),
            "size": SAMPLE,
            "seed": "the dice of the annual audit",
        },
    )
    path = f"/samples/{sample['number']}/items/1/entries"
    seen = "Evidence opened, both signatures checked against the signing roles of that day."
    cast.adam.post(path, {"text": seen})
