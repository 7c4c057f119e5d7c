"""The figures of a team as lines of text, with intervals where they mean something."""

from collections.abc import Mapping
from typing import Any

from governance.challenge_figures import LEAST_DECISIONS, Figures, Spread
from governance.models import EvidenceKind
from governance.reads.challenge import TeamChallenge

Line = tuple[str, str, str]
MINUTE = 1 / 60


def lines_of(one: TeamChallenge) -> dict[str, list[Line]]:
    """Figures and openings as (what, how much, how sure); empty where nothing is shown."""
    if one.figures is None:
        return {"figures": [], "opened": []}
    found = one.figures
    labels = dict(EvidenceKind.choices)
    return {
        "figures": _figures(found),
        "opened": [(str(labels[kind]), *_share(part)) for kind, part in found.opened.items()],
    }


def _figures(found: Figures) -> list[Line]:
    return [
        ("Signed without opening any evidence", *_share(found.unopened)),
        ("Signed having opened the request's own page only", *_share(found.only_request)),
        ("From submission to signature", *_spread(found.from_submission)),
        ("From the first opening to signature", *_spread(found.from_opening)),
        ("Requests to which who signs set conditions", *_share(found.changes_asked)),
        ("Rejected", *_share(found.rejected)),
        ("Overturned later", *_overturned(found)),
    ]


def _share(part: Mapping[str, Any]) -> tuple[str, str]:
    if part["of"] < LEAST_DECISIONS:
        return "too few to tell", f"fewer than {LEAST_DECISIONS}"
    low, high = (f"{100 * part[name]:.0f}" for name in ("low", "high"))
    counted = f"{part['hits']:,} of {part['of']:,}"
    return f"{100 * part['value']:.0f}\u202f%", f"{counted}; 95\u202f%: {low} to {high}\u202f%"


def _overturned(found: Figures) -> tuple[str, str]:
    value, sure = _share(found.overturned)
    recent = f"; {found.too_recent:,} more are too recent" if found.too_recent else ""
    return value, f"{sure}{recent}"


def _spread(found: Spread) -> tuple[str, str]:
    if found.median is None or found.low is None or found.high is None:
        return "too few to tell", f"fewer than {LEAST_DECISIONS}"
    half = f"the middle half {_hours(found.low)} to {_hours(found.high)}"
    return f"{_hours(found.median)} (median)", f"{half}; {found.n:,} signatures"


def _hours(hours: float) -> str:
    if hours < 1:
        return f"{max(1, round(hours / MINUTE))} min"
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"
