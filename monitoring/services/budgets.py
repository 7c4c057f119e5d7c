"""How many false alarms a model may raise: declared by people of its team."""

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from audit.record import record
from monitoring.events import MonitoringEvent
from monitoring.models import AlarmBudget
from monitoring.policies import can_change_monitors
from monitoring.reads.settings import budget_of
from monitoring.services.monitors import ONLY_THE_TEAM, MonitorInvalid
from registry.models import Model

MOST_ALARMS = 1_000.0
LONGEST_DAYS = 366.0


@transaction.atomic
def set_alarm_budget(
    *, actor: User, model_id: int, false_alarms: float, days: float
) -> AlarmBudget:
    """Declare how many false alarms in how many days all monitors together may raise.

    Windows that are evaluated from now on share it; what was judged stays judged.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        MonitorInvalid: the numbers are out of range.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_change_monitors(actor, model), ONLY_THE_TEAM)
    if not 0 < false_alarms <= MOST_ALARMS:
        raise MonitorInvalid("false_alarms", f"More than 0, at most {MOST_ALARMS:g}.")
    if not 1 <= days <= LONGEST_DAYS:
        raise MonitorInvalid("days", f"1 to {LONGEST_DAYS:g} days.")
    before = budget_of(model_id)
    budget, _ = AlarmBudget.objects.update_or_create(
        model=model, defaults={"false_alarms": false_alarms, "days": days, "changed_at": Now()}
    )
    budget.refresh_from_db()
    record(
        actor,
        MonitoringEvent.BUDGET_CHANGED,
        budget,
        before={"false_alarms": before.false_alarms, "days": before.days},
        after={"false_alarms": false_alarms, "days": days},
    )
    return budget
