"""What a monitor measures of a window, and how it is judged. No writing here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitoring.models import Monitor, MonitorKind
from monitoring.reads.baselines import Baseline
from monitoring.reads.settings import threshold_of
from monitoring.stats import performance, quality, stability
from monitoring.stats.findings import Finding
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Role
from monitoring.stats.verdict import Verdict, judge_run, worst

SEED = 0


@dataclass(frozen=True)
class Measured:
    """One finding of a run, what it is about, and its verdict."""

    finding: Finding
    field: str
    segment: str
    verdict: Verdict
    adjusted_p: float | None = None
    judged: bool = True


@dataclass(frozen=True)
class Raw:
    """One finding before it is judged."""

    finding: Finding
    field: str = ""
    segment: str = ""
    judged: bool = True


def measure(
    monitor: Monitor, baseline: Baseline, by_segment: dict[str, Profile], usual: Sequence[int]
) -> list[Raw]:
    """Every finding of a monitor in a window, by segment and field."""
    return [
        Raw(raw.finding, raw.field, segment, raw.judged)
        for segment, profile in by_segment.items()
        for raw in _findings(monitor, baseline, profile, usual)
    ]


def judge(monitor: Monitor, raws: Sequence[Raw], *, alpha: float) -> list[Measured]:
    """Judge a run's findings together; those that no threshold is about are only measured."""
    judged = [raw for raw in raws if raw.judged]
    pairs = [(raw.finding, threshold_of(monitor, raw.finding.measure)) for raw in judged]
    found = [
        Measured(raw.finding, raw.field, raw.segment, one.verdict, one.adjusted_p)
        for raw, one in zip(judged, judge_run(pairs, alpha=alpha), strict=True)
    ]
    return [*found, *(_only_measured(raw) for raw in raws if not raw.judged)]


def verdict_of(found: Sequence[Measured]) -> Verdict:
    return worst([one.verdict for one in found if one.judged])


def _only_measured(raw: Raw) -> Measured:
    known = raw.finding.value is not None
    verdict = Verdict.OK if known else Verdict.INSUFFICIENT_DATA
    return Measured(raw.finding, raw.field, raw.segment, verdict, judged=False)


def _findings(
    monitor: Monitor, baseline: Baseline, profile: Profile, usual: Sequence[int]
) -> Iterator[Raw]:
    if monitor.kind == MonitorKind.DRIFT:
        yield from _drift(monitor, baseline, profile)
    elif monitor.metric == "volume":
        yield Raw(quality.volume(profile.rows, usual))
    elif monitor.kind == MonitorKind.QUALITY:
        yield from _faults(monitor, baseline, profile)
    else:
        yield from _performance(monitor, baseline, profile)


def _drift(monitor: Monitor, baseline: Baseline, profile: Profile) -> Iterator[Raw]:
    for name in _fields(monitor, baseline, (Role.FEATURE,)):
        found = stability.drift(
            baseline.bins,
            baseline.profile,
            profile,
            name,
            measures=(monitor.metric,),
            seed=SEED,
        )
        yield from (Raw(finding, name) for finding in found.values())


def _faults(monitor: Monitor, baseline: Baseline, profile: Profile) -> Iterator[Raw]:
    for name in _fields(monitor, baseline, (Role.FEATURE, Role.SCORE, Role.GROUP)):
        found = quality.quality(baseline.bins, baseline.profile, profile, name)
        yield from (Raw(finding, name) for finding in found.values())


def _performance(monitor: Monitor, baseline: Baseline, profile: Profile) -> Iterator[Raw]:
    """The monitor's metric is judged against the reference; the others are kept beside it."""
    usual = performance.performance(baseline.bins, baseline.profile)
    for name, finding in performance.performance(baseline.bins, profile).items():
        compared = performance.compare(finding, usual[name]) if name in usual else finding
        shown = compared if compared.value is not None else finding
        yield Raw(shown, judged=name == monitor.metric)


def _fields(monitor: Monitor, baseline: Baseline, roles: tuple[Role, ...]) -> list[str]:
    """The monitor's fields as far as this version has them; all of `roles` if it names none."""
    profiled = baseline.bins.schema.profiled
    if not monitor.fields:
        return [spec.name for spec in profiled if spec.role in roles]
    return [spec.name for spec in profiled if spec.name in monitor.fields]
