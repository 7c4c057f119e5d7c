"""The domain classifier equals scikit-learn's regression and keeps its level."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from monitoring.stats import multivariate

RNG = np.random.default_rng(4)


def table(n, correlation=0.0):
    x = RNG.normal(size=n)
    y = correlation * x + (1 - correlation**2) ** 0.5 * RNG.normal(size=n)
    return pa.table({"x": x, "y": y, "z": RNG.normal(size=n), "c": RNG.choice(["a", "b"], n)})


def classified(one, two):
    return multivariate.domain_classifier(one, two, numeric=["x", "y", "z"], categorical=["c"])


def test_a_change_of_correlation_alone_is_found_and_its_fields_are_named():
    found = classified(table(2_000), table(2_000, 0.6))
    assert found.value > 0.55
    assert found.p_value < 1e-6
    assert set(found.parameters["top"].split(", ")[:2]) == {"x", "y"}


def test_windows_without_change_keep_the_level():
    alarms = sum(classified(table(300), table(300)).p_value <= 0.05 for _ in range(100))
    assert alarms <= stats.binom.ppf(0.9999, 100, 0.05)


def test_coefficients_and_auc_equal_scikit_learns():
    design, truth = RNG.normal(size=(800, 4)), (RNG.random(800) < 0.4).astype(float)
    wanted = LogisticRegression(C=1 / 20, tol=1e-12, max_iter=1_000).fit(design, truth).coef_[0]
    found = multivariate.logistic(design, truth, steps=1_000)
    assert found == pytest.approx(wanted, abs=1e-6)
    scores = (design @ found).round(1)
    auc, variance = multivariate.auc_with_variance(scores[truth == 0], scores[truth == 1])
    assert auc == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert 0 < variance < 0.01


def test_few_or_constant_rows_have_a_reason():
    flat = pa.table({"x": np.ones(100), "y": pa.nulls(100), "z": np.full(100, np.inf)})
    found = multivariate.domain_classifier(flat, flat, numeric=["x", "y", "z"])
    assert found.reason == "no field varies"
    assert classified(table(3), table(300)).reason == "fewer than 50 rows on one side"
