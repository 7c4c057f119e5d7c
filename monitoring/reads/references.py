"""What a window is held against: the reference as registered, or another window of the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.models import Monitor, ReferenceMode, ReferencePart
from monitoring.models import Profile as Row
from monitoring.reads.baselines import Baseline
from monitoring.reads.settings import WEEKS_BACK
from monitoring.reads.windows import ALL_ROWS, merged
from monitoring.stats import storage
from monitoring.stats.phases import Scheme, phase_of, reference_for
from monitoring.stats.profiles import Profile
from registry.models import ReferenceKind, Version

WEEK = timedelta(days=7)
KINDS = {
    ReferenceKind.TRAINING: "training data",
    ReferenceKind.PRODUCTION: "an earlier production window",
}
SCHEMES = {
    Scheme.WEEKEND: "weekends or working days of",
    Scheme.WEEKDAY: "the same weekdays of",
    Scheme.HOUR: "the same hours of the day of",
    Scheme.WEEKEND_HOUR: "the same hours, weekends apart, of",
    Scheme.WEEK_HOUR: "the same hours of the week of",
}


@dataclass(frozen=True)
class Against:
    """What the rows of a window are held against, by segment, and what that is in words."""

    by_segment: Mapping[str, Profile]
    words: str
    digest: str


def phase_part(scheme: Scheme, phase: int) -> str:
    """The name of the part of a reference that holds one phase."""
    return f"{scheme.value}:{phase}"


def against(
    monitor: Monitor, version: Version, baseline: Baseline, start: datetime, end: datetime
) -> Against:
    """What a monitor holds the window from start to end against."""
    segments = monitor.segments or [ALL_ROWS]
    if monitor.reference == ReferenceMode.REGISTERED:
        return _registered(version, baseline, start, end, segments)
    spans = list(_spans(monitor, start, end))
    by_segment = _counted(version, baseline, spans, segments)
    digest = storage.digest(by_segment[segments[0]])
    return Against(by_segment, _words(monitor, spans), digest)


def _registered(
    version: Version, baseline: Baseline, start: datetime, end: datetime, segments: Sequence[str]
) -> Against:
    words = KINDS[ReferenceKind(baseline.kind)]
    whole_weeks = (end - start) % WEEK == timedelta()
    if baseline.scheme is not Scheme.NONE and not whole_weeks and segments == [ALL_ROWS]:
        profile = _in_phase(version, baseline, start, end)
        words = f"{SCHEMES[baseline.scheme]} {words}"
        return Against({ALL_ROWS: profile}, words, storage.digest(profile))
    parts = {ALL_ROWS: baseline.profile} | _parts(version, baseline, segments)
    by_segment = {name: parts.get(name, baseline.profile) for name in segments}
    return Against(by_segment, words, baseline.digest)


def _in_phase(version: Version, baseline: Baseline, start: datetime, end: datetime) -> Profile:
    """The reference as it would be over the hours of the window."""
    rows = Row.objects.filter(version=version, segment=ALL_ROWS, hour__gte=start, hour__lt=end)
    weights: dict[int, int] = {}
    for hour, count in rows.values_list("hour", "rows"):
        phase = phase_of(hour, baseline.scheme)
        weights[phase] = weights.get(phase, 0) + count
    prefix = phase_part(baseline.scheme, 0)[:-1]
    found = ReferencePart.objects.filter(
        version=version, reference_digest=baseline.digest, part__startswith=prefix
    )
    by_phase = {
        int(part.removeprefix(prefix)): storage.from_bytes(counts)
        for part, counts in found.values_list("part", "counts")
    }
    return reference_for(weights, by_phase).profile if by_phase else baseline.profile


def _parts(version: Version, baseline: Baseline, segments: Sequence[str]) -> dict[str, Profile]:
    named = [name for name in segments if name != ALL_ROWS]
    if not named:
        return {}
    found = ReferencePart.objects.filter(
        version=version, reference_digest=baseline.digest, part__in=named
    )
    return {
        part: storage.from_bytes(counts) for part, counts in found.values_list("part", "counts")
    }


def _spans(monitor: Monitor, start: datetime, end: datetime) -> Sequence[tuple[datetime, datetime]]:
    if monitor.reference == ReferenceMode.PINNED:
        if monitor.reference_start is None or monitor.reference_end is None:
            raise LookupError(f"{monitor} has no pinned window.")
        return [(monitor.reference_start, monitor.reference_end)]
    if monitor.reference == ReferenceMode.PREVIOUS:
        return [(start - (end - start), start)]
    return [(start - back * WEEK, end - back * WEEK) for back in range(1, WEEKS_BACK + 1)]


def _counted(
    version: Version,
    baseline: Baseline,
    spans: Sequence[tuple[datetime, datetime]],
    segments: Sequence[str],
) -> dict[str, Profile]:
    found = [
        merged(
            baseline.bins,
            version_id=version.pk,
            start=start,
            end=end,
            segments=segments,
            outcomes=True,
        ).by_segment
        for start, end in spans
    ]
    return {name: sum((one[name] for one in found[1:]), start=found[0][name]) for name in segments}


def _words(monitor: Monitor, spans: Sequence[tuple[datetime, datetime]]) -> str:
    if monitor.reference == ReferenceMode.PHASE:
        return f"the same hours of the {WEEKS_BACK} weeks before"
    start, end = spans[0]
    days = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    pinned = monitor.reference == ReferenceMode.PINNED
    return f"{'a pinned window' if pinned else 'the window before'}, {days}"
