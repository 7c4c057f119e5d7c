"""Estimation before outcomes, against scikit-learn with expected counts as weights."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from monitoring.stats.estimation import expected_auc


def test_the_expected_auc_is_that_of_expected_counts() -> None:
    scores = np.random.default_rng(1).integers(0, 30, 1000)
    chance = (np.arange(1000) + 0.5) / 1000
    truth = np.r_[np.ones(1000), np.zeros(1000)]
    weights = np.r_[scores * chance, scores * (1 - chance)]
    oracle = roc_auc_score(truth, np.r_[chance, chance], sample_weight=weights)
    assert expected_auc(scores).value == pytest.approx(oracle, abs=1e-9)


def test_a_window_without_rows_has_no_estimate() -> None:
    found = expected_auc(np.zeros(1000, np.int64))
    assert found.value is None
    assert found.reason == "no rows"
