"""A model's budget of false alarms in words. Pure but for the budget itself."""

from collections.abc import Sequence

from monitoring.jobs.wording import number
from monitoring.reads.runs import MonitorRow
from monitoring.reads.settings import budget_of

LEAST = 0.01


def budget_context(model_id: int, rows: Sequence[MonitorRow], versions: int) -> dict[str, str]:
    """The budget as a sentence, and what the monitors promise together. One query."""
    budget = budget_of(model_id)
    alarms = "One false alarm" if budget.false_alarms == 1 else _alarms(budget.false_alarms)
    running = sum(row.monitor.enabled for row in rows)
    share = "1 monitor has it" if running == 1 else f"{running} monitors share it"
    more = f", each for {versions} versions that serve" if versions > 1 else ""
    together = sum(row.false_alarms_per_quarter for row in rows)
    return {
        "sentence": f"{alarms} in {number(budget.days)} days over all monitors together;"
        f" {share}{more}.",
        "expected": f"As they are set up now: {per_quarter(together)} in 90 days, if nothing"
        " changes in the data.",
    }


def false_alarms_text(row: MonitorRow, versions: int) -> str:
    """What a monitor promises as it is set up now, within the budget of its model."""
    share = f"at most {100 * row.alpha:.2g}\u202f% of windows"
    if not row.monitor.enabled:
        return f"{share} once it is switched on; none until then"
    more = f", over the {versions} versions that serve" if versions > 1 else ""
    return f"{share}, {per_quarter(row.false_alarms_per_quarter)} in 90 days{more}"


def per_quarter(count: float) -> str:
    """An expected number of false alarms in 90 days, as a bound."""
    if count <= 0:
        return "none"
    return f"at most {count:.2g}" if count >= LEAST else f"fewer than {LEAST:g}"


def _alarms(count: float) -> str:
    return f"{number(count)} false alarms"
