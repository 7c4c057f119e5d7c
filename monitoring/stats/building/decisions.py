"""Decisions and scores of all rows, by group."""

import numpy as np

from monitoring.stats import columns
from monitoring.stats.columns import Batch, Counts, Floats
from monitoring.stats.profiles import GROUP_SCORE_BINS, SCORE_BINS, Profile
from monitoring.stats.reference import Bins, Role, Task, cube_groups, group_key


def decisions(bins: Bins, batch: Batch) -> Profile:
    """Count prediction x group for all rows, each group and each pair; regressions have none."""
    if bins.schema.task is Task.REGRESSION:
        return Profile(bins.digest)
    made, size = decided(bins, batch), len(bins.schema.classes) + 1
    cubes = {}
    for names in cube_groups(bins):
        group, levels = grouped(bins, batch, names)
        flat = np.bincount(made * levels + group, minlength=size * levels)
        cubes[f"decisions/{group_key(*names)}"] = flat.astype(np.int64).reshape(size, levels)
    return Profile(bins.digest, cubes)


def scores(bins: Bins, batch: Batch) -> Profile:
    """Count scores of all rows: by class where a model has several, else by group too."""
    names = bins.schema.score_names
    if not names:
        return Profile(bins.digest)
    if bins.schema.task is Task.MULTICLASS:
        found = np.stack([_histogram(columns.with_nan(batch, name)) for name in names])
        return Profile(bins.digest, {"scores": found})
    values = columns.with_nan(batch, names[0])
    counts = {"scores": _histogram(values)}
    for group in cube_groups(bins)[1:]:
        place, levels = grouped(bins, batch, group)
        counts[f"scores/{group_key(*group)}"] = _by(place, levels, values)
    return Profile(bins.digest, counts)


def decided(bins: Bins, batch: Batch) -> Counts:
    """Return the class index of each row's prediction; the last index is "none of them"."""
    name = bins.schema.name_of(Role.PREDICTION)
    if name is not None:
        return classed(bins, batch, name)
    score = bins.schema.name_of(Role.SCORE)
    if bins.schema.threshold is None or score is None or bins.schema.task is not Task.BINARY:
        return np.full(batch.num_rows, len(bins.schema.classes), np.int64)
    values = columns.with_nan(batch, score)
    made = (values >= bins.schema.threshold).astype(np.int64)
    return np.where(np.isnan(values), 2, made)


def classed(bins: Bins, batch: Batch, name: str) -> Counts:
    """Return the class index of each row of a field; the last index is "none of them"."""
    found = columns.coded(batch, name, bins.schema.classes)
    return np.where(found < 0, len(bins.schema.classes), found)


def grouped(bins: Bins, batch: Batch, names: tuple[str, ...]) -> tuple[Counts, int]:
    """Return the index of each row on the (flattened) group axis, and that axis' length."""
    index, length = np.zeros(batch.num_rows, np.int64), 1
    for name in names:
        levels = bins.levels[name]
        found = columns.coded(batch, name, levels)
        place = np.where(found == -1, len(levels), np.where(found == -2, len(levels) + 1, found))
        index, length = index * (len(levels) + 2) + place, length * (len(levels) + 2)
    return index, length


def usable(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which scores are probabilities."""
    return (values >= 0) & (values <= 1)


def score_places(values: Floats, size: int = SCORE_BINS) -> Counts:
    """Return the bin of each score; 1 lies in the last."""
    places: Counts = np.minimum((values * size).astype(np.int64), size - 1)
    return places


def _histogram(values: Floats) -> Counts:
    return np.bincount(score_places(values[usable(values)]), minlength=SCORE_BINS).astype(np.int64)


def _by(place: Counts, levels: int, values: Floats) -> Counts:
    kept = usable(values)
    bins = score_places(values[kept], GROUP_SCORE_BINS)
    flat = np.bincount(place[kept] * GROUP_SCORE_BINS + bins, minlength=levels * GROUP_SCORE_BINS)
    return flat.astype(np.int64).reshape(levels, GROUP_SCORE_BINS)
