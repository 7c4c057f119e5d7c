"""Rows joined with their outcome."""

import numpy as np
import pyarrow.compute as pc

from monitoring.stats import columns
from monitoring.stats.building.decisions import (
    classed,
    decided,
    grouped,
    score_places,
    usable,
)
from monitoring.stats.building.fields import field, total, total_of_squares
from monitoring.stats.building.service import worth_of
from monitoring.stats.columns import Batch, Counts, Floats
from monitoring.stats.exact import LARGEST, Exact
from monitoring.stats.profiles import GROUP_SCORE_BINS, SCORE_BINS, Profile, empty, merge, value_key
from monitoring.stats.reference import (
    Bins,
    Role,
    Task,
    cube_groups,
    group_key,
    group_labels,
)

FAILED_COMPONENT = "failed_component"
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)


def outcomes(bins: Bins, batch: Batch) -> Profile:
    """Count the rows of a batch that carry an outcome."""
    outcome = bins.schema.name_of(Role.OUTCOME)
    if outcome is None:
        raise ValueError("The schema has no field with the role outcome; declare one.")
    batch = batch.filter(pc.is_valid(columns.column(batch, outcome)))
    spec = next(spec for spec in bins.schema.fields if spec.name == outcome)
    parts = [field(bins, batch, spec), _failed(bins, batch), _worth(bins, batch, outcome)]
    counted = _residuals if bins.schema.task is Task.REGRESSION else _classified
    return merge([counted(bins, batch, outcome), *parts])


def _classified(bins: Bins, batch: Batch, outcome: str) -> Profile:
    size = len(bins.schema.classes) + 1
    pair = decided(bins, batch) * size + classed(bins, batch, outcome)
    counts: dict[str, Counts] = {"labelled": np.array([batch.num_rows], np.int64)}
    for names in cube_groups(bins):
        group, levels = grouped(bins, batch, names)
        flat = np.bincount(pair * levels + group, minlength=size * size * levels)
        cube = flat.astype(np.int64).reshape(size, size, levels)
        counts[f"cube/{group_key(*names)}"] = cube
    return merge([Profile(bins.digest, counts), _scored(bins, batch, outcome)])


def _scored(bins: Bins, batch: Batch, outcome: str) -> Profile:
    """Count scores by outcome, and the losses of each row exactly as they are (not binned)."""
    names, truth = bins.schema.score_names, classed(bins, batch, outcome)
    if not names:
        return empty(bins)
    if bins.schema.task is Task.MULTICLASS:
        return _scored_by_class(bins, batch, truth)
    if len(bins.schema.classes) != 2:
        return empty(bins)
    values = columns.with_nan(batch, names[0])
    kept = usable(values) & (truth < 2)
    counts = {"score": _by_outcome(values[kept], truth[kept])}
    for group in cube_groups(bins)[1:]:
        place, levels = grouped(bins, batch, group)
        pair = place[kept] * 2 + truth[kept]
        flat = np.bincount(
            pair * GROUP_SCORE_BINS + score_places(values[kept], GROUP_SCORE_BINS),
            minlength=levels * 2 * GROUP_SCORE_BINS,
        )
        shape = (levels, 2, GROUP_SCORE_BINS)
        counts[f"score/{group_key(*group)}"] = flat.astype(np.int64).reshape(shape)
    return Profile(bins.digest, counts, _losses(values[kept], truth[kept] == 1))


def _scored_by_class(bins: Bins, batch: Batch, truth: Counts) -> Profile:
    """Count each class's score by whether the row was of that class; log loss of the true one."""
    found = []
    for place, name in enumerate(bins.schema.score_names):
        values = columns.with_nan(batch, name)
        kept = usable(values) & (truth < len(bins.schema.classes))
        found.append(_by_outcome(values[kept], (truth[kept] == place).astype(np.int64)))
    matrix = np.stack([columns.with_nan(batch, name) for name in bins.schema.score_names], axis=1)
    whole = usable(matrix).all(axis=1) & (truth < len(bins.schema.classes))
    own = matrix[whole, truth[whole]]
    actual = np.eye(matrix.shape[1])[truth[whole]]
    log_loss = -np.log(np.clip(own, SMALLEST_PROBABILITY, 1.0))
    brier = ((matrix[whole] - actual) ** 2).sum(axis=1)
    sums = pairs(log_loss=log_loss, brier=brier)
    return Profile(bins.digest, {"score": np.stack(found)}, sums)


def _by_outcome(values: Floats, truth: Counts) -> Counts:
    flat = np.bincount(truth * SCORE_BINS + score_places(values), minlength=2 * SCORE_BINS)
    return flat.astype(np.int64).reshape(2, SCORE_BINS)


def _losses(
    values: Floats, positive: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> dict[str, Exact]:
    safe = np.clip(values, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    log_loss = -np.where(positive, np.log(safe), np.log1p(-safe))
    return pairs(log_loss=log_loss, brier=(values - positive) ** 2)


def pairs(**terms: Floats) -> dict[str, Exact]:
    """Return the exact sum and sum of squares of each row-wise quantity."""
    sums = {f"labelled/{name}": total(values) for name, values in terms.items()}
    return sums | {f"labelled/{name}^2": total_of_squares(values) for name, values in terms.items()}


def _residuals(bins: Bins, batch: Batch, outcome: str) -> Profile:
    name = bins.schema.name_of(Role.PREDICTION)
    if name is None:
        raise ValueError("The schema has no field with the role prediction; declare one.")
    truth, answer = columns.with_nan(batch, outcome), columns.with_nan(batch, name)
    known = np.isfinite(truth) & np.isfinite(answer)
    truth, residual = truth[known], (answer - truth)[known]
    tame = np.clip(residual, -(LARGEST**0.5), LARGEST**0.5)
    histogram = np.histogram(residual, bins=bins.residual_edges)[0].astype(np.int64)
    sums = pairs(residual=tame, squared=tame * tame, outcome=truth)
    sums["labelled/absolute"] = total(np.abs(tame))
    away = truth != 0
    relative = np.abs(tame[away]) / np.abs(truth[away])
    sums |= pairs(percentage=relative)
    counts = {
        "labelled": np.array([batch.num_rows], np.int64),
        "residual": histogram,
        "percentage": np.array([int(away.sum())], np.int64),
    }
    whole = Profile(bins.digest, counts, sums)
    places = [(names, *grouped(bins, batch, names)) for names in cube_groups(bins)[1:]]
    by_group = [
        _residuals_of(bins, names, place[known], levels, tame) for names, place, levels in places
    ]
    return merge([whole, *by_group])


def _residuals_of(
    bins: Bins, names: tuple[str, ...], place: Counts, levels: int, residual: Floats
) -> Profile:
    """Count residuals by group: their histogram, and exact sums of each group that occurs."""
    key, labels = group_key(*names), group_labels(bins, *names)
    table = np.zeros((levels, bins.residual_edges.size - 1), np.int64)
    sums: dict[str, Exact] = {}
    for level in np.unique(place).tolist():
        own = residual[place == level]
        table[level] = np.histogram(own, bins=bins.residual_edges)[0]
        tail = f"{key}/{labels[level]}"
        sums |= {
            f"labelled/residual/{tail}": total(own),
            f"labelled/absolute/{tail}": total(np.abs(own)),
            f"labelled/squared/{tail}": total_of_squares(own),
            f"labelled/squared^2/{tail}": total_of_squares(own * own),
        }
    return Profile(bins.digest, {f"residual/{key}": table}, sums)


def _failed(bins: Bins, batch: Batch) -> Profile:
    """Count which stage of a staged pipeline failed; the last place is "none named"."""
    stages = bins.schema.components
    if not stages:
        return Profile(bins.digest)
    found = columns.coded(batch, FAILED_COMPONENT, stages)
    place = np.where(found < 0, len(stages), found)
    counts = np.bincount(place, minlength=len(stages) + 1).astype(np.int64)
    return Profile(bins.digest, {"failed": counts})


def _worth(bins: Bins, batch: Batch, outcome: str) -> Profile:
    """Sum the declared business value by prediction and outcome."""
    name = bins.schema.name_of(Role.VALUE)
    if name is None or bins.schema.task is Task.REGRESSION:
        return Profile(bins.digest)
    worth = columns.with_nan(batch, name)
    known = np.isfinite(worth)
    made, truth = decided(bins, batch)[known], classed(bins, batch, outcome)[known]
    sums: dict[str, Exact] = {}
    for place, label in enumerate(bins.schema.classes):
        for other, actual in enumerate(bins.schema.classes):
            own = worth[known][(made == place) & (truth == other)]
            sums |= worth_of(value_key(label, actual), own)
    return Profile(bins.digest, {}, sums)
