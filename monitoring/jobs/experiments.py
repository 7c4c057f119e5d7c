"""Look at running experiments: what they say up to each of up to 30 moments of their time.

Late outcomes renew the looks that they touch; after the last outcome was due the experiment is
concluded. Numbers first, then one transaction. A second time gives the same.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from audit.record import SYSTEM, record
from ledger import claims
from ledger.models import Job, JobState
from monitoring.events import MonitoringEvent
from monitoring.jobs.pairing import pairs_of
from monitoring.jobs.rollouts import strata_of, traffic_of
from monitoring.models import Batch, Experiment, ExperimentKind, ExperimentLook, Profile, Rollout
from monitoring.reads.baselines import Baseline, baseline_of
from monitoring.reads.windows import ALL_ROWS, merged
from monitoring.stats import storage
from monitoring.stats.evidence import VERSION
from monitoring.stats.experiments import (
    Arm,
    Side,
    compared,
    disagreements,
    endpoints_of,
    paired_classes,
    paired_numbers,
    sample_ratio_mismatch,
)
from monitoring.stats.experiments.guards import over_steps
from monitoring.stats.findings import Finding
from monitoring.stats.reference import Task

KIND = "monitoring.look"
DAY = timedelta(days=1)
LOOKS = 30
LATENESS = timedelta(hours=1)
MOST_PAIRS = 200_000
SEED = 0
Row: TypeAlias = dict[str, Any]


def schedule_looks() -> int:
    """Enqueue every look that is due and not taken from the counts as they are; how many."""
    running = Experiment.objects.filter(concluded_at__isnull=True).select_related("model")
    return sum(_schedule(experiment) for experiment in running)


def end_of(experiment: Experiment) -> datetime:
    """Its planned end, or the hour in which it was stopped."""
    if experiment.stopped_at is None:
        return experiment.ends_at
    stopped = experiment.stopped_at.replace(minute=0, second=0, microsecond=0)
    return max(min(stopped, experiment.ends_at), experiment.starts_at)


def moments_of(experiment: Experiment, now: datetime) -> list[datetime]:
    """When it is looked at: every so many whole days, and at the end."""
    end = end_of(experiment)
    days = -(-(experiment.ends_at - experiment.starts_at) // DAY)
    step = DAY * max(1, -(-days // LOOKS))
    count = (end - experiment.starts_at) // step
    steps = [experiment.starts_at + step * place for place in range(1, count + 1)]
    planned = steps if end in steps or end <= experiment.starts_at else [*steps, end]
    return [moment for moment in planned if moment + LATENESS <= now]


def _schedule(experiment: Experiment) -> int:
    now = timezone.now()
    if _waiting(experiment):
        return 0
    taken = dict(experiment.looks.values_list("as_of", "data_revision"))
    due = [
        (moment, revision)
        for moment, revision in _revisions(experiment, moments_of(experiment, now))
        if taken.get(moment) != revision
    ]
    made = sum(_enqueue(experiment, *one) for one in due)
    if not due and now >= _all_due(experiment):
        _conclude(experiment)
    return made


def _waiting(experiment: Experiment) -> bool:
    """Whether a batch is on its way into the counts: one look for many batches."""
    versions = (experiment.champion_id, experiment.challenger_id)
    mine = Q(version__in=versions) | Q(version__isnull=True)
    waiting = Batch.objects.filter(mine, model_id=experiment.model_id, folded_at__isnull=True)
    return waiting.filter(last_at__gte=experiment.starts_at).exists()


def _revisions(experiment: Experiment, moments: list[datetime]) -> Iterator[tuple[datetime, int]]:
    """How the counts of both versions are now, up to each moment."""
    hours = Profile.objects.filter(
        version__in=(experiment.champion_id, experiment.challenger_id),
        segment=ALL_ROWS,
        hour__gte=experiment.starts_at,
    )
    rows = hours.order_by("hour").values_list("hour", "revision", "outcomes_revision")
    tallies = list(rows)
    for moment in moments:
        yield moment, sum(one + two for hour, one, two in tallies if hour < moment)


@transaction.atomic
def _enqueue(experiment: Experiment, moment: datetime, revision: int) -> bool:
    key = f"{experiment.pk}:{moment:%Y%m%d%H}:{revision}"
    return claims.enqueue(kind=KIND, key=key, subject_id=experiment.pk) is not None


def _all_due(experiment: Experiment) -> datetime:
    horizon = timedelta(hours=experiment.model.outcome_horizon_hours)
    return end_of(experiment) + horizon + LATENESS


@transaction.atomic
def _conclude(experiment: Experiment) -> None:
    open_jobs = Job.objects.filter(kind=KIND, subject_id=experiment.pk)
    if open_jobs.filter(state__in=(JobState.DUE, JobState.RUNNING)).exists():
        return
    changed = Experiment.objects.filter(pk=experiment.pk, concluded_at__isnull=True)
    if changed.update(concluded_at=Now()):
        record(SYSTEM, MonitoringEvent.EXPERIMENT_CONCLUDED, experiment)


def look(claim: claims.Claim) -> None:
    """Compute one look and store it."""
    _, text, revision = claim.key.split(":")
    moment = datetime.strptime(text, "%Y%m%d%H").replace(tzinfo=UTC)
    found = Experiment.objects.select_related("model", "champion__model", "challenger__model")
    experiment = found.get(pk=claim.subject_id)
    seen = _seen(experiment, moment)
    with transaction.atomic():
        claims.finish(claim=claim)
        ExperimentLook.objects.update_or_create(
            experiment=experiment,
            as_of=moment,
            defaults={
                **seen,
                "data_revision": int(revision),
                "library_version": VERSION,
                "looked_at": Now(),
            },
        )


def _seen(experiment: Experiment, moment: datetime) -> dict[str, Any]:
    sides = [
        _side(version_id, experiment, moment)
        for version_id in (experiment.champion_id, experiment.challenger_id)
    ]
    state = {"seed": SEED, "profiles": [side and storage.digest(side.profile) for side in sides]}
    usual, new = sides
    if usual is None or new is None:
        return {"champion_rows": 0, "challenger_rows": 0, "findings": [], "state": state}
    rows = list(_found(experiment, moment, usual, new))
    return {
        "champion_rows": usual.profile.rows,
        "challenger_rows": new.profile.rows,
        "findings": rows,
        "state": state,
    }


def _side(version_id: int, experiment: Experiment, moment: datetime) -> Side | None:
    baseline: Baseline | None = baseline_of(version_id)
    if baseline is None:
        return None
    window = merged(
        baseline.bins,
        version_id=version_id,
        start=experiment.starts_at,
        end=moment,
        outcomes=True,
    )
    return Side(baseline.bins, window.by_segment[ALL_ROWS])


def _found(experiment: Experiment, moment: datetime, usual: Side, new: Side) -> Iterator[Row]:
    rollout = Rollout.objects.filter(experiment=experiment).first()
    if rollout is not None:
        yield from _stepwise(rollout, moment)
    elif experiment.kind == ExperimentKind.SPLIT:
        yield _traffic(experiment, usual, new)
        yield from _arms(experiment, usual, new)
    else:
        yield from _pairs(experiment, moment, usual)


def _stepwise(rollout: Rollout, moment: datetime) -> Iterator[Row]:
    """As for two arms, within each step of the share; pooled arms would compare different times."""
    experiment = rollout.experiment
    strata = strata_of(rollout, moment)
    yield _row("traffic", traffic_of(strata))
    known = endpoints_of(Task(experiment.model.task))
    sides = [(one.champion, one.challenger) for one in strata]
    for name, endpoint in known.items():
        spared = 1 if name == experiment.endpoint else max(len(known) - 1, 1)
        level = 1 - (1 - experiment.confidence) / spared
        planned = experiment.planned_rows
        found = over_steps(endpoint, sides, planned=planned, confidence=level)
        arms = {
            "champion": _pooled([_arm(endpoint.read(usual)) for usual, _ in sides]),
            "challenger": _pooled([_arm(endpoint.read(new)) for _, new in sides]),
        }
        yield _row(name, found, looks="any", arms=arms)


def _pooled(arms: list[dict[str, Any]]) -> dict[str, Any]:
    known = [arm for arm in arms if arm["n"]]
    n = sum(arm["n"] for arm in known)
    return {"n": n, "value": sum(arm["n"] * arm["value"] for arm in known) / n if n else None}


def _traffic(experiment: Experiment, usual: Side, new: Side) -> Row:
    share = experiment.challenger_share or 0.0
    rows = {"champion": usual.profile.rows, "challenger": new.profile.rows}
    declared = {"champion": 1 - share, "challenger": share}
    return _row("traffic", sample_ratio_mismatch(rows, declared, seed=SEED))


def _arms(experiment: Experiment, usual: Side, new: Side) -> Iterator[Row]:
    """What decides at the declared confidence; the others share what is left of it."""
    known = endpoints_of(Task(experiment.model.task))
    others = max(len(known) - 1, 1)
    for name, endpoint in known.items():
        decides = name == experiment.endpoint
        level = (1 - experiment.confidence) / (1 if decides else others)
        both = compared(endpoint, usual, new, planned=experiment.planned_rows, confidence=1 - level)
        arms = {"champion": _arm(both.champion), "challenger": _arm(both.challenger)}
        yield _row(name, both.any_look, looks="any", arms=arms)
        yield _row(name, both.at_end, looks="one", arms=arms)


def _arm(arm: Arm) -> dict[str, Any]:
    return {"n": arm.n, "value": arm.mean if arm.n else None}


def _pairs(experiment: Experiment, moment: datetime, usual: Side) -> Iterator[Row]:
    binary = experiment.model.task == Task.BINARY and usual.bins.schema.classes
    pairs = pairs_of(
        experiment.champion,
        experiment.challenger,
        experiment.starts_at,
        moment,
        positive=usual.bins.schema.classes[-1] if binary else "",
        most=MOST_PAIRS,
    )
    planned, confidence = experiment.planned_rows, experiment.confidence
    if experiment.model.task == Task.REGRESSION:
        found = paired_numbers(pairs, planned=planned, confidence=confidence)
    else:
        found = paired_classes(pairs, planned=planned, confidence=confidence)
        for field, levels in disagreements(pairs).items():
            for level, one in levels.items():
                yield _row("disagreement", one, about=f"{field} = {level}"[:200])
    for name, one in found.items():
        plain = name.removesuffix("_any_look")
        yield _row(plain, one, looks="one" if plain == name else "any")


def _row(name: str, finding: Finding, *, about: str = "", **more: Any) -> Row:
    return {"endpoint": name, "about": about, **more, **finding.as_dict()}
