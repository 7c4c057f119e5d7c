"""Experiments: declared and stopped by people of the model's team."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record
from monitoring.events import MonitoringEvent
from monitoring.jobs.rollout_moves import end_with
from monitoring.models import Experiment, ExperimentKind
from monitoring.policies import can_change_monitors
from monitoring.services.monitors import ONLY_THE_TEAM
from monitoring.stats.experiments import endpoints_of
from monitoring.stats.reference import Task
from registry.models import Model, Version

SHORTEST, LONGEST = timedelta(hours=24), timedelta(days=366)
MOST_ROWS = 10**12
OF_ERRORS = ("error_rate", "brier", "absolute_error")


class ExperimentInvalid(ValueError):
    """What was declared does not go together; `field` says which part."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.field = name


@dataclass(frozen=True)
class Design:
    """What is compared, how long, and what decides; said before the numbers are seen."""

    name: str
    kind: str
    champion: int
    challenger: int
    endpoint: str
    starts_at: datetime
    ends_at: datetime
    planned_rows: int
    challenger_share: float | None = None
    confidence: float = 0.95
    margin: float | None = None


@transaction.atomic
def declare_experiment(*, actor: User, model_id: int, design: Design) -> Experiment:
    """Declare an experiment on rows that two versions log, from full hour to full hour.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        ExperimentInvalid: the design does not go together, or these two are compared already.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_change_monitors(actor, model), ONLY_THE_TEAM)
    _check(design, model)
    experiment = Experiment(
        model=model,
        declared_by=actor,
        name=design.name,
        kind=design.kind,
        champion=_version(model, design.champion, "champion"),
        challenger=_version(model, design.challenger, "challenger"),
        endpoint=design.endpoint,
        challenger_share=design.challenger_share,
        planned_rows=design.planned_rows,
        confidence=design.confidence,
        margin=design.margin,
        starts_at=_hour(design.starts_at),
        ends_at=_hour(design.ends_at),
    )
    _save(experiment)
    record(
        actor,
        MonitoringEvent.EXPERIMENT_DECLARED,
        experiment,
        kind=design.kind,
        champion=design.champion,
        challenger=design.challenger,
        endpoint=design.endpoint,
        planned_rows=design.planned_rows,
        margin=design.margin,
        starts_at=experiment.starts_at,
        ends_at=experiment.ends_at,
    )
    return experiment


@transaction.atomic
def stop_experiment(*, actor: User, experiment_id: int, reason: str) -> Experiment:
    """End an experiment before its planned end; what it saw by then stays.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        ExperimentInvalid: it has ended already, or no reason is given.
    """
    model_id = Experiment.objects.values_list("model_id", flat=True).get(pk=experiment_id)
    Model.objects.select_for_update(no_key=True).get(pk=model_id)
    found = Experiment.objects.select_for_update(no_key=True, of=("self",))
    experiment = found.select_related("model").get(pk=experiment_id)
    require(can_change_monitors(actor, experiment.model), ONLY_THE_TEAM)
    if experiment.stopped_at or experiment.concluded_at or experiment.ends_at <= timezone.now():
        raise ExperimentInvalid("reason", "The experiment has ended already.")
    if not reason.strip():
        raise ExperimentInvalid("reason", "Say why it ends before its planned end.")
    experiment.stopped_at, experiment.stop_reason = Now(), reason.strip()[:500]
    experiment.save(update_fields=["stopped_at", "stop_reason"])
    experiment.refresh_from_db(fields=["stopped_at"])
    record(actor, MonitoringEvent.EXPERIMENT_STOPPED, experiment, reason=experiment.stop_reason)
    end_with(experiment, actor=actor, reason=experiment.stop_reason)
    return experiment


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _version(model: Model, number: int, name: str) -> Version:
    found = Version.objects.filter(model=model, number=number).first()
    if found is None:
        raise ExperimentInvalid(name, f"{model} has no version {number}.")
    return found


def _save(experiment: Experiment) -> None:
    try:
        with transaction.atomic():
            experiment.save()
    except IntegrityError as error:
        message = "These two versions are compared in this way already; stop that one first."
        raise ExperimentInvalid("challenger", message) from error
    experiment.refresh_from_db(fields=["declared_at"])


def _check(design: Design, model: Model) -> None:
    if not design.name.strip():
        raise ExperimentInvalid("name", "Give it a name.")
    if design.champion == design.challenger:
        raise ExperimentInvalid("challenger", "Choose two different versions.")
    known = endpoints_of(Task(model.task))
    if design.endpoint not in known:
        message = f"A {model.get_task_display()} model is compared by {', '.join(known)}."
        raise ExperimentInvalid("endpoint", message)
    if not 0.8 <= design.confidence <= 0.999:
        raise ExperimentInvalid("confidence", "The confidence lies between 0.8 and 0.999.")
    if design.margin is not None and not 0 < design.margin < MOST_ROWS:
        raise ExperimentInvalid("margin", "The margin is a number above 0, or is not named.")
    if not 100 <= design.planned_rows <= MOST_ROWS:
        raise ExperimentInvalid("planned_rows", "Plan 100 rows or more, of both together.")
    _check_time(design)
    _check_kind(design)


def _check_time(design: Design) -> None:
    if not SHORTEST <= design.ends_at - design.starts_at <= LONGEST:
        raise ExperimentInvalid("ends_at", "An experiment takes a day or more, and at most a year.")


def _check_kind(design: Design) -> None:
    if design.kind == ExperimentKind.SPLIT:
        share = design.challenger_share
        if share is None or not 0 < share < 1:
            message = "Say which share of the traffic the challenger gets, between 0 and 1."
            raise ExperimentInvalid("challenger_share", message)
        return
    if design.challenger_share is not None:
        message = "A shadow answers every row; only split traffic has a share."
        raise ExperimentInvalid("challenger_share", message)
    if design.endpoint not in OF_ERRORS:
        message = "A shadow's answers are not used: only its errors can be compared."
        raise ExperimentInvalid("endpoint", message)
