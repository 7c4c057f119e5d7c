"""What is recommended for one version on the day that a paper is made of its card."""

from typing import Any

from governance.publishing import clock
from governance.reads.recommendations import RecommendationLine, standing

# Files that people read; every other format holds the card alone.
PAPERS = frozenset({"pdf", "annex-iv", "annex-iv-pdf"})


def with_recommended(user: Any, version_id: int, model_id: int, card: dict[str, Any]) -> Any:
    """The card for a paper, with what is recommended now beside it; the card stays as it is."""
    lines = standing(user, model_id, version_id=version_id)
    return {**card, "recommended": [_printed(one) for one in lines]}


def _printed(line: RecommendationLine) -> dict[str, Any]:
    return {
        "environment": line.row.environment,
        "words": line.words,
        "sentence": line.row.sentence,
        "grounds": [one.said for one in line.grounds],
        "wanting": line.wanting,
        "notes": [f"{one.printed_name} does not follow it: {one.reason}" for one in line.notes],
        "since": clock(line.row.at.isoformat()),
    }
