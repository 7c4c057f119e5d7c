"""Shadow: a version that answers the same rows as the champion, without being used.

Definitions, for the same rows answered by both
    agreement      share of rows with equal answers, and Cohen's kappa (p_o - p_e) / (1 - p_e)
    disagreement   share of rows with unequal answers, of each segment against the rest of the rows
    McNemar        rows that only one of the two gets wrong: exact binomial below 20 in either, else
                   (b - c)^2 / (b + c); the value is the difference of the error rates
    paired         mean of (shadow - champion) of answers or losses, with a paired t test

Example
    >>> agreement(np.array([[40, 10], [10, 40]]))["cohen_kappa"].value
    0.6000000000000001

Source
    Cohen (1960), Educational and Psychological Measurement 20:37; Fleiss, Cohen and Everitt (1969),
    Psychological Bulletin 72:323; McNemar (1947), Psychometrika 12:153; Agresti and Min (2005),
    Statistics in Medicine 24:729, on the interval of a paired difference.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import special, stats

from monitoring.stats.columns import Counts, Floats, codes
from monitoring.stats.experiments.arms import Moments, student
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import (
    CONFIDENCE,
    EXACT_BELOW,
    normal_finding,
    share_finding,
    two_shares,
    z_of,
)
from monitoring.stats.multiplicity import benjamini_hochberg

MOST_CLASSES = 500
TOO_MANY = f"more than {MOST_CLASSES} classes"


def agreement_table(champion: pa.Array, shadow: pa.Array) -> tuple[tuple[str, ...], Counts]:
    """Return the classes and counts of champion x shadow from two text arrays of equal length.

    Rows that one of them did not answer (null) are left out. Beyond 500 classes the rare ones are
    counted as "(other)", and as "(other, unequal)" where the answers differ: the share of agreement
    stays exact, and `agreement` says that kappa is not known.
    """
    both = pc.and_(pc.is_valid(champion), pc.is_valid(shadow))
    one, two = champion.filter(both), shadow.filter(both)
    classes = tuple(sorted({*one.unique().to_pylist(), *two.unique().to_pylist()}))
    left, right = codes(one, classes), codes(two, classes)
    if len(classes) > MOST_CLASSES:
        classes, left, right = _gather_rare(classes, left, right)
    size = len(classes)
    counts = np.bincount(left * size + right, minlength=size * size).reshape(size, size)
    return classes, counts.astype(np.int64)


def _gather_rare(
    classes: tuple[str, ...], left: Counts, right: Counts
) -> tuple[tuple[str, ...], Counts, Counts]:
    often = np.bincount(left, minlength=len(classes)) + np.bincount(right, minlength=len(classes))
    kept = np.sort(np.argsort(-often, kind="stable")[: MOST_CLASSES - 1])
    place = np.full(len(classes), kept.size)
    place[kept] = np.arange(kept.size)
    one, two = place[left], place[right]
    two[(one == two) & (left != right)] = kept.size + 1
    names = (*(classes[index] for index in kept), "(other)", "(other, unequal)")
    return names, one, two


def agreement(table: Counts) -> dict[str, Finding]:
    """Return agreement share and Cohen's kappa of champion x shadow, shape (classes, classes)."""
    n = int(table.sum())
    same = int(np.trace(table))
    share = share_finding("agreement_share", same, n, reason="no row was answered by both")
    return {"agreement_share": share, "cohen_kappa": _kappa(table, n)}


def disagreement_by_segment(segments: Mapping[str, tuple[int, int]]) -> dict[str, Finding]:
    """Return each segment's share of disagreement, tested against the rest of the rows.

    Segments are (rows with unequal answers, rows) and share no row. The p-value is that of one
    segment; `parameters["adjusted_p"]` is corrected for all (Benjamini and Hochberg).
    """
    hits = sum(unequal for unequal, _ in segments.values())
    n = sum(rows for _, rows in segments.values())
    found = {name: _against_rest(*pair, hits, n) for name, pair in segments.items()}
    adjusted = benjamini_hochberg([one.p_value for one in found.values()])
    return {
        name: dataclasses.replace(one, parameters={**one.parameters, "adjusted_p": q_value})
        for (name, one), q_value in zip(found.items(), adjusted, strict=True)
    }


def mcnemar(champion_only: int, shadow_only: int, n: int) -> Finding:
    """Return the difference of error rates, shadow - champion, on n rows answered by both.

    `champion_only` rows are wrong in the champion alone, `shadow_only` in the shadow alone.
    """
    measure = "error_rate_difference"
    if n < 1 or min(champion_only, shadow_only) < 0 or champion_only + shadow_only > n:
        return undefined(measure, n=max(n, 0), reason="no row with an outcome was answered by both")
    value = (shadow_only - champion_only) / n
    p_value, test = _mcnemar_test(champion_only, shadow_only)
    low, high = _paired_interval(champion_only, shadow_only, n)
    return Finding(
        measure,
        value,
        n,
        low=low,
        high=high,
        p_value=p_value,
        baseline=0.0,
        effect=value,
        parameters={
            "confidence": CONFIDENCE,
            "champion_only": champion_only,
            "shadow_only": shadow_only,
            "test": test,
        },
    )


def paired_difference(differences: Moments, *, confidence: float = CONFIDENCE) -> Finding:
    """Return the mean of shadow - champion over rows answered by both, with the paired t test."""
    measure = "paired_difference"
    if differences.n < 2:
        return undefined(measure, n=differences.n, reason="fewer than 2 rows answered by both")
    if not np.isfinite([differences.total, differences.squares]).all():
        return undefined(measure, n=differences.n, reason="values that are not finite")
    if differences.variance <= 0:
        return undefined(measure, n=differences.n, reason="the difference is constant")
    return student(
        measure,
        differences.mean,
        (differences.variance / differences.n) ** 0.5,
        differences.n - 1,
        n=differences.n,
        baseline=0.0,
        confidence=confidence,
    )


def _kappa(table: Counts, n: int) -> Finding:
    if not n:
        return undefined("cohen_kappa", n=0, reason="no row was answered by both")
    if table.shape[0] > MOST_CLASSES:
        return undefined("cohen_kappa", n=n, reason=TOO_MANY)
    shares = table / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    expected = float(rows @ columns)
    if expected >= 1:
        return undefined("cohen_kappa", n=n, reason="only one class was answered")
    kappa = float((np.trace(shares) - expected) / (1 - expected))
    error = _kappa_error(shares, kappa, expected) / n**0.5
    return normal_finding("cohen_kappa", kappa, error, n, bounds=(-1.0, 1.0))


def _kappa_error(shares: Floats, kappa: float, expected: float) -> float:
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    same = np.diag(shares)
    on = float((same * (1 - (rows + columns) * (1 - kappa)) ** 2).sum())
    crossed = shares * (columns[:, None] + rows[None, :]) ** 2
    off = (1 - kappa) ** 2 * float(crossed.sum() - np.trace(crossed))
    variance = on + off - (kappa - expected * (1 - kappa)) ** 2
    return float(max(variance, 0.0) ** 0.5 / (1 - expected))


def _against_rest(hits: int, n: int, all_hits: int, all_n: int) -> Finding:
    found = share_finding("disagreement_share", hits, n, reason="no row was answered by both")
    if n <= 0 or all_n <= n:
        return found
    rest = (all_hits - hits) / (all_n - n)
    p_value, test = two_shares(hits, n, all_hits - hits, all_n - n)
    return dataclasses.replace(
        found,
        p_value=p_value,
        baseline=rest,
        effect=hits / n - rest,
        parameters={**found.parameters, "test": test, "rest_n": all_n - n},
    )


def _mcnemar_test(champion_only: int, shadow_only: int) -> tuple[float, str]:
    unequal = champion_only + shadow_only
    if not unequal:
        return 1.0, "no variation"
    if min(champion_only, shadow_only) < EXACT_BELOW:
        return float(stats.binomtest(shadow_only, unequal, 0.5).pvalue), "mcnemar_exact"
    statistic = (champion_only - shadow_only) ** 2 / unequal
    return float(special.chdtrc(1, statistic)), "mcnemar"


def _paired_interval(champion_only: int, shadow_only: int, n: int) -> tuple[float, float]:
    """Return Wald's interval with half a row added to each of the four cells."""
    gap, unequal, size = shadow_only - champion_only, champion_only + shadow_only + 1, n + 2
    half = z_of(CONFIDENCE) * (unequal - gap**2 / size) ** 0.5 / size
    return max(-1.0, gap / size - half), min(1.0, gap / size + half)
