"""Calibration: do scores mean what they say?

Definition
    Scores are grouped into equal-width bins; with n_b rows, mean score s_b and share of positives
    o_b in bin b,

        ECE = sum n_b / n |o_b - s_b|,     MCE = max |o_b - s_b|.

    s_b is taken from the centres of the 1,000 fine bins, which moves it by at most 0.0005. ECE is
    above 0 even for a perfect model; the finding therefore carries what perfect calibration would
    give at this n (`null_mean`) and the p-value of "calibrated", by drawing outcomes from the
    scores with a seed.

Example
    >>> curve(np.array([[9, 1], [1, 9]]), bins=2).observed.tolist()
    [0.1, 0.9]

Source
    Naeini et al. (2015), AAAI, on ECE; Bröcker and Smith (2007), Weather and Forecasting 22:651, on
    consistency resampling.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, drawn_tail

BINS = 10
RESAMPLES = 1_000


@dataclass(frozen=True)
class Curve:
    """The reliability curve: rows, mean score and share of positives, shape (filled bins,)."""

    rows: Counts
    predicted: Floats
    observed: Floats


def curve(histogram: Counts, *, bins: int = BINS) -> Curve:
    """Return the reliability curve of scores by outcome, shape (2, fine bins); empty bins go.

    ValueError where the fine bins do not divide evenly into `bins`.
    """
    fine = histogram.shape[1]
    if fine % bins:
        raise ValueError(f"{fine} score bins do not divide into {bins} bins; use a divisor.")
    centres = (np.arange(fine) + 0.5) / fine
    rows = histogram.sum(axis=0)
    grouped = rows.reshape(bins, -1).sum(axis=1)
    kept = grouped > 0
    scores = (rows * centres).reshape(bins, -1).sum(axis=1)[kept] / grouped[kept]
    positives = histogram[1].reshape(bins, -1).sum(axis=1)[kept] / grouped[kept]
    return Curve(grouped[kept], scores, positives)


def calibration(histogram: Counts, *, bins: int = BINS, seed: int = 0) -> dict[str, Finding]:
    """Return ECE and MCE of scores by outcome, shape (2, fine bins)."""
    found = curve(histogram, bins=bins)
    return {
        "ece": _finding("ece", found, _ece, seed=seed),
        "mce": _finding("mce", found, _mce, seed=seed),
    }


def _ece(rows: Counts, gaps: Floats) -> Floats:
    mean: Floats = gaps @ rows / rows.sum()
    return mean


def _mce(_rows: Counts, gaps: Floats) -> Floats:
    largest: Floats = gaps.max(axis=-1)
    return largest


def _finding(
    measure: str, found: Curve, function: Callable[[Counts, Floats], Floats], *, seed: int
) -> Finding:
    n = int(found.rows.sum())
    if not n:
        return undefined(measure, n=0, reason="no outcome has arrived")
    rng = np.random.default_rng(seed)
    size = (RESAMPLES, found.rows.size)
    again = rng.binomial(found.rows, found.observed, size=size) / found.rows
    ideal = rng.binomial(found.rows, found.predicted, size=size) / found.rows
    value = float(function(found.rows, np.abs(found.observed - found.predicted)))
    spread = function(found.rows, np.abs(again - found.predicted))
    null = function(found.rows, np.abs(ideal - found.predicted))
    low, high = np.quantile(spread, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return Finding(
        measure,
        value,
        n,
        low=max(0.0, min(value, 2 * value - float(high))),
        high=min(1.0, max(value, 2 * value - float(low))),
        p_value=drawn_tail(null, value),
        baseline=0.0,
        effect=max(0.0, value - float(null.mean())),
        standard_error=float(spread.std()),
        parameters={
            "confidence": CONFIDENCE,
            "bins": found.rows.size,
            "null_mean": float(null.mean()),
            "seed": seed,
        },
    )
