"""When a change request has to be decided: days by kind and risk tier, as data. Pure."""

from datetime import date, timedelta

# The graver the risk, the longer people look; going back has to be quick for all.
DAYS = {"high": 14, "medium": 10, "low": 7}
ROLL_BACK_DAYS = 1
SOON = timedelta(days=2)
LONGEST = timedelta(days=180)


def due_from(day: date, kind: str, risk_tier: str) -> date:
    """The day on which a request that is submitted on `day` has to be decided."""
    return day + timedelta(days=ROLL_BACK_DAYS if kind == "roll_back" else DAYS[risk_tier])
