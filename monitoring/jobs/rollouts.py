"""Follow running rollouts: every hour guard-rails first, then the traffic, then the next step.

Numbers first, then one transaction under the model's lock. What a person did meanwhile wins: the
look is stored, and no step is taken. A second time gives the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from audit.record import SYSTEM
from ledger import claims
from monitoring.events import MonitoringEvent
from monitoring.jobs.rollout_moves import (
    deployed,
    finish,
    halt,
    locked_rollout,
    moved,
    step_up,
)
from monitoring.models import Profile, Rollout, RolloutLook
from monitoring.reads.baselines import baseline_of
from monitoring.reads.experiments import RATIO_ALPHA
from monitoring.reads.rollouts import LOOK_AT
from monitoring.reads.windows import ALL_ROWS, merged
from monitoring.states import ROLLOUT_GOES_ON, RolloutState
from monitoring.stats.experiments import Side, endpoints_of
from monitoring.stats.experiments.guards import (
    LATENCY,
    PARITY,
    SLOW_SHARE,
    harmful,
    over_steps,
    parity,
    slow_answers,
)
from monitoring.stats.experiments.strata import stratified_traffic
from monitoring.stats.findings import Finding
from monitoring.stats.reference import Task

KIND = "monitoring.rollout"
HOUR = timedelta(hours=1)
Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Stratum:
    """Whole hours in which one share held, with what both versions did in them."""

    share: float
    champion: Side
    challenger: Side


def schedule_rollouts() -> int:
    """Enqueue every rollout that has not been looked at in this hour and on these counts."""
    running = Rollout.objects.filter(state__in=ROLLOUT_GOES_ON).select_related("experiment")
    return sum(_enqueue(rollout) for rollout in running)


@transaction.atomic
def _enqueue(rollout: Rollout) -> bool:
    moment = _full_hour(timezone.now())
    key = f"{rollout.pk}:{moment:%Y%m%d%H}:{_revision(rollout, moment)}"
    return claims.enqueue(kind=KIND, key=key, subject_id=rollout.pk) is not None


def _revision(rollout: Rollout, moment: datetime) -> int:
    one = rollout.experiment
    rows = Profile.objects.filter(
        version__in=(one.champion_id, one.challenger_id),
        segment=ALL_ROWS,
        hour__gte=one.starts_at,
        hour__lt=moment,
    ).aggregate(rows=Sum("revision"), labels=Sum("outcomes_revision"))
    return (rows["rows"] or 0) + (rows["labels"] or 0)


def follow_rollout(claim: claims.Claim) -> None:
    """Look at a rollout up to an hour, and do what follows."""
    _, text, revision = claim.key.split(":")
    moment = datetime.strptime(text, "%Y%m%d%H").replace(tzinfo=UTC)
    rollout = Rollout.objects.select_related(
        "experiment__champion", "experiment__challenger", "model"
    ).get(pk=claim.subject_id)
    strata = strata_of(rollout, moment)
    findings = list(guard_rows(rollout, strata))
    with transaction.atomic():
        claims.finish(claim=claim)
        locked = locked_rollout(rollout.pk)
        did = _act(locked, findings, moment, step=rollout.step)
        RolloutLook.objects.update_or_create(
            rollout=locked,
            as_of=moment,
            defaults={"findings": findings, "did": did[:300], "data_revision": int(revision)},
        )


def strata_of(rollout: Rollout, moment: datetime) -> list[Stratum]:
    """The steps with traffic for both, cut to whole hours; the hour of a change is left out."""
    found = []
    for period in rollout.periods.order_by("began_at"):
        start = _next_hour(max(period.began_at, rollout.experiment.starts_at))
        end = _full_hour(min(period.ended_at or moment, moment))
        if period.share > 0 and start < end:
            sides = [
                _side(version_id, start, end)
                for version_id in (
                    rollout.experiment.champion_id,
                    rollout.experiment.challenger_id,
                )
            ]
            usual, new = sides
            if usual is not None and new is not None:
                found.append(Stratum(float(period.share), usual, new))
    return found


def _side(version_id: int, start: datetime, end: datetime) -> Side | None:
    baseline = baseline_of(version_id)
    if baseline is None:
        return None
    window = merged(baseline.bins, version_id=version_id, start=start, end=end, outcomes=True)
    return Side(baseline.bins, window.by_segment[ALL_ROWS])


def traffic_of(strata: list[Stratum]) -> Finding:
    """Whether the rows of each step are split as it declares."""
    return stratified_traffic(
        [(one.champion.profile.rows, one.challenger.profile.rows, one.share) for one in strata]
    )


def guard_rows(rollout: Rollout, strata: list[Stratum]) -> Iterator[Row]:
    """The traffic, then each guard-rail with whether it does harm."""
    yield {"metric": "traffic", "harm": False, **traffic_of(strata).as_dict()}
    for guard in rollout.guards:
        confidence = 1 - rollout.false_stop / len(rollout.guards)
        found, harm = _guarded(rollout, guard, strata, confidence)
        yield {"metric": guard["metric"], "margin": guard["margin"], "harm": harm, **found}


def _guarded(
    rollout: Rollout, guard: Row, strata: list[Stratum], confidence: float
) -> tuple[Row, bool]:
    metric, margin = guard["metric"], float(guard["margin"])
    if metric in (LATENCY, PARITY):
        return _of_challenger(metric, margin, strata, confidence)
    endpoint = endpoints_of(Task(rollout.model.task))[metric]
    sides = [(one.champion, one.challenger) for one in strata]
    planned = rollout.experiment.planned_rows
    found = over_steps(endpoint, sides, planned=planned, confidence=confidence)
    return found.as_dict(), harmful(found, margin, endpoint.better)


def _of_challenger(
    metric: str, margin: float, strata: list[Stratum], confidence: float
) -> tuple[Row, bool]:
    """What is judged of the challenger alone, over all steps."""
    if not strata:
        return {"measure": metric, "value": None, "n": 0, "reason": "no rows yet"}, False
    whole = strata[0].challenger.profile
    for one in strata[1:]:
        whole = whole + one.challenger.profile
    if metric == LATENCY:
        found = slow_answers(whole, margin, confidence=confidence)
        return found.as_dict(), found.low is not None and found.low > SLOW_SHARE
    found = parity(strata[0].challenger.bins, whole, confidence=confidence)
    return found.as_dict(), found.high is not None and found.high < margin


def _act(rollout: Rollout, findings: list[Row], moment: datetime, *, step: int) -> str:
    """What follows from a look; what a person or an earlier look did meanwhile wins."""
    if rollout.state not in ROLLOUT_GOES_ON:
        return f"Nothing: it is {rollout.state}."
    if deployed(rollout) is None:
        reason = "The challenger is no challenger any more."
        finish(rollout, reason=reason)
        return reason
    broken = next((row for row in findings if row["harm"]), None)
    if broken is not None:
        reason = reason_of(broken)
        halt(rollout, metric=broken["metric"], reason=reason)
        return f"Stopped. {reason}"
    if _mismatched(findings[0]):
        return _pause(rollout)
    if rollout.experiment.concluded_at is not None:
        finish(rollout, reason="The experiment is concluded.")
        return "Finished: the experiment is concluded."
    if rollout.state != RolloutState.RUNNING or rollout.step != step:
        return "Nothing: no step is due."
    return _perhaps_step(rollout, findings, moment)


def _mismatched(traffic: Row) -> bool:
    chance = traffic["parameters"].get("always_valid_p") if traffic.get("parameters") else None
    return chance is not None and chance < RATIO_ALPHA


def _pause(rollout: Rollout) -> str:
    reason = f"The traffic is not split as declared: no step, no conclusion. {LOOK_AT}"
    if rollout.state == RolloutState.RUNNING:
        moved(rollout, "pause", MonitoringEvent.ROLLOUT_PAUSED, actor=SYSTEM, reason=reason)
    return reason


def _perhaps_step(rollout: Rollout, findings: list[Row], moment: datetime) -> str:
    if rollout.step + 1 >= len(rollout.steps):
        return "Nothing: it is at its last step."
    now = rollout.steps[rollout.step]
    period = rollout.periods.get(ended_at__isnull=True)
    waited = (moment - period.began_at) / HOUR
    if waited < now["hours"]:
        return f"Nothing: {waited:.0f} of {now['hours']} hours of this step are over."
    rows = _rows_since(rollout, period.began_at, moment)
    if rows < now["rows"]:
        return f"Nothing: {rows:,} of {now['rows']:,} rows of the challenger in this step."
    unknown = [row["metric"] for row in findings if row.get("value") is None]
    if unknown:
        return f"Nothing: not measured yet: {', '.join(unknown).replace('_', ' ')}."
    after = Decimal(rollout.steps[rollout.step + 1]["share"])
    because = (
        f"{waited:.0f} hours and {rows:,} rows at {Decimal(now['share']):.2%}, no guard-rail broken"
    )
    step_up(rollout, because=because)
    return f"Raised to {after:.2%}: {because}."


def _rows_since(rollout: Rollout, began: datetime, moment: datetime) -> int:
    side = _side(rollout.experiment.challenger_id, _next_hour(began), moment)
    return side.profile.rows if side else 0


def reason_of(row: Row) -> str:
    """A guard-rail that broke, in words."""
    metric, margin = row["metric"], row["margin"]
    if metric == LATENCY:
        return (
            f"95 % latency of the challenger is above {margin:g} ms: {row['value']:.1%} of its"
            f" answers took longer (at least {row['low']:.1%}; 5 % may)."
        )
    if metric == PARITY:
        return (
            f"The ratio of selection rates of the challenger is {row['value']:.2f}, at most"
            f" {row['high']:.2f}; the limit is {margin:g}."
        )
    return (
        f"{metric.replace('_', ' ')}: challenger − champion is {row['value']:.4g}, from"
        f" {row['low']:.4g} to {row['high']:.4g}; the margin is {margin:g}."
    )


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _next_hour(moment: datetime) -> datetime:
    full = _full_hour(moment)
    return full if full == moment else full + HOUR
