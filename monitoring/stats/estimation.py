"""Estimation: how well a classification does before its outcomes have arrived (CBPE).

Definition
    A row whose score lies in bin b is positive with the chance c_b (see `chances`: as logged, or
    recalibrated on the reference where that helps). A window with n_b rows in bin b then expects
    n_b c_b positives and n_b (1 - c_b) negatives there. Of these expected counts every measure is
    computed as of real ones: accuracy, precision, recall, specificity, F1 with the decisions, ROC
    AUC (rows of one bin tied) and Brier score without. Log loss is left out: it depends on where in
    the outermost bins a score lies.

    Decisions: bins above the cut are predicted positive. The cut is the declared threshold where
    it makes the decisions, else the one that gives the window's (or, without any there, the
    reference's) share of positive decisions; `parameters["cut_from"]` says which.

    Several classes: macro ROC AUC, one class against the rest. Accuracy sums over the classes the
    expected hits among as many of the highest scores as rows were predicted so, times what the
    reference reached of that (`parameters["reached"]`).

Interval and test
    The interval is where the value realised by these very rows will lie: the outcomes are drawn
    given the scores, and the chances are as uncertain as the reference is small
    (`parameters["reference_error"]`). "No change" is tested twice, against the estimate on the
    reference's own scores and against the value realised there; p_value is the larger of both.

Example
    >>> expected_auc(np.array([5, 0, 0, 5])).value
    0.875

Source
    NannyML documentation, "How it works: Confidence-based Performance Estimation"; Guillory et al.
    (2021), ICCV, on confidences under shift; Agresti, Categorical Data Analysis, 3rd ed., 16.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from monitoring.stats import chances, expected
from monitoring.stats.chances import Chances
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.expected import NO_SCORES, Expected
from monitoring.stats.findings import Finding, Parameter, undefined
from monitoring.stats.intervals import normal_finding, share_error, two_sided
from monitoring.stats.performance.classes import one_vs_rest
from monitoring.stats.performance.decisions import classification, confusion_of
from monitoring.stats.performance.means import NO_OUTCOMES
from monitoring.stats.performance.scores import ONE_CLASS, losses, roc_auc
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, Role, Task
from monitoring.stats.trust import Validity, contradiction, outside_support, validity

__all__ = [
    "Expected",
    "Fitted",
    "Validity",
    "contradiction",
    "estimate",
    "expected_auc",
    "fit",
    "outside_support",
    "unchanged",
    "validity",
]

DECIDED = ("accuracy", "precision", "recall", "specificity", "f1")
BINARY = (*DECIDED, "roc_auc", "brier")
MULTICLASS = ("accuracy", "macro_roc_auc")
NO_DECISIONS = "no decision was logged"
ELSEWHERE = "no score lies where the reference has scores"


@dataclass(frozen=True)
class Fitted:
    """What the reference teaches: chances by class, realised values, and its own estimate.

    `reached` is, of several classes, the share of the expected hits that were hits. `reason` says
    why nothing can be estimated; it is empty otherwise.
    """

    by_class: tuple[Chances, ...] = ()
    rows: tuple[Counts, ...] = ()
    realised: Mapping[str, Finding] | None = None
    own: Mapping[str, Expected] | None = None
    reached: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class _Cut:
    """Which share of each score bin is predicted positive, shape (bins,), and where from."""

    decided: Floats
    at: float
    source: str


def fit(bins: Bins, reference: Profile, *, seed: int = 0) -> Fitted:
    """Learn from the reference's scores with outcomes what `estimate` needs; once for many windows.

    `reason` is set where the reference has no outcomes, or only of one class.
    """
    scores = _by_class(bins, reference)
    if scores is None or not scores.any():
        return Fitted(reason=NO_OUTCOMES)
    if not (scores.sum(axis=2) > 0).all(axis=1).any():
        return Fitted(reason=ONE_CLASS)
    learnt = tuple(chances.learn(one, seed=seed) for one in scores)
    rows = tuple(one.sum(axis=0) for one in scores)
    begun = Fitted(learnt, rows, _realised(bins, reference, scores))
    if bins.schema.task is Task.MULTICLASS:
        begun = replace(begun, reached=_reached(bins, reference, begun))
    found = _expected(bins, begun, rows, reference, reference)
    return replace(begun, own={key: one for key, one in found.items() if isinstance(one, Expected)})


def estimate(
    bins: Bins,
    reference: Profile,
    current: Profile,
    *,
    seed: int = 0,
    fitted: Fitted | None = None,
) -> dict[str, Finding]:
    """Return the estimated measures of a window, compared with what the reference realised.

    `fitted` is `fit(bins, reference, seed=seed)` where many windows are estimated. A regression has
    none here, see `loss_estimation`.
    """
    if bins.schema.task is Task.REGRESSION:
        return {}
    names = BINARY if bins.schema.task is Task.BINARY else MULTICLASS
    known = fitted or fit(bins, reference, seed=seed)
    windows = _windows(current)
    n = max((int(rows.sum()) for rows in windows), default=0)
    reason = known.reason or ("" if n else NO_SCORES)
    if not reason and outside_support(reference, current) >= 1:
        reason = ELSEWHERE
    if reason:
        return {name: undefined(name, n=n, reason=reason) for name in names}
    said = _said(bins, known, windows, current, reference, seed)
    found = _expected(bins, known, windows, current, reference)
    return {name: _finding(name, found[name], known, n, said) for name in names}


def expected_auc(scores: Counts) -> Finding:
    """Return the expected ROC AUC of score counts, shape (bins,), whose chances are as logged.

    The interval takes the chances as exact, because no reference vouches for them.
    """
    n = int(scores.sum())
    if not n:
        return undefined("estimated_roc_auc", n=0, reason="no rows")
    centres = chances.centres(scores.size)
    exact = Chances(chances.AS_LOGGED, centres, np.arange(scores.size), scores, (0.0, 0.0))
    found = expected.area(scores, exact)
    if isinstance(found, str):
        return undefined("estimated_roc_auc", n=n, reason=found)
    error = found.outcomes**0.5
    marks = {"calibration": chances.AS_LOGGED, "outcome_error": error}
    return normal_finding("estimated_roc_auc", found.value, error, n, bounds=(0, 1), **marks)


def unchanged(
    value: float,
    window: tuple[float, int],
    own: tuple[float, float, int] | None,
    realised: Finding,
) -> float | None:
    """Return the p-value of "no change", the larger of two tests; None without a reference.

    `window` is the variance of `value` by drawing the window's rows and their number, `own` the
    estimate on the reference with its variance and rows; the variances are pooled. Like with like
    is the sharper test; but an estimate that is off on its own reference must not alarm, so the
    realised value is asked too.
    """
    if own is None or realised.value is None:
        return None
    (variance, n), (other, own_variance, m) = window, own
    pooled = (variance * n * n + own_variance * m * m) / (n + m)
    tests = [(value - other, pooled / n + pooled / m)]
    if realised.standard_error is not None:
        tests.append((value - realised.value, pooled / n + realised.standard_error**2))
    return max(
        two_sided(gap / spread**0.5) if spread > 0 else float(gap == 0) for gap, spread in tests
    )


def _by_class(bins: Bins, reference: Profile) -> Counts | None:
    scores = reference.counts.get("score")
    if scores is None or bins.schema.task is Task.REGRESSION:
        return None
    return scores.reshape(-1, 2, scores.shape[-1])


def _windows(current: Profile) -> tuple[Counts, ...]:
    scores = current.counts.get("scores")
    return () if scores is None else tuple(scores.reshape(-1, scores.shape[-1]))


def _realised(bins: Bins, reference: Profile, scores: Counts) -> dict[str, Finding]:
    table = confusion_of(bins, reference)
    if bins.schema.task is Task.MULTICLASS:
        return classification(table) | one_vs_rest(bins, reference)
    return classification(table) | {"roc_auc": roc_auc(scores[0])} | losses(reference)


def _expected(
    bins: Bins,
    known: Fitted,
    windows: tuple[Counts, ...],
    current: Profile,
    reference: Profile,
) -> dict[str, Expected | str]:
    """Return every measure of the expected counts, or the reason why there is none."""
    if bins.schema.task is Task.MULTICLASS:
        return {
            "accuracy": _accuracy_of_classes(bins, known, windows, current),
            "macro_roc_auc": expected.mean_area(known.by_class, windows),
        }
    scores, learnt = windows[0], known.by_class[0]
    found: dict[str, Expected | str] = {
        "roc_auc": expected.area(scores, learnt),
        "brier": expected.brier(scores, learnt),
    }
    cut = _cut(bins, scores, current, reference)
    for name in DECIDED:
        found[name] = expected.share(name, scores, learnt, cut.decided) if cut else NO_DECISIONS
    return found


def _cut(bins: Bins, scores: Counts, current: Profile, reference: Profile) -> _Cut | None:
    threshold = bins.schema.threshold
    if threshold is not None and bins.schema.name_of(Role.PREDICTION) is None:
        reached = (np.arange(scores.size) + 1) / scores.size - threshold
        return _Cut(np.clip(reached * scores.size, 0.0, 1.0), threshold, "declared threshold")
    for source, side in (("window decisions", current), ("reference decisions", reference)):
        made = _predicted(bins, side)
        if made.any():
            basis = scores if side is current else side.counts.get("scores", scores)
            above = expected.highest(basis, made[1] / made.sum())
            return _Cut(above, 1 - float(above.sum()) / above.size, source)
    return None


def _predicted(bins: Bins, profile: Profile) -> Counts:
    """Return how many rows were predicted to be of each class, shape (classes,)."""
    size = len(bins.schema.classes)
    made = profile.counts.get("decisions/", np.zeros((size + 1, 1), np.int64))
    counts: Counts = made[:size].sum(axis=1)
    return counts


def _hits(
    bins: Bins, known: Fitted, windows: tuple[Counts, ...], profile: Profile
) -> list[tuple[Floats, Floats]]:
    """Return by class how many rows of each bin count as predicted so, and their chances."""
    made = _predicted(bins, profile)
    return [
        (expected.highest(scores, count / max(int(made.sum()), 1)) * scores, one.values)
        for scores, one, count in zip(windows, known.by_class, made, strict=True)
    ]


def _reached(bins: Bins, reference: Profile, known: Fitted) -> tuple[float, ...]:
    """Return, by class, realised hits over expected hits of the reference."""
    table = confusion_of(bins, reference)
    hits = _hits(bins, known, known.rows, _decided_with_outcome(reference, table))
    wanted = [float((rows * chance).sum()) for rows, chance in hits]
    return tuple(
        float(hit / want) if want > 0 else 1.0
        for hit, want in zip(np.diag(table), wanted, strict=True)
    )


def _decided_with_outcome(reference: Profile, table: Counts) -> Profile:
    counts = np.append(table.sum(axis=1), 0)[:, None]
    return Profile(reference.bins, {"decisions/": counts})


def _accuracy_of_classes(
    bins: Bins, known: Fitted, windows: tuple[Counts, ...], profile: Profile
) -> Expected | str:
    n = max(int(scores.sum()) for scores in windows)
    made = int(_predicted(bins, profile).sum())
    if not made or not n:
        return NO_DECISIONS
    hits = _hits(bins, known, windows, profile)
    pairs = [
        (rows / n, np.minimum(chance * reached, 1.0))
        for (rows, chance), reached in zip(hits, known.reached, strict=True)
    ]
    value = sum(float((rows * chance).sum()) for rows, chance in pairs)
    second = sum(float((rows * chance**2).sum()) for rows, chance in pairs)
    realised = (known.realised or {})["accuracy"]
    hit_error = share_error(round(min(value, 1.0) * n), n) ** 2
    sampling = max(second - value**2, 0.0) / n
    trusted = (realised.standard_error or 0.0) ** 2
    return Expected(min(value, 1.0), max(hit_error - sampling, 0.0), trusted, sampling)


def _said(
    bins: Bins,
    known: Fitted,
    windows: tuple[Counts, ...],
    current: Profile,
    reference: Profile,
    seed: int,
) -> dict[str, Parameter]:
    """Return what every estimate says of how it was made."""
    methods = dict.fromkeys(one.method for one in known.by_class)
    said: dict[str, Parameter] = {
        "method": "CBPE",
        "calibration": ", ".join(methods),
        "ece_as_logged": max(one.ece[0] for one in known.by_class),
        "ece_isotonic": max(one.ece[1] for one in known.by_class),
        "outside_support": outside_support(reference, current),
        "reference_n": max(int(rows.sum()) for rows in known.rows),
        "seed": seed,
    }
    if bins.schema.task is Task.MULTICLASS:
        return said | {"reached": float(np.mean(known.reached)), "classes": len(known.by_class)}
    cut = _cut(bins, windows[0], current, reference)
    return said | ({"cut": cut.at, "cut_from": cut.source} if cut else {})


def _finding(
    name: str,
    found: Expected | str,
    known: Fitted,
    n: int,
    said: Mapping[str, Parameter],
) -> Finding:
    if isinstance(found, str):
        return undefined(name, n=n, reason=found, **said)
    error = (found.outcomes + found.reference) ** 0.5
    marked = {**said, "reference_error": found.reference**0.5}
    result = normal_finding(name, found.value, error, n, bounds=(0, 1), **marked)
    realised = (known.realised or {})[name]
    own = (known.own or {}).get(name)
    if realised.value is None:
        return result
    m = max(int(rows.sum()) for rows in known.rows)
    compared = (own.value, own.sampling, m) if own else None
    p_value = unchanged(found.value, (found.sampling, n), compared, realised)
    effect = found.value - realised.value
    return replace(result, p_value=p_value, baseline=realised.value, effect=effect)
