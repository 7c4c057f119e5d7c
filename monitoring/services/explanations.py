"""Explanations: asked for one prediction, and which share is drawn by itself."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record
from monitoring.events import MonitoringEvent
from monitoring.jobs.explaining import importances, local
from monitoring.models import (
    Explanation,
    ExplanationOrigin,
    ExplanationPolicy,
    ExplanationState,
    Importance,
    Monitor,
    MonitorKind,
)
from monitoring.policies import can_ask_explanation, can_change_monitors
from monitoring.reads.baselines import schema_of
from monitoring.reads.erased import erased_among, hold_for_taking
from monitoring.services.lookups import Logged, find_prediction
from registry.models import Model, Version

ONLY_TEAM = "Only people and service accounts who work with the team's models ask for this."
ONLY_SETTERS = "Only developers, validators and risk officers of the team change this."
MOST_WAITING = 500
MOST_PER_DAY = 2_000
FEWEST = 100
WEEK = 24 * 7
WHY = "Answers that rest on other features than before are the model in another world."


class ExplanationInvalid(ValueError):
    """What was asked cannot be done; `field` says which part of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotLogged(ExplanationInvalid):
    """No such prediction was found; `everywhere` says whether all of the log was looked at."""

    def __init__(self, message: str, *, everywhere: bool) -> None:
        super().__init__("prediction", message)
        self.everywhere = everywhere


def ask_explanation(
    *, actor: User, model_id: int, prediction_id: str, at: datetime | None = None
) -> list[Explanation]:
    """Have one prediction explained, for each version that answered it.

    What is explained already stays as it is; what could not be explained is tried once more.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        NotLogged: no version logged it, or not where was looked.
        ExplanationInvalid: too many are waiting, or the version's bytes are not known.
    """
    model = Model.objects.visible_to(actor).get(pk=model_id)
    require(can_ask_explanation(actor, model), ONLY_TEAM)
    found = find_prediction(actor=actor, model_id=model_id, prediction_id=prediction_id, at=at)
    if not found.predictions:
        raise NotLogged("No such prediction was found in the log.", everywhere=found.everywhere)
    return [_ask(actor=actor, logged=one) for one in found.predictions]


@transaction.atomic
def _ask(*, actor: User, logged: Logged) -> Explanation:
    version = (
        Version.objects.select_for_update(no_key=True, of=("self",))
        .select_related("model", "schema")
        .get(pk=logged.version_id)
    )
    require(can_ask_explanation(actor, version.model), ONLY_TEAM)
    _check(version)
    schema = schema_of(version)
    one = str(logged.row[schema.id.name]) if schema else ""
    hold_for_taking(version.model_id)
    if erased_among(version.model_id, [one]):
        raise NotLogged("Its rows were erased.", everywhere=True)
    row, made = Explanation.objects.get_or_create(
        version=version,
        prediction_id=one,
        at=logged.at,
        defaults={"origin": ExplanationOrigin.ASKED, "asked_by": actor},
    )
    if not made and row.state in {ExplanationState.DUE, ExplanationState.DONE}:
        return row
    Explanation.objects.filter(pk=row.pk).update(state=ExplanationState.DUE, reason="")
    local.enqueue(version.pk)
    row.refresh_from_db()
    record(actor, MonitoringEvent.EXPLANATION_ASKED, row, again=not made)
    return row


def _check(version: Version) -> None:
    if not version.artifact_digest:
        message = f"The files of version {version.number} are not known, so nothing can be run."
        raise ExplanationInvalid("prediction", message)
    if not hasattr(version, "reference"):
        message = f"Version {version.number} has no reference, so there is nothing usual to start"
        raise ExplanationInvalid("prediction", f"{message} from.")
    waiting = Explanation.objects.filter(
        version__model=version.model_id,
        state=ExplanationState.DUE,
        origin=ExplanationOrigin.ASKED,
    )
    if waiting.count() >= MOST_WAITING:
        message = f"{MOST_WAITING} explanations of this model are waiting. Ask again later."
        raise ExplanationInvalid("prediction", message)


@transaction.atomic
def set_explanation_policy(
    *, actor: User, model_id: int, share: float, per_day: int, enabled: bool = True
) -> ExplanationPolicy:
    """Say which share of a model's predictions is explained by itself; its monitor is set up.

    Batches that came before it was switched on are left out.

    Raises:
        Refused: the actor may not set up the model's monitors.
        ExplanationInvalid: a share or a bound that makes no sense.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_change_monitors(actor, model), ONLY_SETTERS)
    _check_policy(share, per_day)
    before = ExplanationPolicy.objects.filter(model=model).first()
    was_on = before is not None and before.enabled
    since = before.on_since if before is not None and was_on else timezone.now()
    policy, _ = ExplanationPolicy.objects.update_or_create(
        model=model,
        defaults={
            "share": share,
            "per_day": per_day,
            "enabled": enabled,
            "on_since": since if enabled else None,
            "changed_by": actor,
            "changed_at": timezone.now(),
        },
    )
    if enabled:
        _watch(actor=actor, model=model)
    facts = {"share": share, "per_day": per_day, "enabled": enabled}
    old = {"share": before.share, "per_day": before.per_day, "enabled": was_on} if before else None
    record(actor, MonitoringEvent.EXPLANATION_POLICY_CHANGED, policy, before=old, **facts)
    return policy


def _check_policy(share: float, per_day: int) -> None:
    if not 0 < share <= 1:
        raise ExplanationInvalid("share", "A share lies above 0 and is at most 1.")
    if not 1 <= per_day <= MOST_PER_DAY:
        message = f"From 1 to {MOST_PER_DAY:,} predictions of a day are explained by themselves."
        raise ExplanationInvalid("per_day", message)


def _watch(*, actor: User, model: Model) -> None:
    """What is explained by itself is watched by itself, once."""
    if Monitor.objects.filter(model=model, kind=MonitorKind.EXPLANATION).exists():
        return
    monitor = Monitor.objects.create(
        model=model,
        name="Drift of explanations",
        kind=MonitorKind.EXPLANATION,
        metric="importance_shift",
        warning=0.1,
        breach=0.2,
        minimum_n=FEWEST,
        window_hours=WEEK,
        every_hours=WEEK,
        lateness_hours=6,
        why=WHY,
        created_by=actor,
    )
    settings = {"kind": monitor.kind, "metric": monitor.metric, "why": WHY}
    record(actor, MonitoringEvent.MONITOR_CREATED, monitor, settings=settings)


@transaction.atomic
def ask_importance(*, actor: User, importance_id: int) -> Importance:
    """Have a version's importance computed once more, for instance after a failed attempt.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        ExplanationInvalid: it is under way.
    """
    row = Importance.objects.select_related("version__model").get(pk=importance_id)
    require(can_ask_explanation(actor, row.version.model), ONLY_TEAM)
    if not importances.restart(importance_id=row.pk):
        raise ExplanationInvalid("importance", "It is being computed.")
    row.refresh_from_db()
    record(actor, MonitoringEvent.EXPLANATION_ASKED, row, again=True)
    return row
