"""Multivariate: how well a classifier tells rows of a window from rows of the reference.

Definition
    Ridge logistic regression on standardised values (clipped at 5 deviations), their squares and
    pairwise products, flags of missing values and the ten most frequent categories. Every row is
    scored by the model of the four folds of five that it is not in. AUC is the mean of the folds'
    AUCs, its error DeLong's; the p-value is one-sided against 0.5, because less than 0.5 is no
    sign of change.

Source
    Lopez-Paz and Oquab (2017), ICLR, on two-sample tests by classifiers; DeLong, DeLong and
    Clarke-Pearson (1988), Biometrics 44:837; Böhning (1992), AISM 44:197, on the fixed bound of the
    Hessian.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc
from scipy import linalg, special, stats

from monitoring.stats.columns import Batch, Counts, Floats, codes, labels, with_nan
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import normal_finding

MEASURE = "domain_classifier"
FOLDS = 5
FIELDS = 30
ROWS = 20_000
FEWEST = 50
CATEGORIES = 10
RIDGE = 20.0
STEPS = 40
CLIP = 5.0


def domain_classifier(
    reference: Batch,
    current: Batch,
    *,
    numeric: Sequence[str],
    categorical: Sequence[str] = (),
    seed: int = 0,
) -> Finding:
    """Return the cross-fitted AUC of two Arrow tables; at most 20,000 rows a side are drawn.

    At most 30 numeric fields take part. `parameters["top"]` names the fields whose terms move the
    classifier's score most. ValueError where a numeric field is not numeric.
    """
    rng = np.random.default_rng(seed)
    sides = [_drawn(side, rng) for side in (reference, current)]
    n, m = sides[1].num_rows, sides[0].num_rows
    if min(n, m) < FEWEST:
        return undefined(MEASURE, n=n, reason=f"fewer than {FEWEST} rows on one side")
    design, owners = _design(sides, numeric[:FIELDS], categorical)
    if not design.shape[1]:
        return undefined(MEASURE, n=n, reason="no field varies")
    truth = np.repeat([0.0, 1.0], [m, n])
    folds = np.concatenate([rng.permutation(size) % FOLDS for size in (m, n)])
    aucs, variances, weights = _cross_fitted(design, truth, folds)
    value, error = float(np.mean(aucs)), float(np.sum(variances)) ** 0.5 / FOLDS
    found = normal_finding(
        MEASURE,
        value,
        error,
        n,
        bounds=(0.0, 1.0),
        reference_n=m,
        seed=seed,
        columns=design.shape[1],
        top=_top(weights, owners),
    )
    p_value = float(special.ndtr((0.5 - value) / error)) if error else float(value <= 0.5)
    return Finding(
        MEASURE,
        value,
        n,
        low=found.low,
        high=found.high,
        p_value=p_value,
        baseline=0.5,
        effect=value - 0.5,
        standard_error=error,
        parameters=found.parameters,
    )


def auc_with_variance(negative: Floats, positive: Floats) -> tuple[float, float]:
    """Return the AUC of two samples of scores and DeLong's variance of it."""
    m, n = negative.size, positive.size
    ranks = stats.rankdata(np.concatenate([negative, positive]))
    before = (ranks[m:] - stats.rankdata(positive)) / m
    after = 1 - (ranks[:m] - stats.rankdata(negative)) / n
    variance = float(before.var(ddof=1) / n + after.var(ddof=1) / m)
    return float(before.mean()), variance


def _drawn(side: Batch, rng: np.random.Generator) -> Batch:
    if side.num_rows <= ROWS:
        return side
    return side.take(np.sort(rng.choice(side.num_rows, ROWS, replace=False)))


def _design(
    sides: Sequence[Batch], numeric: Sequence[str], categorical: Sequence[str]
) -> tuple[Floats, list[tuple[str, ...]]]:
    """Return standardised columns, shape (rows, columns), and the fields of each column."""
    parts: list[Floats] = []
    owners: list[tuple[str, ...]] = []
    base = {name: np.concatenate([with_nan(side, name) for side in sides]) for name in numeric}
    scaled = {name: _scaled(values) for name, values in base.items()}
    for place, name in enumerate(numeric):
        missing = (~np.isfinite(base[name])).astype(np.float64)
        parts += [scaled[name], missing]
        owners += [(name,), (name,)]
        for other in numeric[place:]:
            parts.append(scaled[name] * scaled[other])
            owners.append((name, other))
    for name in categorical:
        coded = _coded(sides, name)
        for code in np.unique(coded):
            parts.append((coded == code).astype(np.float64))
            owners.append((name,))
    kept = [place for place, part in enumerate(parts) if part.std() > 1e-9]
    if not kept:
        return np.empty((sum(side.num_rows for side in sides), 0)), []
    design = np.stack([_scaled(parts[place]) for place in kept], axis=1)
    return design, [owners[place] for place in kept]


def _scaled(values: Floats) -> Floats:
    """Return standardised values clipped at 5 deviations; what is not finite becomes 0."""
    finite = np.isfinite(values)
    limited = np.clip(np.where(finite, values, 0.0), -1e100, 1e100)
    if not finite.any():
        return np.zeros_like(limited)
    mean, sd = limited[finite].mean(), limited[finite].std()
    scaled: Floats = np.clip((limited - mean) / (sd or 1.0), -CLIP, CLIP) * finite
    return scaled


def _coded(sides: Sequence[Batch], name: str) -> Counts:
    """Return the place of each row's category among the most frequent; -1 other, -2 null."""
    texts = [labels(side, name) for side in sides]
    tally: dict[str, int] = {}
    for text in texts:
        for pair in pc.value_counts(text.drop_null()).to_pylist():
            tally[pair["values"]] = tally.get(pair["values"], 0) + pair["counts"]
    top = tuple(sorted(tally, key=lambda value: (-tally[value], value))[:CATEGORIES])
    return np.concatenate([codes(text, top) for text in texts])


def _cross_fitted(
    design: Floats, truth: Floats, folds: Counts
) -> tuple[list[float], list[float], Floats]:
    """Return each fold's AUC and its variance, and the mean coefficients."""
    aucs, variances, weights = [], [], np.zeros(design.shape[1])
    for fold in range(FOLDS):
        inside = folds != fold
        found = logistic(design[inside], truth[inside])
        scores, held = design[~inside] @ found, truth[~inside]
        auc, variance = auc_with_variance(scores[held == 0], scores[held == 1])
        aucs.append(auc)
        variances.append(variance)
        weights += found / FOLDS
    return aucs, variances, weights


def logistic(design: Floats, truth: Floats, *, ridge: float = RIDGE, steps: int = STEPS) -> Floats:
    """Return the coefficients of ridge logistic regression, the intercept (not penalised) apart.

    Minimises -log likelihood + ridge / 2 * |coefficients|^2 by steps with a fixed bound of the
    Hessian, which never overshoot and need one factorisation.
    """
    columns = np.column_stack([np.ones(truth.size), design])
    penalty = np.full(columns.shape[1], ridge)
    penalty[0] = 1e-9
    bound = linalg.cho_factor(columns.T @ columns / 4 + np.diag(penalty))
    weights = np.zeros(columns.shape[1])
    for _ in range(steps):
        gradient = columns.T @ (truth - special.expit(columns @ weights)) - penalty * weights
        step = linalg.cho_solve(bound, gradient)
        weights += step
        if np.abs(step).max() < 1e-10:
            break
    coefficients: Floats = weights[1:]
    return coefficients


def _top(weights: Floats, owners: Sequence[tuple[str, ...]]) -> str:
    """Return the five fields with the largest sums of squared coefficients, largest first."""
    power: dict[str, float] = {}
    for weight, fields in zip(weights, owners, strict=True):
        for name in fields:
            power[name] = power.get(name, 0.0) + float(weight**2) / len(fields)
    return ", ".join(sorted(power, key=lambda name: (-power[name], name))[:5])
