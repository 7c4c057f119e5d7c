"""Drift of explanations: do answers rest on the same features as before?

Definition
    With the size |c| of each feature's contribution to an answer, the importance of a feature is
    its mean size over answers, as a share of the sum over features. Between reference and window

        importance_shift = total variation of the two shares, 0 to 1: how much of the importance
                           lies on other features than before,
        rank_shift       = (1 - rho) / 2 with Spearman's rho of the two mean sizes (average ranks
                           for equal ones), 0 to 1: 0 the same order, 1 the reverse.

    The null distribution is by permutation: answers of both sides are dealt out anew, whole, so
    that features that go together stay together. The p-value counts the observed one among the
    draws; a tail that a few draws reach is drawn further. The interval is the basic bootstrap over
    answers. The effect is the value above what dealing gives on average.

Shapes and units
    `reference` and `window`: answers × features, contributions in any unit, the same on both sides.

Edge cases
    Fewer than 20 answers on a side, fewer than two features, or contributions that are all zero:
    no value, with the reason. Rows with a value that is not finite are left out.

Example
    >>> same = np.tile([[2.0, 1.0], [4.0, 2.0]], (20, 1))
    >>> round(shift("importance_shift", same, same).value, 6)
    0.0

Source
    Lundberg et al. (2020), Nature Machine Intelligence 2:56, on monitoring by SHAP values; Phipson
    and Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9:39, on p-values of permutations; Davison and
    Hinkley (1997), Bootstrap Methods and their Application, 5.2.
"""

from collections.abc import Callable

import numpy as np
from scipy import stats as scipy_stats

from monitoring.stats.columns import Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE

MEASURES = ("importance_shift", "rank_shift")
FEWEST = 20
DRAWS, MORE_DRAWS = 999, 9_999
RARE = 10
RESAMPLES = 400
AT_ONCE = 2_000


def shift(measure: str, reference: Floats, window: Floats, *, seed: int = 0) -> Finding:
    """Return one distance between the importances of two sets of explained answers."""
    one, two = _sizes(reference), _sizes(window)
    if reason := _reason(one, two):
        return undefined(measure, n=len(two), reason=reason, reference_n=len(one))
    distance = DISTANCES[measure]
    value = float(distance(_means(one)[None], _means(two)[None])[0])
    draw = np.random.default_rng(seed)
    dealt, p_value = _dealt(distance, one, two, value, draw)
    low, high = _interval(distance, one, two, value, draw)
    return Finding(
        measure,
        value,
        len(two),
        low=low,
        high=high,
        p_value=p_value,
        baseline=0.0,
        effect=max(0.0, value - float(dealt.mean())),
        parameters={
            "confidence": CONFIDENCE,
            "reference_n": len(one),
            "features": one.shape[1],
            "null_mean": float(dealt.mean()),
            "null_quantile_95": float(np.quantile(dealt, 0.95)),
            "null_method": "permutation",
            "draws": dealt.size,
            "seed": seed,
        },
    )


def shares(contributions: Floats) -> Floats:
    """Return the importance of each feature as a share; zeros where nothing contributes."""
    means = _means(_sizes(contributions))
    total = float(means.sum())
    return means / total if total > 0 else means


def _sizes(contributions: Floats) -> Floats:
    found = np.abs(np.atleast_2d(np.asarray(contributions, np.float64)))
    kept: Floats = found[np.isfinite(found).all(axis=1)]
    return kept


def _reason(one: Floats, two: Floats) -> str:
    if min(len(one), len(two)) < FEWEST:
        which = "the reference" if len(one) < FEWEST else "the window"
        return f"{which} has fewer than {FEWEST} explained answers"
    if one.shape[1] != two.shape[1]:
        return "the explanations are over other features"
    if one.shape[1] < 2:
        return "there is only one feature"
    if not one.any() or not two.any():
        return "no feature contributes anything"
    return ""


def _means(sizes: Floats) -> Floats:
    means: Floats = sizes.mean(axis=0) if len(sizes) else np.zeros(sizes.shape[1])
    return means


def _dealt(
    distance: "Distance", one: Floats, two: Floats, value: float, draw: np.random.Generator
) -> tuple[Floats, float]:
    """Return the distances of answers that were dealt out anew, and the p-value."""
    dealt = _draws(distance, one, two, DRAWS, draw)
    if np.count_nonzero(dealt >= value - 1e-12) <= RARE:
        dealt = np.concatenate([dealt, _draws(distance, one, two, MORE_DRAWS - DRAWS, draw)])
    beyond = int(np.count_nonzero(dealt >= value - 1e-12))
    return dealt, (beyond + 1) / (dealt.size + 1)


def _draws(
    distance: "Distance", one: Floats, two: Floats, many: int, draw: np.random.Generator
) -> Floats:
    pooled, n = np.concatenate([one, two]), len(one)
    total = pooled.sum(axis=0)
    found = []
    for start in range(0, many, AT_ONCE):
        size = min(AT_ONCE, many - start)
        order = draw.random((size, len(pooled))).argpartition(n - 1, axis=1)[:, :n]
        chosen = np.zeros((size, len(pooled)))
        np.put_along_axis(chosen, order, 1.0, axis=1)
        first = chosen @ pooled
        found.append(distance(first / n, (total - first) / len(two)))
    return np.concatenate(found)


def _interval(
    distance: "Distance", one: Floats, two: Floats, value: float, draw: np.random.Generator
) -> tuple[float, float]:
    """Return the basic bootstrap interval, within 0 and 1."""
    drawn = distance(_resampled(one, draw), _resampled(two, draw))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return max(0.0, min(value, 2 * value - float(high))), min(
        1.0, max(value, 2 * value - float(low))
    )


def _resampled(sizes: Floats, draw: np.random.Generator) -> Floats:
    n = len(sizes)
    weights = draw.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    means: Floats = weights @ sizes / n
    return means


def _importance_shift(one: Floats, two: Floats) -> Floats:
    """Return the total variation of shares, row by row."""
    left, right = (side / side.sum(axis=1, keepdims=True) for side in (one, two))
    found: Floats = np.abs(left - right).sum(axis=1) / 2
    return found


def _rank_shift(one: Floats, two: Floats) -> Floats:
    """Return (1 - rho) / 2, row by row; half where all features of a side weigh the same."""
    left, right = (_centred(scipy_stats.rankdata(side, axis=1)) for side in (one, two))
    product = (left * right).sum(axis=1)
    norm = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    rho = np.divide(product, norm, out=np.zeros_like(product), where=norm > 0)
    found: Floats = (1 - rho) / 2
    return found


def _centred(ranks: Floats) -> Floats:
    centred: Floats = ranks - ranks.mean(axis=1, keepdims=True)
    return centred


Distance = Callable[[Floats, Floats], Floats]
DISTANCES: dict[str, Distance] = {
    "importance_shift": _importance_shift,
    "rank_shift": _rank_shift,
}
