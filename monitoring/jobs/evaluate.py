"""Evaluate: one monitor, one version, one closed window. Numbers first, then one transaction."""

import time
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from ledger import claims
from monitoring.jobs import incidents
from monitoring.jobs.judging import Measured, judge, measure, verdict_of
from monitoring.jobs.measuring.context import Context
from monitoring.jobs.schedule import Evaluation, parse_key
from monitoring.jobs.windows import Window
from monitoring.jobs.wording import alert_text, run_summary
from monitoring.models import (
    Alert,
    Health,
    Measurement,
    Monitor,
    MonitorKind,
    Run,
    Severity,
)
from monitoring.querysets import RunQuerySet
from monitoring.reads.baselines import Baseline, baseline_of
from monitoring.reads.references import against
from monitoring.reads.settings import (
    alpha_of,
    budget_of,
    config_digest,
    needs_outcomes,
    settings_of,
    versions_watched,
)
from monitoring.reads.windows import (
    ALL_ROWS,
    OTHER_KINDS,
    exploration_segment,
    merged,
    segment_of_kind,
)
from monitoring.stats import storage
from monitoring.stats.evidence import VERSION
from monitoring.stats.verdict import Verdict, worst
from registry.models import Version

SEVERITIES = {Verdict.WARNING: Severity.WARNING, Verdict.BREACH: Severity.CRITICAL}


@dataclass(frozen=True)
class Evaluated:
    """What a run found."""

    context: Context
    found: list[Measured]
    alpha: float
    milliseconds: int


def evaluate_window(claim: claims.Claim) -> None:
    """Compute and store one run; settings that changed since make the job void."""
    wanted = parse_key(claim.key)
    monitor = Monitor.objects.select_related("model").get(pk=wanted.monitor_id)
    version = Version.objects.select_related("model", "schema").get(pk=wanted.version_id)
    baseline = baseline_of(version.pk)
    if baseline is None or config_digest(monitor) != wanted.digest:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    alpha = alpha_of(
        monitor,
        monitor.model.monitors.all(),
        budget_of(monitor.model_id),
        versions=versions_watched(monitor.model_id),
    )
    evaluated = compute(monitor, version, baseline, wanted.window, alpha=alpha)
    _store(claim, monitor, wanted, evaluated)


def compute(
    monitor: Monitor, version: Version, baseline: Baseline, window: Window, *, alpha: float
) -> Evaluated:
    """Measure and judge one window; equal counts and settings give equal bits."""
    began = time.perf_counter()
    found = merged(
        baseline.bins,
        version_id=version.pk,
        start=window.start,
        end=window.end,
        segments=_segments(monitor, baseline),
        outcomes=needs_outcomes(monitor, baseline.bins.schema),
    )
    held = against(monitor, version, baseline, window.start, window.end)
    context = Context(monitor, version, baseline, held, window, found)
    judged = judge(monitor, measure(context), alpha=alpha)
    return Evaluated(context, judged, alpha, int((time.perf_counter() - began) * 1000))


def _segments(monitor: Monitor, baseline: Baseline) -> list[str]:
    """The monitor's segments; for performance also what is shown apart from true outcomes."""
    if monitor.kind != MonitorKind.PERFORMANCE or monitor.segments:
        return list(monitor.segments)
    explored = exploration_segment(baseline.bins.schema)
    return [segment_of_kind(kind) for kind in OTHER_KINDS] + ([explored] if explored else [])


@transaction.atomic
def _store(claim: claims.Claim, monitor: Monitor, wanted: Evaluation, evaluated: Evaluated) -> None:
    claims.finish(claim=claim)
    version = (
        Version.objects.select_for_update(no_key=True, of=("self",))
        .select_related("model")
        .get(pk=wanted.version_id)
    )
    if _is_there(wanted):
        return
    before = _outdate(wanted)
    run = _run(monitor, wanted, evaluated)
    measurements = Measurement.objects.bulk_create(
        _measurement(run, monitor, one, evaluated.alpha) for one in evaluated.found
    )
    alerts = _alerts(run, monitor, measurements)
    _refresh_health(version, monitor.kind)
    incidents.follow(version, monitor, run, alerts, before)


def _runs(wanted: Evaluation) -> RunQuerySet:
    """Every run of this monitor, version and window."""
    return Run.objects.filter(
        monitor_id=wanted.monitor_id,
        version_id=wanted.version_id,
        window_start=wanted.window.start,
        window_end=wanted.window.end,
    )


def _is_there(wanted: Evaluation) -> bool:
    """Whether a job that runs a second time has been done already."""
    done = _runs(wanted).filter(config_digest=wanted.digest, revision=wanted.revision)
    return done.exists()


def _outdate(wanted: Evaluation) -> list[int]:
    """Mark the earlier revisions of this window; returns them."""
    earlier = _runs(wanted)
    ids = list(earlier.values_list("pk", flat=True))
    if ids:
        earlier.filter(latest=True).update(latest=False)
        Measurement.objects.filter(run_id__in=ids, latest=True).update(latest=False)
    return ids


def _run(monitor: Monitor, wanted: Evaluation, evaluated: Evaluated) -> Run:
    context = evaluated.context
    window, total = context.merged, context.merged.by_segment[ALL_ROWS]
    labelled = needs_outcomes(monitor, context.bins.schema)
    due = wanted.window.end + timedelta(hours=monitor.model.outcome_horizon_hours)
    return Run.objects.create(
        monitor=monitor,
        version_id=wanted.version_id,
        window_start=wanted.window.start,
        window_end=wanted.window.end,
        config_digest=wanted.digest,
        revision=wanted.revision,
        verdict=verdict_of(evaluated.found),
        reason=run_summary(monitor, evaluated.found)[:300],
        rows=total.rows,
        labelled=total.labelled_rows,
        mature=due <= timezone.now(),
        settings=settings_of(monitor) | {"run_alpha": evaluated.alpha, "seed": context.seed},
        compared_with=context.against.words[:120],
        data_revision=window.revision + (window.outcomes_revision if labelled else 0),
        profile_digest=storage.digest(total),
        reference_digest=context.against.digest,
        library_version=VERSION,
        milliseconds=evaluated.milliseconds,
    )


def _measurement(run: Run, monitor: Monitor, one: Measured, alpha: float) -> Measurement:
    finding = one.finding
    more = {"alpha": alpha, "adjusted_p": one.adjusted_p, "effect": finding.effect}
    return Measurement(
        run=run,
        monitor=monitor,
        version_id=run.version_id,
        window_end=run.window_end,
        metric=finding.measure,
        field=one.field,
        segment=one.segment,
        value=finding.value,
        low=finding.low,
        high=finding.high,
        reference_value=finding.baseline,
        n=finding.n,
        reference_n=int(finding.parameters.get("reference_n") or 0),
        p_value=finding.p_value,
        warning=monitor.warning if one.judged else None,
        breach=monitor.breach if one.judged else None,
        verdict=one.verdict,
        reason=finding.reason[:300],
        parameters={**finding.parameters, **(more if one.judged else {})},
    )


def _alerts(run: Run, monitor: Monitor, measurements: list[Measurement]) -> list[Alert]:
    loud = [one for one in measurements if one.breach is not None or one.warning is not None]
    return Alert.objects.bulk_create(
        Alert(
            run=run,
            measurement=one,
            severity=monitor.severity if one.verdict == Verdict.BREACH else Severity.INFO,
            message=alert_text(one)[:300],
        )
        for one in loud
        if one.verdict in SEVERITIES
    )


def _refresh_health(version: Version, kind: str) -> None:
    """The latest telling run of each monitor of this kind, the gravest of them."""
    runs = Run.objects.filter(
        version=version, monitor__kind=kind, monitor__enabled=True, latest=True
    ).order_by("monitor_id", "-window_end")
    telling = list(runs.exclude(verdict=Verdict.INSUFFICIENT_DATA).distinct("monitor_id"))
    chosen = telling or list(runs.distinct("monitor_id"))
    verdict = worst([Verdict(run.verdict) for run in chosen])
    gravest = next(run for run in chosen if run.verdict == verdict)
    Health.objects.update_or_create(
        version=version,
        kind=kind,
        defaults={
            "verdict": verdict,
            "summary": gravest.reason,
            "as_of": max(run.window_end for run in chosen),
            "measured_at": Now(),
        },
    )
