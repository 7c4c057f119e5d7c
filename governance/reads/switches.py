"""For which teams effective challenge is counted, and since when."""

from collections.abc import Collection
from datetime import datetime

from governance.models import ChallengeSwitch


def newest_switches(team_ids: Collection[int]) -> dict[int, ChallengeSwitch]:
    """The switch that holds for each team; a team without one is off. One query."""
    rows = ChallengeSwitch.objects.filter(team__in=team_ids).order_by("team", "-pk")
    return {row.team_id: row for row in rows.distinct("team")}


def counted_since(team_id: int) -> datetime | None:
    """Since when it is on, or None. One query."""
    row = newest_switches([team_id]).get(team_id)
    return row.switched_at if row and row.on else None
