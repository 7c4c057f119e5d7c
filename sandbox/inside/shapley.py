"""Shapley values: how much each feature moved an answer away from the usual one.

Definition
    v(S) is the mean answer over background rows whose features in S are those of the explained row
    ("interventional"). The contribution of a feature is its mean difference to v over all orders in
    which features can be put in. Contributions and base (the mean answer over the background) add
    up to the answer. Units: those of the answer; chances as shares of one.

Methods
    tree: shap's TreeExplainer, exact, for forests and boosted trees alone, over numbers.
    linear: closed form, for linear regressions.
    exact: all 2^d sets of features, for at most 8 features.
    permutation: orders drawn with a seed, each with its reverse; errors are over the pairs.

Source
    Lundberg and Lee (2017), NeurIPS 30; Štrumbelj and Kononenko (2014), Knowl. Inf. Syst. 41:647;
    Lundberg et al. (2020), Nature Machine Intelligence 2:56.
"""

import hashlib
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any, cast

import numpy as np

from sandbox.inside.answers import Answers
from sandbox.inside.models import Loaded

Floats = np.ndarray[Any, np.dtype[np.float64]]
Explain = Callable[[Any, Floats, Floats, Answers, int], "Found"]
MOST_EXACT = 8
PAIRS = 6
AT_ONCE = 50_000
# Not HistGradientBoosting: what shap 0.51 says of it does not add up to its answers.
TREES = frozenset(
    f"{name}{kind}"
    for kind in ("Classifier", "Regressor")
    for name in (
        "XGB",
        "LGBM",
        "RandomForest",
        "ExtraTrees",
        "DecisionTree",
        "GradientBoosting",
    )
) | {"Booster"}
LINEAR = frozenset({"LinearRegression", "Ridge", "Lasso", "ElasticNet"})


@dataclass(frozen=True)
class Found:
    """Contributions (rows × features × answers), their errors, and how they were computed."""

    method: str
    contributions: Floats
    errors: Floats
    base: Floats
    note: str = ""


def explained(
    model: Loaded, rows: Floats, background: Floats, answers: Answers, seed: int
) -> Found:
    """The contributions of every feature to each row's answers.

    Args:
        rows: coded rows (see `answers.Coding`), rows × features.
        background: what "usual" is, rows × features.
        seed: for the orders that are drawn, where orders are drawn.
    """
    kind = type(model.estimator).__name__
    note = ""
    if kind in TREES and answers.coding.numeric:
        try:
            return _by_trees(model.estimator, rows, background, answers)
        except Exception as error:  # an explainer that does not know this kind of tree
            note = f"TreeExplainer does not take it ({type(error).__name__}), so it was sampled."
    if kind in LINEAR and answers.coding.numeric:
        return _linear(model.estimator, rows, background)
    if rows.shape[1] <= MOST_EXACT:
        return _exact(rows, background, answers, note)
    return _by_orders(rows, background, answers, seed, note)


def _by_trees(estimator: Any, rows: Floats, background: Floats, answers: Answers) -> Found:
    shap = _library()
    coding = answers.coding
    output = "raw" if answers.regression else "probability"
    explainer = shap.TreeExplainer(
        estimator,
        data=coding.frame(background),
        feature_perturbation="interventional",
        model_output=output,
    )
    found = np.asarray(explainer.shap_values(coding.frame(rows), check_additivity=False), float)
    base = np.atleast_1d(np.asarray(explainer.expected_value, float))
    found = found[:, :, None] if found.ndim == 2 else found
    k = answers.many
    return Found("tree", found[:, :, -k:], np.zeros_like(found[:, :, -k:]), base[-k:])


def _library() -> Any:
    """shap without its plots: to look for fonts is to start a program, which nothing may here."""
    sys.modules.setdefault("matplotlib", cast("Any", None))
    return importlib.import_module("shap")


def _linear(estimator: Any, rows: Floats, background: Floats) -> Found:
    weights = np.asarray(estimator.coef_, float).reshape(-1)
    usual = background.mean(axis=0)
    found = ((rows - usual) * weights)[:, :, None]
    base = np.atleast_1d(usual @ weights + float(np.asarray(estimator.intercept_).reshape(-1)[0]))
    return Found("linear", found, np.zeros_like(found), base)


def _exact(rows: Floats, background: Floats, answers: Answers, note: str) -> Found:
    d = rows.shape[1]
    sets = [set(chosen) for size in range(d + 1) for chosen in combinations(range(d), size)]
    place = {frozenset(one): n for n, one in enumerate(sets)}
    masks = np.array([[k in one for k in range(d)] for one in sets], bool)
    weights = [factorial(s) * factorial(d - s - 1) / factorial(d) for s in range(d)]
    found = np.zeros((len(rows), d, answers.many))
    for n, row in enumerate(rows):
        worth = _worth(row, masks, background, answers)
        for k in range(d):
            for one in sets:
                if k not in one:
                    gain = worth[place[frozenset(one | {k})]] - worth[place[frozenset(one)]]
                    found[n, k] += weights[len(one)] * gain
    base = answers.of(background).mean(axis=0)
    return Found("exact", found, np.zeros_like(found), base, note)


def _by_orders(rows: Floats, background: Floats, answers: Answers, seed: int, note: str) -> Found:
    d = rows.shape[1]
    found = np.zeros((len(rows), d, answers.many))
    errors = np.zeros_like(found)
    for n, row in enumerate(rows):
        draw = np.random.default_rng([seed, *_bits(row, answers)])
        orders = [draw.permutation(d) for _ in range(PAIRS)]
        walked = [one for order in orders for one in (order, order[::-1])]
        each = np.stack([_walk(row, order, background, answers) for order in walked])
        pairs = each.reshape(PAIRS, 2, d, answers.many).mean(axis=1)
        found[n] = pairs.mean(axis=0)
        errors[n] = pairs.std(axis=0, ddof=1) / PAIRS**0.5
    return Found("permutation", found, errors, answers.of(background).mean(axis=0), note)


def _bits(row: Floats, answers: Answers) -> list[int]:
    """The row as whole numbers, so that its draw does not depend on the rows beside it."""
    text = answers.coding.spelled(row[None])
    return [int(one) for one in np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint32)]


def _walk(row: Floats, order: Any, background: Floats, answers: Answers) -> Floats:
    """What each feature adds when features are put in one after the other."""
    d = len(order)
    masks = np.zeros((d + 1, d), bool)
    for step, k in enumerate(order):
        masks[step + 1 :, k] = True
    steps = np.diff(_worth(row, masks, background, answers), axis=0)
    found = np.empty_like(steps)
    found[order] = steps
    return found


def _worth(row: Floats, masks: Any, background: Floats, answers: Answers) -> Floats:
    """v(S) for each set of features: sets × answers."""
    at_once = max(1, AT_ONCE // len(background))
    found = []
    for start in range(0, len(masks), at_once):
        some = masks[start : start + at_once]
        mixed = np.where(some[:, None, :], row, background)
        values = answers.of(mixed.reshape(-1, mixed.shape[2]))
        found.append(values.reshape(len(some), len(background), -1).mean(axis=1))
    return np.concatenate(found)
