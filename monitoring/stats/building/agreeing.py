"""Rows that have a true outcome, and one of another kind beside it."""

import numpy as np

from monitoring.stats import columns
from monitoring.stats.building.decisions import classed
from monitoring.stats.building.fields import total, total_of_squares
from monitoring.stats.columns import Batch
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, Role, Task


def agreeing(bins: Bins, batch: Batch, other: str) -> Profile:
    """Count true x other classes, or the moments of true and other numbers."""
    outcome = bins.schema.name_of(Role.OUTCOME)
    if outcome is None:
        raise ValueError("The schema has no field with the role outcome; declare one.")
    if bins.schema.task is Task.REGRESSION:
        return _numbers(bins, batch, outcome, other)
    size = len(bins.schema.classes)
    true, said = classed(bins, batch, outcome), classed(bins, batch, other)
    known = (true < size) & (said < size)
    flat = np.bincount(true[known] * size + said[known], minlength=size * size)
    return Profile(bins.digest, {"agreement": flat.astype(np.int64).reshape(size, size)})


def _numbers(bins: Bins, batch: Batch, outcome: str, other: str) -> Profile:
    true, said = columns.with_nan(batch, outcome), columns.with_nan(batch, other)
    known = np.isfinite(true) & np.isfinite(said)
    true, said = true[known], said[known]
    sums = {
        "agreement/true": total(true),
        "agreement/other": total(said),
        "agreement/true^2": total_of_squares(true),
        "agreement/other^2": total_of_squares(said),
        "agreement/product": total(true * said),
        "agreement/difference": total(said - true),
        "agreement/difference^2": total_of_squares(said - true),
    }
    return Profile(bins.digest, {"agreement": np.array([known.sum()], np.int64)}, sums)
