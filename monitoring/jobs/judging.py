"""What a monitor measures of a window, and how it is judged. No writing here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitoring.jobs.measuring import MEASURES
from monitoring.jobs.measuring.context import Context, Raw
from monitoring.models import Monitor
from monitoring.reads.settings import threshold_of
from monitoring.stats.findings import Finding
from monitoring.stats.verdict import Verdict, judge_run, worst

NOTHING_TO_COMPARE = "there is nothing to compare it with"


@dataclass(frozen=True)
class Measured:
    """One finding of a run, what it is about, and its verdict."""

    finding: Finding
    field: str
    segment: str
    verdict: Verdict
    adjusted_p: float | None = None
    judged: bool = True


def measure(context: Context) -> list[Raw]:
    """Every finding of a monitor in a window, by segment and field."""
    found = MEASURES[context.monitor.kind]
    segments = context.monitor.segments or [""]
    return [
        replace(raw, segment=segment)
        for segment in segments
        for raw in found(context, context.counted(segment))
    ]


def judge(monitor: Monitor, raws: Sequence[Raw], *, alpha: float) -> list[Measured]:
    """Judge a run's findings together; those that no threshold is about are only measured."""
    judged = [raw for raw in raws if raw.judged]
    pairs = [(raw.finding, threshold_of(monitor, raw.finding.measure)) for raw in judged]
    found = [
        _compared(Measured(raw.finding, raw.field, raw.segment, one.verdict, one.adjusted_p))
        for raw, one in zip(judged, judge_run(pairs, alpha=alpha), strict=True)
    ]
    return [*found, *(_only_measured(raw) for raw in raws if not raw.judged)]


def verdict_of(found: Sequence[Measured]) -> Verdict:
    return worst([one.verdict for one in found if one.judged])


def _compared(one: Measured) -> Measured:
    """A number that could not be tested, or that is contradicted, is not in order: nobody knows."""
    if one.finding.parameters.get("valid") is False:
        return replace(one, verdict=Verdict.INSUFFICIENT_DATA)
    if one.finding.p_value is not None or one.verdict is not Verdict.OK:
        return one
    reason = one.finding.reason or NOTHING_TO_COMPARE
    return replace(
        one, finding=replace(one.finding, reason=reason), verdict=Verdict.INSUFFICIENT_DATA
    )


def _only_measured(raw: Raw) -> Measured:
    known = raw.finding.value is not None
    verdict = Verdict.OK if known else Verdict.INSUFFICIENT_DATA
    return Measured(raw.finding, raw.field, raw.segment, verdict, judged=False)
