"""Challenge: where the policy asks for it, the new version is held against the champion first.

Either in the champion's shadow, for days to come, or at once on the latest days (see `replaying`).
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from audit.record import SYSTEM, record
from monitoring.events import MonitoringEvent
from monitoring.jobs.retraining import replaying
from monitoring.jobs.retraining.work import Done, Result, StepFailed, Waits, actor_of, terms_of
from monitoring.models import Experiment, ExperimentKind, Profile, Retraining, RetrainingStep
from monitoring.reads.experiments import Phase, Seen, seen_by_machine
from monitoring.reads.windows import ALL_ROWS
from monitoring.retraining_terms import Terms
from registry.models import TaskType

ENDPOINTS = {
    TaskType.BINARY: "brier",
    TaskType.MULTICLASS: "error_rate",
    TaskType.REGRESSION: "absolute_error",
}
FEWEST_PLANNED = 1_000
BEFORE = timedelta(days=28)
HOUR = timedelta(hours=1)


def challenge(step: RetrainingStep) -> Result:
    """Declare the experiment once, then wait for what it says."""
    retraining, terms = step.retraining, terms_of(step.retraining)
    if not terms.shadow_days and not terms.replay:
        return Done(message="The policy asks for no shadow.", skipped=True)
    if terms.replay and (waits := replaying.awaited(step)):
        return waits
    experiment = _declared(retraining, terms)
    seen = seen_by_machine(experiment)
    if seen.phase != Phase.CONCLUDED:
        return Waits(_waited_for(experiment, terms), str(experiment.pk))
    return _said(seen, experiment)


def _waited_for(experiment: Experiment, terms: Terms) -> str:
    if terms.replay:
        return "Its answers to the latest days are held against the champion's."
    return f"In the champion's shadow until {experiment.ends_at:%-d %B %Y}."


def _said(seen: Seen, experiment: Experiment) -> Done:
    numbers = {"experiment": experiment.pk, "answer": seen.answer, "reason": seen.reason}
    if seen.answer == "worse":
        message = "Held against the champion, the new version was worse."
        raise StepFailed(message, numbers)
    return Done(numbers, message=f"The comparison says: {seen.answer or 'nothing'}.")


@transaction.atomic
def _declared(retraining: Retraining, terms: Terms) -> Experiment:
    """The experiment of these two; a second time finds it."""
    version = retraining.version
    if version is None:
        raise StepFailed("There is no new version to hold against the champion.")
    found = Experiment.objects.filter(
        challenger=version, champion=retraining.parent, kind=ExperimentKind.SHADOW
    ).first()
    if found is not None:
        return found
    starts_at, ends_at, words = _time_of(retraining, terms)
    experiment = Experiment.objects.create(
        model=retraining.model,
        name=f"Version {version.number} retrained, {words}",
        kind=ExperimentKind.SHADOW,
        champion=retraining.parent,
        challenger=version,
        endpoint=ENDPOINTS[TaskType(retraining.model.task)],
        planned_rows=_planned(retraining, (ends_at - starts_at).days or 1),
        starts_at=starts_at,
        ends_at=ends_at,
        declared_by=actor_of(retraining),
    )
    event = MonitoringEvent.EXPERIMENT_DECLARED
    about = {"retraining": retraining.pk, "challenger": version.number, "replay": terms.replay}
    record(SYSTEM, event, experiment, endpoint=experiment.endpoint, **about)
    return experiment


def _time_of(retraining: Retraining, terms: Terms) -> tuple[datetime, datetime, str]:
    if terms.replay:
        return *replaying.period_of(retraining), "on the latest days"
    starts_at = _next_hour(timezone.now())
    return starts_at, starts_at + timedelta(days=terms.shadow_days), "in the shadow"


def _planned(retraining: Retraining, days: int) -> int:
    """As many rows as the champion answered lately in so many days, of both together."""
    hours = Profile.objects.filter(version=retraining.parent, segment=ALL_ROWS)
    newest = hours.order_by("-hour").values_list("hour", flat=True).first()
    if newest is None:
        return FEWEST_PLANNED
    lately = hours.filter(hour__gt=newest - BEFORE).aggregate(total=Sum("rows"))["total"] or 0
    return max(FEWEST_PLANNED, 2 * lately * days // BEFORE.days)


def _next_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + HOUR
