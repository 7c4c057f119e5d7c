"""Classes: performance of a model that answers with one of several classes.

Definitions
    One class against the rest: precision, recall, specificity, F1, F-beta, MCC and, where a score
    per class is logged, ROC AUC. Averages over the classes that were predicted or seen: `macro_`
    gives every class the same weight, `weighted_` its share of the outcomes, `micro_` counts all
    decisions together (and so equals accuracy). A class that was never predicted has precision 0,
    one never seen recall 0. With s_k predictions and t_k outcomes of class k, c of n right,

        R_K = (c n - sum s_k t_k) / sqrt((n^2 - sum s_k^2)(n^2 - sum t_k^2)),

    called `mcc`. Intervals: delta method with exact derivatives on the table. The AUC average's
    error is the average error, an upper bound whatever the correlation of the classes.
    Log loss (of the row's own class) and Brier score (summed over classes) are exact where their
    row-wise sums were kept; else they come from bin centres with `parameters["bin_bound"]`.

Example
    >>> averages(np.diag([5, 3, 2]))["macro_f1"].value
    1.0

Source
    Gorodkin (2004), Computational Biology and Chemistry 28:367, on R_K; Agresti, Categorical Data
    Analysis, 3rd ed., section 16.1, on the delta method; Brier (1950), Monthly Weather Review 78:1.
"""

from dataclasses import replace

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import gradient_error, normal_finding, share_finding
from monitoring.stats.performance.decisions import BETA, confusion_of, one_class
from monitoring.stats.performance.means import NO_OUTCOMES, mean_finding
from monitoring.stats.performance.scores import roc_auc
from monitoring.stats.profiles import SCORE_BINS, Profile
from monitoring.stats.reference import Bins

SMALLEST = float(np.finfo(np.float64).eps)
AVERAGED = ("precision", "recall", "f1")


def by_class(bins: Bins, profile: Profile, *, beta: float = BETA) -> dict[tuple[str, str], Finding]:
    """Return the findings of every class against the rest, by (measure, class)."""
    table, scores = confusion_of(bins, profile), class_scores(bins, profile)
    found: dict[tuple[str, str], Finding] = {}
    for place, label in enumerate(bins.schema.classes):
        one = one_class(against_rest(table, place), beta=beta)
        one["roc_auc"] = roc_auc(scores[place])
        for name, finding in one.items():
            marked = {**finding.parameters, "class": label}
            found[name, label] = replace(finding, parameters=marked)
    return found


def against_rest(table: Counts, place: int) -> Counts:
    """Return the table prediction x outcome of one class against the rest, shape (2, 2)."""
    hit, predicted, seen = table[place, place], table[place].sum(), table[:, place].sum()
    rest = table.sum() - predicted - seen + hit
    return np.array([[rest, seen - hit], [predicted - hit, hit]], np.int64)


def class_scores(bins: Bins, profile: Profile) -> Counts:
    """Return scores by class and by "is of that class", shape (classes, 2, score bins)."""
    size = len(bins.schema.classes)
    return profile.counts.get("score", np.zeros((size, 2, SCORE_BINS), np.int64))


def averages(table: Counts) -> dict[str, Finding]:
    """Return averages of precision, recall and F1, and R_K, of a table prediction x outcome."""
    n = int(table.sum())
    kept = (table.sum(axis=0) + table.sum(axis=1)) > 0
    shares = table[np.ix_(kept, kept)] / max(n, 1)
    found = {"mcc": _r_k(shares, n)}
    for name in AVERAGED:
        micro = share_finding(f"micro_{name}", int(np.trace(table)), n, reason=NO_OUTCOMES)
        found |= {micro.measure: micro}
        found |= {f"{how}_{name}": _average(name, how, shares, n) for how in ("macro", "weighted")}
    return found


def one_vs_rest(bins: Bins, profile: Profile) -> dict[str, Finding]:
    """Return the averages of the classes' ROC AUC, log loss and Brier score."""
    scores = class_scores(bins, profile)
    n = int(scores[0].sum()) if len(scores) else 0
    areas = [roc_auc(histogram) for histogram in scores]
    weights = scores[:, 1].sum(axis=1)
    exact = "labelled/log_loss" in profile.sums and n > 0
    losses = _exact_losses(profile, n) if exact else binned_losses(scores)
    return losses | {
        "macro_roc_auc": _mean_area("macro_roc_auc", areas, np.ones(len(areas))),
        "weighted_roc_auc": _mean_area("weighted_roc_auc", areas, weights.astype(np.float64)),
    }


def binned_losses(scores: Counts) -> dict[str, Finding]:
    """Return log loss and Brier score from bin centres; `scores` is (classes, 2, score bins)."""
    n, size = int(scores[:, 1].sum()), scores.shape[2]
    centres = (np.arange(size) + 0.5) / size
    edges = np.clip(np.arange(size + 1) / size, SMALLEST, 1.0)
    own, other = scores[:, 1].sum(axis=0), scores[:, 0].sum(axis=0)
    reach = np.maximum(-np.log(edges[:-1] / centres), np.log(edges[1:] / centres))
    log_loss = _binned("log_loss", own, -np.log(centres), reach, n)
    pooled = np.concatenate([own, other])
    squares = np.concatenate([(1 - centres) ** 2, centres**2])
    slack = np.concatenate([1 - centres, centres]) / size + 0.25 / size**2
    # The error takes a row's terms as if they rose and fell together: an upper bound.
    return {"log_loss": log_loss, "brier": _binned("brier", pooled, squares, slack, n)}


def _binned(measure: str, counts: Counts, terms: Floats, reach: Floats, n: int) -> Finding:
    if not n:
        return undefined(measure, n=0, reason=NO_OUTCOMES)
    value, per_row = float(counts @ terms / n), float(counts.sum() / n)
    variance = max(per_row * float(counts @ terms**2 / n) - value**2, 0.0)
    error, bound = (variance / n) ** 0.5, float(counts @ reach / n)
    return normal_finding(measure, value, error, n, bounds=(0, np.inf), bin_bound=bound)


def _exact_losses(profile: Profile, n: int) -> dict[str, Finding]:
    return {
        name: mean_finding(name, profile, name, f"{name}^2", n, bounds=(0, np.inf))
        for name in ("log_loss", "brier")
        if f"labelled/{name}" in profile.sums
    }


def _mean_area(measure: str, areas: list[Finding], weights: Floats) -> Finding:
    known = [
        (area, weight)
        for area, weight in zip(areas, weights, strict=True)
        if area.value is not None
    ]
    n = max((area.n for area in areas), default=0)
    total = sum(weight for _, weight in known)
    if not total:
        return undefined(measure, n=n, reason=areas[0].reason if areas else NO_OUTCOMES)
    value = sum(weight * (area.value or 0.0) for area, weight in known) / total
    error = sum(weight * (area.standard_error or 0.0) for area, weight in known) / total
    bound = sum(weight * float(area.parameters["bin_bound"] or 0.0) for area, weight in known)
    return normal_finding(
        measure,
        float(value),
        float(error),
        n,
        bounds=(0, 1),
        classes=len(known),
        bin_bound=float(bound / total),
    )


def _average(name: str, how: str, shares: Floats, n: int) -> Finding:
    measure = f"{how}_{name}"
    if not n:
        return undefined(measure, n=0, reason=NO_OUTCOMES)
    values, across, along, diagonal = _derivatives(name, shares)
    size, seen = len(shares), shares.sum(axis=0)
    weights = np.full(size, 1 / size) if how == "macro" else seen
    gradient = np.diag(weights * diagonal)
    gradient -= (weights * across)[:, None] + (weights * along)[None, :]
    if how == "weighted":
        gradient += values[None, :]
    error = gradient_error(shares, gradient, n)
    value = float(weights @ values)
    return normal_finding(measure, value, error, n, bounds=(0, 1), classes=size)


def _derivatives(name: str, shares: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return each class's value, and its derivative by its row, its column and its diagonal cell.

    Every measure is hit / whole: d = (d hit - value d whole) / whole.
    """
    hit, predicted, seen = np.diag(shares), shares.sum(axis=1), shares.sum(axis=0)
    by_row, by_column = {"precision": (1, 0), "recall": (0, 1), "f1": (0.5, 0.5)}[name]
    whole = by_row * predicted + by_column * seen
    inverse = np.where(whole > 0, 1 / np.where(whole > 0, whole, 1.0), 0.0)
    values = hit * inverse
    return values, by_row * values * inverse, by_column * values * inverse, inverse


def _r_k(shares: Floats, n: int) -> Finding:
    if not n:
        return undefined("mcc", n=0, reason=NO_OUTCOMES)
    predicted, seen = shares.sum(axis=1), shares.sum(axis=0)
    over, under = 1 - predicted @ predicted, 1 - seen @ seen
    if min(over, under) <= SMALLEST:
        return undefined("mcc", n=n, reason="only one class predicted or seen")
    top, root = float(np.trace(shares) - predicted @ seen), float((over * under) ** 0.5)
    gradient = (np.eye(len(shares)) - seen[:, None] - predicted[None, :]) / root
    gradient += top / root * (predicted[:, None] / over + seen[None, :] / under)
    error = gradient_error(shares, gradient, n)
    return normal_finding("mcc", top / root, error, n, bounds=(-1, 1), classes=len(shares))
