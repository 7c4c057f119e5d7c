"""Loss estimation: how far a regression is off before its outcomes have arrived (DLE).

Definition
    The loss of a row, |r| or r^2 with r = prediction - outcome, is modelled as a constant plus one
    effect for the frozen cell in which each feature, and the prediction, lies. Cells: numeric
    deciles of the reference, mass points, null, out of range; categorical the most frequent
    categories, other, unseen, null. Effects are fitted once on raw reference rows (at most 200,000,
    evenly spread) by ridge regression, a cell without rows having none. The expected mean loss of a
    window,

        constant + sum over fields and cells of (share of rows in the cell) x (effect of the cell),

    needs its marginal counts alone and equals the mean of the rows' own estimates.

    Skill = 1 - squared error / that of the constant, on rows held out (ten folds). Where it is not
    above 0, the constant is the estimate and `parameters["model"]` says so.

Interval and test
    The interval is where the value realised by these rows will lie: the held-out variance of the
    loss at the window's n, and the error of the fit by the jackknife over the ten folds. "No
    change" is tested as in `estimation`.

Example
    >>> from monitoring.stats.reference import FieldSpec, Kind, Schema, freeze
    >>> table = pyarrow.table({"x": [0.0, 1.0] * 50, "p": [1.0] * 100, "y": [1.0, 3.0] * 50})
    >>> fields = [("x", Role.FEATURE), ("p", Role.PREDICTION), ("y", Role.OUTCOME)]
    >>> specs = tuple(FieldSpec(name, role, Kind.NUMERIC) for name, role in fields)
    >>> losses = fit_losses(freeze(Schema(Task.REGRESSION, specs), table), table)
    >>> Losses.from_json(losses.as_json()).as_json() == losses.as_json()
    True

Source
    NannyML documentation, "How it works: Direct Loss Estimation"; Hoerl and Kennard (1970),
    Technometrics 12:55; Hastie and Tibshirani (1990), Generalized Additive Models; Efron and Stein
    (1981), Annals of Statistics 9:586, on the jackknife.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from monitoring.stats.additive import FOLDS, Additive, fit_targets
from monitoring.stats.cells import CodedField, code
from monitoring.stats.columns import Batch, Counts, Floats, with_nan
from monitoring.stats.estimation import unchanged
from monitoring.stats.findings import Finding, Parameter, undefined
from monitoring.stats.intervals import normal_finding
from monitoring.stats.performance.residuals import regression
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, Role, Task

MEASURES = ("mae", "rmse")
MOST_ROWS = 200_000
FEWEST_ROWS = 100
WORTH = 250_000_000  # rows x fields^2; more fields are fitted on fewer rows
LARGEST = 1e70  # of a residual, so that squares of losses stay finite
NO_ROWS = "fewer than 100 reference rows have a prediction and an outcome"
NO_FIELDS = "the schema declares no prediction or no outcome"


@dataclass(frozen=True, eq=False)
class Losses:
    """The fitted models of |r| ("mae") and r^2 ("rmse") over the cells of `fields`.

    `rows` were fitted, `left_out` fields did not fit; `reason` says why there is no model.
    """

    fields: tuple[CodedField, ...] = ()
    models: Mapping[str, Additive] | None = None
    rows: int = 0
    left_out: int = 0
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values that lose no bit."""
        return {
            "fields": [one.as_json() for one in self.fields],
            "models": {name: model.as_json() for name, model in (self.models or {}).items()},
            "rows": self.rows,
            "left_out": self.left_out,
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Losses:
        """Return the models that `as_json` wrote."""
        models = {name: Additive.from_json(plain["models"][name]) for name in plain["models"]}
        fields = tuple(CodedField.from_json(one) for one in plain["fields"])
        return cls(fields, models or None, plain["rows"], plain["left_out"], plain["reason"])


def fit_losses(bins: Bins, table: Batch) -> Losses:
    """Fit the losses on reference rows; the columns are those of the prediction log and outcome.

    Rows without a finite prediction and outcome are passed over. `reason` is set where fewer than
    100 are left, or the model is no regression.
    """
    prediction, outcome = (bins.schema.name_of(role) for role in (Role.PREDICTION, Role.OUTCOME))
    if bins.schema.task is not Task.REGRESSION:
        return Losses(reason="the model is no regression")
    if prediction is None or outcome is None:
        return Losses(reason=NO_FIELDS)
    residual = with_nan(table, prediction) - with_nan(table, outcome)
    kept = np.flatnonzero(np.isfinite(residual))
    if kept.size < FEWEST_ROWS:
        return Losses(rows=int(kept.size), reason=NO_ROWS)
    names = _names(bins)
    rows = kept[_evenly(kept.size, len(names))]
    fields, cells = code(bins, table.take(rows), names)
    loss = np.minimum(np.abs(residual[rows]), LARGEST)
    targets = np.stack([loss, loss**2], axis=1)
    models = fit_targets(cells, [one.size for one in fields], targets)
    by_name = dict(zip(MEASURES, models, strict=True))
    return Losses(fields, by_name, int(rows.size), len(names) - len(fields))


def estimate_losses(
    bins: Bins, losses: Losses, reference: Profile, current: Profile
) -> dict[str, Finding]:
    """Return MAE and RMSE expected of a window, compared with what the reference realised.

    `bins` are those that `losses` were fitted over. ValueError where the profiles have others.
    """
    if {bins.digest} != {reference.bins, current.bins}:
        raise ValueError("The profiles were counted over other bins; count the rows again.")
    n = current.rows
    if losses.models is None or not n:
        reason = losses.reason or "no rows"
        return {name: undefined(name, n=n, reason=reason) for name in MEASURES}
    realised = regression(reference)
    window, usual = (cell_shares(losses, side) for side in (current, reference))
    outside = outside_cells(losses, reference, current)
    found = {}
    for name, model in losses.models.items():
        one = _expected(model, window, n)
        own = _expected(model, usual, reference.rows) if reference.rows else None
        said = _said(losses, model, outside, reference.rows)
        found[name] = _finding(name, (one, own), realised[name], (n, reference.rows), said)
    return found


def cell_shares(losses: Losses, profile: Profile) -> Floats:
    """Return the share of rows in every cell, shape (cells,), from a profile's marginal counts.

    A field that the profile lacks has no shares, and so no effect.
    """
    parts = [_shares(one, profile.counts.get(f"field/{one.name}")) for one in losses.fields]
    return np.concatenate(parts) if parts else np.zeros(0)


def outside_cells(losses: Losses, reference: Profile, current: Profile) -> float:
    """Return the largest share, over fields, of rows in cells of which the reference has no row."""
    largest = 0.0
    for one in losses.fields:
        known, window = (
            _shares(one, side.counts.get(f"field/{one.name}")) for side in (reference, current)
        )
        largest = max(largest, float(window[known == 0].sum()))
    return largest


@dataclass(frozen=True)
class _Expected:
    """An expected mean loss, and the variances of what makes it uncertain."""

    value: float
    outcomes: float
    fit: float
    sampling: float


def _names(bins: Bins) -> list[str]:
    roles = {Role.FEATURE, Role.PREDICTION}
    return [spec.name for spec in bins.schema.profiled if spec.role in roles]


def _evenly(n: int, fields: int) -> Counts:
    """Return the places of at most 200,000 rows, evenly spread over n; fewer for many fields."""
    wanted = max(MOST_ROWS // 10, min(MOST_ROWS, WORTH // max(fields, 1) ** 2))
    size = min(n, wanted)
    return np.arange(size, dtype=np.int64) * n // size


def _shares(one: CodedField, tallies: Counts | None) -> Floats:
    if tallies is None or not tallies.any():
        return np.zeros(one.size)
    counts = np.bincount(np.array(one.place), weights=tallies, minlength=one.size)
    shares: Floats = counts / tallies.sum()
    return shares


def _expected(model: Additive, shares: Floats, n: int) -> _Expected:
    # Not a matrix product: BLAS adds in an order that depends on how the arrays lie in memory.
    folds = model.fold_constants + (model.fold_effects * shares).sum(axis=1)
    jackknife = float(((folds - folds.mean()) ** 2).sum()) * (FOLDS - 1) / FOLDS
    value = model.constant + float((shares * model.effects).sum())
    return _Expected(value, model.noise / n, jackknife, model.spread / n)


def _said(
    losses: Losses, model: Additive, outside: float, reference_n: int
) -> dict[str, Parameter]:
    return {
        "method": "DLE",
        "model": "constant: the fields tell nothing" if model.is_constant else "additive",
        "skill": model.skill,
        "fitted_rows": losses.rows,
        "fields": len(losses.fields),
        "fields_left_out": losses.left_out,
        "outside_cells": outside,
        "reference_n": reference_n,
    }


def _finding(
    name: str,
    pair: tuple[_Expected, _Expected | None],
    realised: Finding,
    rows: tuple[int, int],
    said: Mapping[str, Parameter],
) -> Finding:
    (one, own), (n, reference_n) = pair, rows
    error = (one.outcomes + one.fit) ** 0.5
    found = normal_finding(name, max(one.value, 0.0), error, n, bounds=(0, np.inf))
    if name == "rmse":
        found = _root(found)
        one, own = _rooted(one), _rooted(own) if own else None
    value = found.value or 0.0
    marked = {**found.parameters, **said, "reference_error": one.fit**0.5}
    found = replace(found, parameters=marked)
    if realised.value is None:
        return found
    compared = (own.value, own.sampling, reference_n) if own else None
    p_value = unchanged(value, (one.sampling, n), compared, realised)
    return replace(found, p_value=p_value, baseline=realised.value, effect=value - realised.value)


def _root(squared: Finding) -> Finding:
    """Return the root of a mean square with its interval."""
    value, low, high, error = (
        float(part or 0.0)
        for part in (squared.value, squared.low, squared.high, squared.standard_error)
    )
    root = value**0.5
    spread = error / (2 * root) if root else error**0.5
    return replace(squared, value=root, low=low**0.5, high=high**0.5, standard_error=spread)


def _rooted(one: _Expected) -> _Expected:
    """Return the root of an expected mean square, variances by the delta method."""
    if one.value <= 0:
        return _Expected(0.0, one.outcomes**0.5, one.fit**0.5, one.sampling**0.5)
    steep = 4 * one.value
    return _Expected(one.value**0.5, one.outcomes / steep, one.fit / steep, one.sampling / steep)
