"""Calibration: do scores mean what they say?

Definitions
    Scores are grouped into equal-width bins; with n_b rows, mean score s_b and share of positives
    o_b in bin b, and the share o of positives overall,

        ECE = sum n_b / n |o_b - s_b|,     MCE = max |o_b - s_b|,
        Brier = reliability - resolution + uncertainty (+ what varies within bins),
        reliability = sum n_b / n (o_b - s_b)^2,  resolution = sum n_b / n (o_b - o)^2,
        uncertainty = o (1 - o).

    s_b is taken from the centres of the fine bins, which moves it by at most half a bin. ECE, MCE
    and reliability are above 0 even for a perfect model; their findings therefore carry what
    perfect calibration would give at this n (`null_mean`) and the p-value of "calibrated", by
    drawing outcomes from the scores with a seed.

    Slope and intercept: logit P(positive) = intercept + slope logit(score), see `recalibration`.

Example
    >>> curve(np.array([[9, 1], [1, 9]]), bins=2).observed.tolist()
    [0.1, 0.9]

Source
    Naeini et al. (2015), AAAI, on ECE; Bröcker and Smith (2007), Weather and Forecasting 22:651, on
    consistency resampling; Murphy (1973), Journal of Applied Meteorology 12:595, on the
    decomposition; Stephenson et al. (2008), Weather and Forecasting 23:752, on what bins hide.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, drawn_tail, normal_finding
from monitoring.stats.profiles import SCORE_BINS, Profile
from monitoring.stats.recalibration import recalibration
from monitoring.stats.reference import Bins, Task, group_key, group_labels

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
    """Return ECE, MCE, slope, intercept and Brier's parts of scores by outcome, shape (2, bins)."""
    found = curve(histogram, bins=bins)
    return {
        "ece": expected_error(histogram, bins=bins, seed=seed),
        "mce": _finding("mce", found, _mce, seed=seed),
        **recalibration(histogram),
        **decomposition(histogram, bins=bins, seed=seed),
    }


def expected_error(histogram: Counts, *, bins: int = BINS, seed: int = 0) -> Finding:
    """Return ECE alone of scores by outcome, shape (2, fine bins)."""
    return _finding("ece", curve(histogram, bins=bins), _ece, seed=seed)


def calibrations(bins: Bins, profile: Profile, *, seed: int = 0) -> dict[tuple[str, str], Finding]:
    """Return calibration by (measure, class); the class of a binary model is "".

    A model of several classes is calibrated class by class against the rest. A regression has none.
    """
    if bins.schema.task is Task.REGRESSION:
        return {}
    binary = bins.schema.task is Task.BINARY
    classes = ("",) if binary else bins.schema.classes
    nothing = np.zeros((len(classes), 2, SCORE_BINS), np.int64)
    scores = profile.counts.get("score", nothing).reshape(nothing.shape)
    return {
        (name, label): finding
        for label, histogram in zip(classes, scores, strict=True)
        for name, finding in calibration(histogram, seed=seed).items()
    }


def calibration_by_group(
    bins: Bins, profile: Profile, *groups: str, seed: int = 0
) -> dict[tuple[str, str], Finding]:
    """Return calibration by (measure, group) of a binary model, of groups with outcomes.

    `groups` names one declared group field, or the two of a declared pair; KeyError otherwise.
    """
    labels = group_labels(bins, *groups)
    scores = profile.counts.get(f"score/{group_key(*groups)}")
    if scores is None:
        return {}
    return {
        (name, label): finding
        for place, label in enumerate(labels)
        if scores[place].any()
        for name, finding in calibration(scores[place], seed=seed).items()
    }


def decomposition(histogram: Counts, *, bins: int = BINS, seed: int = 0) -> dict[str, Finding]:
    """Return reliability, resolution and uncertainty of scores by outcome, shape (2, fine bins).

    Reliability less resolution plus uncertainty plus `parameters["within"]` is the Brier score of
    the bin centres.
    """
    found = curve(histogram, bins=bins)
    names = ("reliability", "resolution", "uncertainty")
    n = int(found.rows.sum())
    if not n:
        return {name: undefined(name, n=0, reason="no outcome has arrived") for name in names}
    base = float(histogram[1].sum() / n)
    parts = {
        "reliability": _finding("reliability", found, _squared, seed=seed),
        "resolution": _resolution(found, base, seed),
        "uncertainty": normal_finding(
            "uncertainty",
            base * (1 - base),
            abs(1 - 2 * base) * (base * (1 - base) / n) ** 0.5,
            n,
            bounds=(0, 0.25),
        ),
    }
    values = [parts[name].value or 0.0 for name in names]
    within = _brier(histogram) - (values[0] - values[1] + values[2])
    reliability = parts["reliability"]
    parts["reliability"] = replace(
        reliability, parameters={**reliability.parameters, "within": within}
    )
    return parts


def _brier(histogram: Counts) -> float:
    centres = (np.arange(histogram.shape[1]) + 0.5) / histogram.shape[1]
    squares = np.stack([centres**2, (1 - centres) ** 2])
    return float((histogram * squares).sum() / histogram.sum())


def _resolution(found: Curve, base: float, seed: int) -> Finding:
    """Return the resolution; the p-value is that of "scores tell nothing"."""
    n, rng = int(found.rows.sum()), np.random.default_rng([seed, 2])
    size = (RESAMPLES, found.rows.size)
    again = rng.binomial(found.rows, found.observed, size=size)
    null = rng.binomial(found.rows, base, size=size)
    spread, chance = (
        (drawn / found.rows - drawn.sum(axis=1, keepdims=True) / n) ** 2 @ found.rows / n
        for drawn in (again, null)
    )
    value = float((found.observed - base) ** 2 @ found.rows / n)
    low, high = np.quantile(spread, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return Finding(
        "resolution",
        value,
        n,
        low=max(0.0, min(value, 2 * value - float(high))),
        high=min(0.25, max(value, 2 * value - float(low))),
        p_value=drawn_tail(chance, value),
        baseline=0.0,
        effect=max(0.0, value - float(chance.mean())),
        standard_error=float(spread.std()),
        parameters={
            "confidence": CONFIDENCE,
            "bins": found.rows.size,
            "null_mean": float(chance.mean()),
            "seed": seed,
        },
    )


def _squared(rows: Counts, gaps: Floats) -> Floats:
    mean: Floats = gaps**2 @ rows / rows.sum()
    return mean


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
