"""What the newest experiment says about a champion's challenger, and of all its other endpoints."""

from collections.abc import Collection
from dataclasses import dataclass

from monitoring.models import Experiment, ExperimentLook
from monitoring.reads.experiments import Seen, finding_of, seen_of
from monitoring.stats.experiments import Answer, endpoints_of, judged
from monitoring.stats.findings import Finding
from monitoring.stats.reference import Task

NONE, HELD, BROKEN = "none", "held", "broken"


@dataclass(frozen=True)
class Challenged:
    """A champion's newest experiment: its answer, and whether another endpoint became worse."""

    experiment_id: int
    name: str
    challenger_id: int
    challenger: int
    answer: str
    guard_rails: str
    worse: tuple[str, ...]


def challenged(champion_ids: Collection[int], ended: Collection[str]) -> dict[int, Challenged]:
    """champion -> what its newest experiment says; challengers of a stage in `ended` do not count.

    Two queries.
    """
    rows = (
        Experiment.objects.filter(champion__in=champion_ids)
        .exclude(challenger__stage__in=ended)
        .select_related("model", "challenger")
        .order_by("champion_id", "-starts_at", "-pk")
        .distinct("champion_id")
    )
    found = list(rows)
    looks = ExperimentLook.objects.filter(experiment__in=found).order_by("experiment_id", "-as_of")
    newest = {look.experiment_id: look for look in looks.distinct("experiment_id")}
    return {
        one.champion_id: _challenged(seen_of(one, [newest[one.pk]] if one.pk in newest else []))
        for one in found
    }


def _challenged(seen: Seen) -> Challenged:
    one = seen.experiment
    judgements = _others(seen)
    worse = tuple(name for name, answer in judgements.items() if answer is Answer.WORSE)
    rails = BROKEN if worse else HELD if judgements else NONE
    return Challenged(
        experiment_id=one.pk,
        name=one.name,
        challenger_id=one.challenger_id,
        challenger=one.challenger.number,
        answer=str(seen.answer or Answer.UNDECIDED),
        guard_rails=rails,
        worse=worse,
    )


def _others(seen: Seen) -> dict[str, Answer]:
    """Every endpoint but the deciding one of which the newest look has a number."""
    if seen.look is None:
        return {}
    endpoints = endpoints_of(Task(seen.experiment.model.task))
    found = {}
    for name, endpoint in endpoints.items():
        row = finding_of(seen.look, name, looks="any")
        if name != seen.experiment.endpoint and row and row["value"] is not None:
            finding = Finding(
                row["measure"], row["value"], row["n"], low=row["low"], high=row["high"]
            )
            found[endpoint.words] = judged(finding, endpoint.better)
    return found
