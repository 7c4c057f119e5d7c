"""Concept drift: the hour from which errors are others, and in which shape they changed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from monitoring.jobs.measuring.context import Context, Counted, Raw
from monitoring.reads.windows import labelled_by_hour
from monitoring.stats import streams
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.performance import confusion_of
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, Task
from monitoring.stats.shapes import shape_of

DAY = 24


def of_concept(context: Context, rows: Counted) -> Iterator[Raw]:
    """Errors by hour of the window; the reference is the window's own beginning."""
    window = context.window
    hours = labelled_by_hour(
        version_id=context.version.pk, start=window.start, end=window.end, segment=rows.segment
    )
    sums, counts = _errors(context.bins, hours)
    if context.bins.schema.task is Task.REGRESSION:
        found = streams.size_change(context.metric, sums, counts, seed=context.seed)
    else:
        wrong = sums.astype(np.int64)
        found = streams.error_change(context.metric, wrong, counts, seed=context.seed)
    yield Raw(replace(found, parameters={**found.parameters, **_shape(sums, counts)}))


def _errors(bins: Bins, hours: Sequence[Profile | None]) -> tuple[Floats, Counts]:
    """The sum of errors and the rows of each hour."""
    pairs = [_error(bins, profile) if profile is not None else (0.0, 0) for profile in hours]
    sums, counts = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(sums, dtype=np.float64), np.array(counts, dtype=np.int64)


def _error(bins: Bins, profile: Profile) -> tuple[float, int]:
    if bins.schema.task is Task.REGRESSION:
        n = int(profile.counts["residual"].sum()) if "residual" in profile.counts else 0
        return float(profile.sums["labelled/absolute"]) if n else 0.0, n
    table = confusion_of(bins, profile)
    n = int(table.sum())
    return float(n - int(np.trace(table))), n


def _shape(sums: Floats, counts: Counts) -> dict[str, str | float | int | None]:
    """The shape of the change from day to day."""
    days = sums.size // DAY
    totals = sums[: days * DAY].reshape(days, DAY).sum(axis=1)
    rows = counts[: days * DAY].reshape(days, DAY).sum(axis=1)
    means = totals / np.where(rows > 0, rows, 1)
    kept = rows > 0
    found = shape_of(means[kept].tolist(), (1 / np.sqrt(rows[kept])).tolist())
    onset = found.best.onset if found.best else None
    day = int(np.flatnonzero(kept)[-min(kept.sum(), 120) :][onset]) if onset is not None else None
    return {"shape": found.shape.value, "shape_lead": found.lead, "shape_onset_day": day}
