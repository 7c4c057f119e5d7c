"""Rollouts: started, paused, resumed and stopped by people of the model's team, with a reason."""

import re
import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.policies import require
from audit.record import record
from monitoring.events import MonitoringEvent
from monitoring.jobs.rollout_moves import NOTHING, deployed, give, locked_rollout, moved
from monitoring.models import Experiment, ExperimentKind, Rollout
from monitoring.policies import can_change_monitors
from monitoring.services.experiments import ExperimentInvalid
from monitoring.services.monitors import ONLY_THE_TEAM
from monitoring.states import IllegalRolloutMove
from monitoring.stats.experiments import endpoints_of
from monitoring.stats.experiments.guards import LATENCY, PARITY
from monitoring.stats.reference import Task
from registry.models import Model

USUAL_STEPS: tuple[dict[str, Any], ...] = (
    {"share": "0.01", "hours": 24, "rows": 100},
    {"share": "0.05", "hours": 24, "rows": 500},
    {"share": "0.2", "hours": 48, "rows": 1000},
    {"share": "0.5", "hours": 0, "rows": 0},
)
MOST_STEPS, MOST_GUARDS = 12, 8
ENVIRONMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TEN_THOUSANDTH = Decimal("0.0001")


@transaction.atomic
def start_rollout(
    *,
    actor: User,
    experiment_id: int,
    environment: str = "production",
    steps: Sequence[Mapping[str, Any]] = USUAL_STEPS,
    guards: Sequence[Mapping[str, Any]],
    false_stop: float = 0.05,
) -> Rollout:
    """Give the challenger the first share; the machine raises it by the declared steps.

    The share that was approved when it was deployed as challenger is the limit.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        ExperimentInvalid: steps or guard-rails make no sense, or it is no deployed challenger.
    """
    experiment = _locked_experiment(experiment_id)
    model = experiment.model
    require(can_change_monitors(actor, model), ONLY_THE_TEAM)
    _must_run(experiment)
    if len(environment) > 40 or not ENVIRONMENT.fullmatch(environment):
        raise ExperimentInvalid("environment", "Up to 40 small letters, digits and hyphens.")
    if not 0.001 <= false_stop <= 0.2:
        raise ExperimentInvalid("false_stop", "The rate of false stops lies from 0.001 to 0.2.")
    rollout = Rollout(
        experiment=experiment,
        model=model,
        environment=environment,
        key=_key(experiment),
        salt=secrets.token_hex(16),
        steps=_steps(steps),
        guards=_guards(guards, model),
        false_stop=false_stop,
        started_by=actor,
        reason="Started",
    )
    _within_what_was_approved(rollout)
    _save(rollout)
    record(
        actor,
        MonitoringEvent.ROLLOUT_STARTED,
        rollout,
        environment=environment,
        steps=rollout.steps,
        guards=rollout.guards,
        false_stop=false_stop,
    )
    give(rollout, Decimal(rollout.steps[0]["share"]), because="The first step")
    return rollout


@transaction.atomic
def pause_rollout(*, actor: User, experiment_id: int, reason: str) -> Rollout:
    """No further step until somebody resumes it; the share stays, the guard-rails hold on."""
    rollout = _locked(actor, experiment_id)
    _move(rollout, "pause", MonitoringEvent.ROLLOUT_PAUSED, actor, reason)
    return rollout


@transaction.atomic
def resume_rollout(*, actor: User, experiment_id: int, reason: str) -> Rollout:
    """Steps are taken again; traffic that is not split as declared pauses it again."""
    rollout = _locked(actor, experiment_id)
    _move(rollout, "resume", MonitoringEvent.ROLLOUT_RESUMED, actor, reason)
    return rollout


@transaction.atomic
def stop_rollout(*, actor: User, experiment_id: int, reason: str) -> Rollout:
    """The challenger gets no traffic any more, at once and for good."""
    rollout = _locked(actor, experiment_id)
    _move(rollout, "stop", MonitoringEvent.ROLLOUT_STOPPED, actor, reason)
    give(rollout, NOTHING, because=reason.strip())
    return rollout


def _locked(actor: User, experiment_id: int) -> Rollout:
    experiment = _locked_experiment(experiment_id)
    require(can_change_monitors(actor, experiment.model), ONLY_THE_TEAM)
    found = Rollout.objects.filter(experiment=experiment).values_list("pk", flat=True).first()
    if found is None:
        raise ExperimentInvalid("experiment", "Its share is not raised in steps.")
    return locked_rollout(found)


def _move(rollout: Rollout, verb: str, event: MonitoringEvent, actor: User, reason: str) -> None:
    if not reason.strip():
        raise ExperimentInvalid("reason", "Say why.")
    try:
        moved(rollout, verb, event, actor=actor, reason=reason.strip())
    except IllegalRolloutMove as error:
        raise ExperimentInvalid("state", str(error)) from error


def _locked_experiment(experiment_id: int) -> Experiment:
    """The model first, as everywhere."""
    model_id = Experiment.objects.values_list("model_id", flat=True).get(pk=experiment_id)
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    found = Experiment.objects.select_for_update(no_key=True, of=("self",))
    experiment = found.select_related("champion", "challenger").get(pk=experiment_id)
    experiment.model = model
    return experiment


def _must_run(experiment: Experiment) -> None:
    if experiment.kind != ExperimentKind.SPLIT:
        raise ExperimentInvalid("experiment", "A shadow answers every row; it has no share.")
    if experiment.stopped_at or experiment.concluded_at:
        raise ExperimentInvalid("experiment", "The experiment has ended already.")


def _key(experiment: Experiment) -> str:
    numbers = f"{experiment.challenger.number}-against-{experiment.champion.number}"
    return f"{experiment.model.slug[:60]}/{numbers}/{experiment.starts_at:%Y%m%d}"


def _steps(said: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if not 1 <= len(said) <= MOST_STEPS:
        raise ExperimentInvalid("steps", f"Declare 1 to {MOST_STEPS} steps.")
    steps = [_step(one) for one in said]
    shares = [Decimal(one["share"]) for one in steps]
    if any(later <= earlier for earlier, later in pairwise(shares)):
        raise ExperimentInvalid("steps", "Each step has a greater share than the one before.")
    return steps


def _step(one: Mapping[str, Any]) -> dict[str, Any]:
    try:
        share = Decimal(str(one["share"]))
        hours, rows = int(one.get("hours", 0)), int(one.get("rows", 0))
    except (KeyError, InvalidOperation, ValueError, TypeError) as error:
        raise ExperimentInvalid("steps", "A step has share, hours and rows.") from error
    if not share.is_finite() or not 0 < share < 1 or share % TEN_THOUSANDTH:
        message = "A share lies between 0 and 1, in ten-thousandths."
        raise ExperimentInvalid("steps", message)
    if not 0 <= hours <= 8_784 or not 0 <= rows <= 10**12:
        raise ExperimentInvalid("steps", "Hours are at most a year, and nothing is negative.")
    return {"share": f"{share.normalize():f}", "hours": hours, "rows": rows}


def _guards(said: Sequence[Mapping[str, Any]], model: Model) -> list[dict[str, Any]]:
    known = guard_metrics(model)
    if not 1 <= len(said) <= MOST_GUARDS:
        raise ExperimentInvalid("guards", f"Declare 1 to {MOST_GUARDS} guard-rails.")
    found: dict[str, float] = {}
    for one in said:
        metric, margin = str(one.get("metric")), one.get("margin")
        if metric not in known or metric in found:
            message = f"Each of {', '.join(known)} may be a guard-rail, once."
            raise ExperimentInvalid("guards", message)
        if not isinstance(margin, int | float) or not 0 <= margin < 10**9:
            raise ExperimentInvalid("guards", f"{metric}: the margin is a number, 0 or more.")
        found[metric] = float(margin)
    return [{"metric": metric, "margin": margin} for metric, margin in found.items()]


def guard_metrics(model: Model) -> list[str]:
    """What may stop a challenger of this model."""
    binary = [PARITY] if model.task == Task.BINARY else []
    return [*endpoints_of(Task(model.task)), LATENCY, *binary]


def _within_what_was_approved(rollout: Rollout) -> None:
    running = deployed(rollout)
    if running is None:
        message = f"The challenger is not deployed as challenger in {rollout.environment}."
        raise ExperimentInvalid("environment", message)
    if Decimal(rollout.steps[-1]["share"]) > running.traffic_share:
        message = f"Approved is a share of {running.traffic_share:.2%}; ask for more by a change."
        raise ExperimentInvalid("steps", message)


def _save(rollout: Rollout) -> None:
    try:
        with transaction.atomic():
            rollout.save()
    except IntegrityError as error:
        message = "Another rollout of this model runs there, or this experiment had one already."
        raise ExperimentInvalid("environment", message) from error
    rollout.refresh_from_db(fields=["started_at", "changed_at"])
