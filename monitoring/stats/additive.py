"""Additive: a constant plus one effect per cell, by ridge regression.

Definition
    A row lies in one cell of each field; its expected target is a constant plus the effects of its
    cells. Effects minimise the squared error plus 10 rows' worth of squared effect; those of a
    field average 0 over the rows, a cell without rows has none. Ten folds (every tenth row) give
    the held-out skill, 1 - squared error / that of the mean, and the spread of the fit. Where the
    skill is not above 0 all effects are 0.

    Memory: rows are taken in chunks; a few cells x cells matrices are kept.

Example
    >>> cells = np.array([[0]] * 50 + [[1]] * 50)
    >>> fit_additive(cells, (2,), np.repeat([1.0, 3.0], 50)).constant
    2.0

Source
    Hoerl and Kennard (1970), Technometrics 12:55; Hastie and Tibshirani (1990), Generalized
    Additive Models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from monitoring.stats.columns import Counts, Floats

FOLDS = 10
RIDGE = 10.0
CHUNK_CELLS = 2_000_000
KEPT = 1_000  # cells up to which the matrices of all folds are kept, not counted twice


@dataclass(frozen=True)
class Additive:
    """The constant and the effects (cells,); those without each fold, (folds,) and (folds, cells).

    `skill` and `noise` are the held-out skill and squared error, `spread` the variance over rows of
    what the model expects.
    """

    constant: float
    effects: Floats
    fold_constants: Floats
    fold_effects: Floats
    skill: float
    noise: float
    spread: float

    @property
    def is_constant(self) -> bool:
        """Whether the cells tell nothing about the target."""
        return self.skill <= 0

    def of_rows(self, cells: Counts) -> Floats:
        """Return the expected target of every row, cells of shape (rows, fields)."""
        expected: Floats = self.constant + self.effects[cells].sum(axis=1)
        return expected

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values; floats as hexadecimal text, which loses no bit."""
        return {
            "constant": self.constant.hex(),
            "effects": _hex(self.effects),
            "fold_constants": _hex(self.fold_constants),
            "fold_effects": [_hex(one) for one in self.fold_effects],
            "skill": self.skill.hex(),
            "noise": self.noise.hex(),
            "spread": self.spread.hex(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Additive:
        """Return the model that `as_json` wrote."""
        return cls(
            float.fromhex(plain["constant"]),
            _unhex(plain["effects"]),
            _unhex(plain["fold_constants"]),
            np.stack([_unhex(one) for one in plain["fold_effects"]]),
            float.fromhex(plain["skill"]),
            float.fromhex(plain["noise"]),
            float.fromhex(plain["spread"]),
        )


@dataclass(frozen=True)
class _Sums:
    """Rows, cells x cells, cells, cells x targets and targets: added up over rows."""

    n: int
    pairs: Floats
    rows: Floats
    products: Floats
    totals: Floats

    def without(self, other: _Sums) -> _Sums:
        return _Sums(
            self.n - other.n,
            self.pairs - other.pairs,
            self.rows - other.rows,
            self.products - other.products,
            self.totals - other.totals,
        )


def fit_additive(cells: Counts, sizes: Sequence[int], target: Floats) -> Additive:
    """Fit one target, shape (rows,), see `fit_targets`."""
    return fit_targets(cells, sizes, target[:, None])[0]


def fit_targets(cells: Counts, sizes: Sequence[int], targets: Floats) -> list[Additive]:
    """Fit each target, shape (rows, targets), on the cells of all rows, shape (rows, fields).

    `sizes` are the numbers of cells of the fields; a row's cells are numbered through over them.
    At least 10 rows are needed.
    """
    fold = np.arange(len(cells)) % FOLDS
    size, folds = sum(sizes), []
    parts = (
        [_added(cells[fold == number], size, targets[fold == number]) for number in range(FOLDS)]
        if size <= KEPT
        else []
    )
    whole = _whole(parts) if parts else _added(cells, size, targets)
    constants, effects = _solved(whole, sizes)
    held = np.empty_like(targets)
    for number in range(FOLDS):
        own = fold == number
        part = parts[number] if parts else _added(cells[own], size, targets[own])
        folds.append(_solved(whole.without(part), sizes))
        held[own] = _expected(folds[-1], cells[own]) - targets[own]
    found = []
    for place in range(targets.shape[1]):
        one = (constants[place], effects[:, place].copy())
        other = [(constant[place], effect[:, place]) for constant, effect in folds]
        found.append(_judged(one, other, cells, targets[:, place], held[:, place]))
    return found


def _judged(
    one: tuple[float, Floats],
    folds: list[tuple[float, Floats]],
    cells: Counts,
    target: Floats,
    held: Floats,
) -> Additive:
    """Return the model where it has skill on held-out rows, else the constant."""
    fold = np.arange(target.size) % FOLDS
    plain = np.array([constant for constant, _ in folds])[fold] - target
    error, usual = float((held**2).mean()), float((plain**2).mean())
    skill = 1 - error / usual if usual > 0 else 0.0
    constants = np.array([constant for constant, _ in folds])
    effects = np.stack([effect for _, effect in folds])
    if skill <= 0:
        none = np.zeros_like(one[1])
        return Additive(float(one[0]), none, constants, np.zeros_like(effects), skill, usual, 0.0)
    spread = float(one[1][cells].sum(axis=1).var())
    return Additive(float(one[0]), one[1], constants, effects, skill, error, spread)


def _whole(parts: Sequence[_Sums]) -> _Sums:
    return _Sums(
        sum(part.n for part in parts),
        np.sum([part.pairs for part in parts], axis=0),
        np.sum([part.rows for part in parts], axis=0),
        np.sum([part.products for part in parts], axis=0),
        np.sum([part.totals for part in parts], axis=0),
    )


def _expected(fitted: tuple[Floats, Floats], cells: Counts) -> Floats:
    expected = np.repeat(fitted[0][None, :], len(cells), axis=0)
    for column in cells.T:
        expected += fitted[1][column]
    return expected


def _added(cells: Counts, size: int, targets: Floats) -> _Sums:
    """Add up rows chunk by chunk; counts below 2^24 are exact in single precision."""
    pairs = np.zeros((size, size))
    products = np.zeros((size, targets.shape[1]))
    step = max(1, CHUNK_CELLS // max(size, 1))
    for start in range(0, len(cells), step):
        part = cells[start : start + step]
        design = np.zeros((len(part), size), np.float32)
        design[np.arange(len(part))[:, None], part] = 1.0
        pairs += design.T @ design
    for place, target in enumerate(targets.T):
        for column in cells.T:
            products[:, place] += np.bincount(column, weights=target, minlength=size)
    return _Sums(len(cells), pairs, np.diag(pairs).copy(), products, targets.sum(axis=0))


def _solved(sums: _Sums, sizes: Sequence[int]) -> tuple[Floats, Floats]:
    """Return constants (targets,) and effects (cells, targets), averaging 0 over each field."""
    mean = sums.totals / sums.n
    if not sums.rows.size:
        return mean, np.zeros((0, mean.size))
    matrix = sums.pairs - np.outer(sums.rows, sums.rows) / sums.n
    matrix[np.diag_indices_from(matrix)] += RIDGE
    right = sums.products - np.outer(sums.rows, mean)
    effects: Floats = linalg.solve(matrix, right, assume_a="pos", overwrite_a=True)
    start = 0
    for size in sizes:
        own = slice(start, start + size)
        effects[own] -= sums.rows[own] @ effects[own] / sums.n
        start += size
    effects[sums.rows == 0] = 0.0
    return mean, effects


def _hex(values: Floats) -> list[str]:
    return [value.hex() for value in values.tolist()]


def _unhex(values: Sequence[str]) -> Floats:
    return np.array([float.fromhex(value) for value in values], np.float64)
