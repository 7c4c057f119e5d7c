"""Experiments as pages and the API show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils import timezone

from monitoring.models import Experiment, ExperimentKind, ExperimentLook
from monitoring.stats.experiments import Answer, Better, endpoints_of, judged
from monitoring.stats.findings import Finding
from monitoring.stats.reference import Task

MOST = 100
RATIO_ALPHA = 0.001
PAIRED = {
    "error_rate": "error_rate_difference",
    "brier": "brier_difference",
    "absolute_error": "absolute_error_difference",
}


class Phase(StrEnum):
    """Where an experiment is in its time."""

    PLANNED = "planned"
    RUNNING = "running"
    WAITING = "waiting for outcomes"
    CONCLUDED = "concluded"


@dataclass(frozen=True)
class Seen:
    """An experiment, its newest look, and what that look says."""

    experiment: Experiment
    phase: Phase
    looks: Sequence[ExperimentLook]
    answer: str
    reason: str

    @property
    def look(self) -> ExperimentLook | None:
        return self.looks[-1] if self.looks else None

    @property
    def afterwards(self) -> bool:
        """Whether its time had begun when it was declared: its numbers may have been known."""
        return self.experiment.declared_at > self.experiment.starts_at + timedelta(hours=1)


def experiments_of(user: Any, *, model_id: int | None = None) -> list[Seen]:
    """The newest experiments that a person may see, each with its last look. Two queries."""
    found = Experiment.objects.visible_to(user)
    if model_id is not None:
        found = found.filter(model_id=model_id)
    named = list(found.select_related("model", "champion", "challenger", "declared_by")[:MOST])
    last = ExperimentLook.objects.filter(experiment__in=[one.pk for one in named])
    newest = {
        look.experiment_id: look
        for look in last.order_by("experiment_id", "-as_of").distinct("experiment_id")
    }
    return [seen_of(one, [newest[one.pk]] if one.pk in newest else []) for one in named]


def experiment_of(user: Any, experiment_id: int) -> Seen | None:
    """One experiment with all its looks, oldest first; None where it may not be seen."""
    found = Experiment.objects.visible_to(user).filter(pk=experiment_id)
    experiment = found.select_related("model", "champion", "challenger", "declared_by").first()
    if experiment is None:
        return None
    return seen_of(experiment, list(experiment.looks.order_by("as_of")))


def phase_of(experiment: Experiment, now: datetime) -> Phase:
    if experiment.concluded_at is not None:
        return Phase.CONCLUDED
    if now < experiment.starts_at:
        return Phase.PLANNED
    over = experiment.stopped_at is not None or now >= experiment.ends_at
    return Phase.WAITING if over else Phase.RUNNING


def deciding(look: ExperimentLook, experiment: Experiment) -> dict[str, Any] | None:
    """The difference that decides, with the interval that holds at every look."""
    name = experiment.endpoint
    if experiment.kind == ExperimentKind.SHADOW:
        name = PAIRED[name]
    return finding_of(look, name, looks="any")


def finding_of(look: ExperimentLook, name: str, *, looks: str = "") -> dict[str, Any] | None:
    """One finding of a look by endpoint and number of looks."""
    for row in look.findings:
        if row["endpoint"] == name and not row["about"] and row.get("looks", "") == looks:
            return dict(row)
    return None


def seen_of(experiment: Experiment, looks: Sequence[ExperimentLook]) -> Seen:
    answer, reason = _answer(experiment, looks[-1] if looks else None)
    return Seen(experiment, phase_of(experiment, timezone.now()), looks, answer, reason)


def _answer(experiment: Experiment, look: ExperimentLook | None) -> tuple[str, str]:
    """What the newest look says: an answer, or why there is none."""
    if look is None:
        return "", "Nobody has looked yet; the first look is taken after a day."
    traffic = finding_of(look, "traffic")
    chance = traffic["parameters"].get("always_valid_p") if traffic else None
    if chance is not None and chance < RATIO_ALPHA:
        return "invalid", "The traffic is not split as declared, so the arms may differ."
    found = deciding(look, experiment)
    if found is None or found["value"] is None:
        return Answer.UNDECIDED, found["reason"] if found else "Too few rows."
    return judged(_finding(found), _better(experiment)), ""


def _better(experiment: Experiment) -> Better:
    return endpoints_of(Task(experiment.model.task))[experiment.endpoint].better


def _finding(row: dict[str, Any]) -> Finding:
    return Finding(row["measure"], row["value"], row["n"], low=row["low"], high=row["high"])


class Outcome(StrEnum):
    """What a concluded experiment recommends."""

    PROMOTE = "promote"
    END = "end"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Conclusion:
    """What an experiment recommends at its end, and why, with its numbers."""

    outcome: Outcome
    why: str


def concluded(experiment_id: int) -> Seen | None:
    """A concluded experiment with its looks; for the machine, which may see every one."""
    found = Experiment.objects.filter(pk=experiment_id, concluded_at__isnull=False)
    experiment = found.select_related("model", "champion", "challenger", "declared_by").first()
    return seen_of(experiment, list(experiment.looks.order_by("as_of"))) if experiment else None


def conclusion_of(seen: Seen) -> Conclusion:
    """Whether the challenger has won as was declared: better, or not worse beyond the margin."""
    one, found = seen.experiment, deciding(seen.look, seen.experiment) if seen.look else None
    if one.stopped_at is not None:
        return Conclusion(Outcome.END, f"It was ended before its time: {one.stop_reason}")
    if seen.answer == "invalid" or found is None or found["low"] is None:
        return Conclusion(Outcome.NOTHING, seen.reason or "Nothing can be concluded.")
    told = _numbers(one, found)
    if seen.answer == Answer.WORSE and not _not_inferior(seen, found):
        return Conclusion(Outcome.END, f"The challenger does worse. {told}")
    if seen.answer == Answer.BETTER:
        return Conclusion(Outcome.PROMOTE, f"The challenger does better. {told}")
    if _not_inferior(seen, found):
        why = f"The challenger is not worse by more than the declared {one.margin:g}. {told}"
        return Conclusion(Outcome.PROMOTE, why)
    return Conclusion(Outcome.NOTHING, f"No difference can be told. {told}")


def _not_inferior(seen: Seen, found: dict[str, Any]) -> bool:
    margin, better = seen.experiment.margin, _better(seen.experiment)
    if margin is None or better is Better.NEITHER:
        return False
    return bool(found["high"] < margin if better is Better.LOWER else found["low"] > -margin)


def _numbers(one: Experiment, found: dict[str, Any]) -> str:
    return (
        f"{endpoints_of(Task(one.model.task))[one.endpoint].words}, challenger minus champion:"
        f" {found['value']:.4g}, from {found['low']:.4g} to {found['high']:.4g} at"
        f" {100 * one.confidence:g} % confidence and at every look, from {found['n']:,} rows."
    )


def seen_by_machine(experiment: Experiment) -> Seen:
    """What an experiment says, for jobs: nobody looks, so nobody's rights are asked."""
    return seen_of(experiment, list(experiment.looks.order_by("as_of")))
