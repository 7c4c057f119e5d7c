"""Joint: the numeric features of a row as one point, frozen from the reference.

Definition
    Each feature is standardised by the reference's median and standard deviation, clipped to 8 of
    these, missing values at the median, and kept in fixed point: round(1024 z). A row without a
    missing value has the squared Mahalanobis distance

        d2 = (z - m)' S^-1 (z - m),

    with mean m and covariance S of the reference's complete rows, S shrunk by 1 % towards its
    diagonal. Frozen with it is the distance beyond which 0.1 % of the reference lie. At most the
    first 60 numeric features take part.

Example
    >>> table = pyarrow.table({"a": [0.0, 1.0, 2.0], "b": [2.0, 0.0, 1.0]})
    >>> freeze_joint(["a", "b"], {"a": 1.0, "b": 1.0}, table).names
    ('a', 'b')

Source
    Mahalanobis (1936), Proceedings of the National Institute of Sciences of India 2:49; Ledoit and
    Wolf (2004), Journal of Multivariate Analysis 88:365, on shrinking a covariance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.stats import columns
from monitoring.stats.columns import Batch, Floats

FIXED = 1_024
CLIP = 8.0
MOST_FIELDS = 60
FEWEST_ROWS = 30
SHRINK = 0.01
USUAL = 0.999
SMALLEST_SCALE = 1e-300  # below, dividing by it would overflow


@dataclass(frozen=True)
class Joint:
    """Names (k), centres and scales (k), mean (k), whitening matrix (k x k), and the distance
    beyond which 0.1 % of the reference's complete rows lie (infinite where it had too few)."""

    names: tuple[str, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    mean: tuple[float, ...]
    whitening: tuple[tuple[float, ...], ...]
    limit: float

    @cached_property
    def _arrays(self) -> tuple[Floats, Floats]:
        return np.array(self.mean), np.array(self.whitening)

    def distances(self, fixed: Floats) -> Floats:
        """Return squared Mahalanobis distances of fixed-point rows, shape (n, k) -> (n,)."""
        mean, whitening = self._arrays
        white = (fixed / FIXED - mean) @ whitening
        squared: Floats = np.einsum("ij,ij->i", white, white)
        return squared

    def beyond(self, fixed: Floats) -> int:
        """Return how many rows lie farther out than 99.9 % of the reference."""
        return int((self.distances(fixed) > self.limit).sum()) if len(fixed) else 0

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values that lose no bit."""
        return {
            "names": list(self.names),
            "centres": [number.hex() for number in self.centres],
            "scales": [number.hex() for number in self.scales],
            "mean": [number.hex() for number in self.mean],
            "whitening": [[number.hex() for number in row] for row in self.whitening],
            "limit": self.limit.hex(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Joint:
        """Return what `as_json` wrote."""
        return cls(
            tuple(plain["names"]),
            _floats(plain["centres"]),
            _floats(plain["scales"]),
            _floats(plain["mean"]),
            tuple(_floats(row) for row in plain["whitening"]),
            float.fromhex(plain["limit"]),
        )


def standardised(space: Joint, batch: Batch) -> tuple[Floats, NDArray[np.bool_]]:
    """Return fixed-point rows, shape (n, k), missing values as 0, and which values were there."""
    size = len(space.names)
    fixed = np.empty((batch.num_rows, size))
    for place, name in enumerate(space.names):
        fixed[:, place] = columns.with_nan(batch, name)
    present = np.isfinite(fixed)
    if not present.all():
        fixed[~present] = 0.0
        fixed += np.where(present, 0.0, np.array(space.centres))
    fixed -= np.array(space.centres)
    with np.errstate(over="ignore"):  # what overflows is clipped
        fixed *= FIXED / np.array(space.scales)
    np.clip(fixed, -CLIP * FIXED, CLIP * FIXED, out=fixed)
    np.rint(fixed, out=fixed)
    return fixed, present


def freeze_joint(names: Sequence[str], centres: Mapping[str, float], table: Batch) -> Joint | None:
    """Freeze the joint space of numeric features from reference data; None for fewer than two.

    `centres` gives the reference's median by name. A constant feature keeps the scale 1.
    """
    kept = tuple(names[:MOST_FIELDS])
    if len(kept) < 2:
        return None
    scales = tuple(_scale(table, name) for name in kept)
    none = Joint(kept, tuple(centres[name] for name in kept), scales, (), (), np.inf)
    fixed, present = standardised(none, table)
    rows = fixed[present.all(axis=1)] / FIXED
    if len(rows) < FEWEST_ROWS:
        identity = np.eye(len(kept))
        return _with(none, np.zeros(len(kept)), identity, np.inf)
    mean, whitening = rows.mean(axis=0), _whitening(rows)
    space = _with(none, mean, whitening, np.inf)
    limit = float(np.quantile(space.distances(rows * FIXED), USUAL, method="higher"))
    return _with(none, mean, whitening, limit)


def _with(space: Joint, mean: Floats, whitening: Floats, limit: float) -> Joint:
    rows = tuple(tuple(row) for row in whitening.tolist())
    return Joint(space.names, space.centres, space.scales, tuple(mean.tolist()), rows, float(limit))


def _whitening(rows: Floats) -> Floats:
    """Return W with W W' = S^-1, of the shrunk covariance; a constant feature has variance 1."""
    covariance = np.cov(rows, rowvar=False)
    variances = np.diag(covariance).copy()
    variances[variances < 1e-12] = 1.0
    shrunk = (1 - SHRINK) * covariance
    np.fill_diagonal(shrunk, variances)
    whitening: Floats = np.linalg.cholesky(np.linalg.inv(shrunk))
    return whitening


def _scale(table: Batch, name: str) -> float:
    values = columns.numbers(table, name).values
    values = values[np.isfinite(values)]
    with np.errstate(over="ignore"):  # an infinite spread is none
        spread = float(values.std()) if values.size > 1 else 0.0
    return spread if SMALLEST_SCALE < spread < np.inf else 1.0


def _floats(texts: Sequence[str]) -> tuple[float, ...]:
    return tuple(float.fromhex(text) for text in texts)
