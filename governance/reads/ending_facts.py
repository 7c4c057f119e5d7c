"""Recorded days on which a legal basis or a vendor's support ends, as facts of rules."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from governance.models import LifeFact, LifeFactKind
from governance.recommendation_facts import SOON_DAYS
from registry.models import Version

Told = tuple[str, str, list[dict[str, Any]]]


def ending_of(version: Version, kind: str, rows: Iterable[LifeFact], today: date) -> Told:
    """The answer, what people read and the page with the record; the version's own goes first."""
    label = LifeFactKind(kind).label
    mine = [one for one in rows if one.kind == kind and one.version_id in {None, version.pk}]
    row = min(mine, key=lambda one: one.version_id is None, default=None)
    if row is None:
        return "not_recorded", f"{label}: none is recorded", []
    day = f"{row.ends_on.day} {row.ends_on:%b %Y}"
    page = {"kind": "model-life", "id": row.model.slug, "label": row.source[:200]}
    return answer_on(row.ends_on, today), f"{label}: {day} ({row.source})", [page]


def answer_on(ends_on: date, today: date) -> str:
    """Over from the day after it; soon within the days that the fact's title says."""
    if ends_on < today:
        return "over"
    return "soon" if ends_on <= today + timedelta(days=SOON_DAYS) else "later"
