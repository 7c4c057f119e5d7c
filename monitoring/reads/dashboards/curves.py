"""Pictures of one window from its stored counts: the reliability curve of scores."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.reads.baselines import Baseline, baseline_of
from monitoring.reads.windows import ALL_ROWS, merged
from monitoring.stats.calibration import curve
from monitoring.stats.columns import Counts
from monitoring.stats.intervals import wilson
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Task

# Merging a window's hourly counts is bounded by its length.
LONGEST = timedelta(days=31)


@dataclass(frozen=True)
class Bin:
    """Rows of like scores: the mean score, how often it came true, and how sure that is."""

    predicted: float
    observed: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Reliability:
    """The reliability curve of a window beside that of the reference."""

    start: datetime
    end: datetime
    label: str
    labels: tuple[str, ...]
    bins: tuple[Bin, ...]
    reference: tuple[Bin, ...]

    @property
    def n(self) -> int:
        return sum(one.n for one in self.bins)


def reliability_of(
    version_id: int, *, start: datetime, end: datetime, label: str = "", segment: str = ALL_ROWS
) -> Reliability | None:
    """The curve of at most the last 31 days of a window; `label` is a class of several.

    None where the version has no counted reference or no scores. At most three queries.
    """
    baseline = baseline_of(version_id)
    if baseline is None or baseline.bins.schema.task is Task.REGRESSION:
        return None
    start = max(start, end - LONGEST)
    window = merged(
        baseline.bins,
        version_id=version_id,
        start=start,
        end=end,
        segments=[segment] if segment else [],
        outcomes=True,
    ).by_segment[segment]
    labels = _labels(baseline)
    chosen = label if label in labels else labels[0]
    now, usual = (_histogram(one, labels, chosen) for one in (window, baseline.profile))
    if now is None and usual is None:
        return None
    return Reliability(start, end, chosen, labels, _bins(now), _bins(usual))


def _labels(baseline: Baseline) -> tuple[str, ...]:
    schema = baseline.bins.schema
    return schema.classes if schema.task is Task.MULTICLASS else ("",)


def _histogram(profile: Profile, labels: tuple[str, ...], label: str) -> Counts | None:
    scores = profile.counts.get("score")
    if scores is None:
        return None
    return scores[labels.index(label)] if scores.ndim == 3 else scores


def _bins(histogram: Counts | None) -> tuple[Bin, ...]:
    if histogram is None or not histogram.sum():
        return ()
    found = curve(histogram)
    return tuple(
        Bin(float(score), float(share), *wilson(round(float(share) * int(n)), int(n)), int(n))
        for n, score, share in zip(found.rows, found.predicted, found.observed, strict=True)
    )
