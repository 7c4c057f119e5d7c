"""Performance of several classes equals scikit-learn, class by class and on average."""

import numpy as np
import pytest
from sklearn import metrics

from monitoring.stats import performance
from monitoring.stats.performance.classes import against_rest, binned_losses
from monitoring.stats.profiles import Profile, empty
from monitoring.stats.reference import Bins, Schema, Task
from tests.stats.test_stability import assert_defined

CLASSES = ("cat", "dog", "fox", "owl")
BINS = Bins(Schema(Task.MULTICLASS, (), classes=CLASSES))


def answers(n, seed, size=4):
    rng = np.random.default_rng(seed)
    truth = rng.choice(size, n, p=np.arange(1, size + 1) / (size * (size + 1) / 2))
    chances = rng.dirichlet(np.ones(size), n) + 0.8 * np.eye(size)[truth]
    return truth, chances / chances.sum(axis=1, keepdims=True)


def table_of(truth, answer, size=4):
    return np.bincount(answer * size + truth, minlength=size * size).reshape(size, size)


def profile_of(truth, chances):
    size = chances.shape[1]
    cube = np.zeros((size + 1, size + 1, 1), np.int64)
    cube[:size, :size, 0] = table_of(truth, chances.argmax(axis=1), size)
    edges = np.linspace(0, 1, 1_001)
    scores = np.array(
        [
            [np.histogram(chances[(truth == k) == own, k], edges)[0] for own in (False, True)]
            for k in range(size)
        ]
    )
    labelled = np.array([truth.size])
    return Profile(BINS.digest, {"cube/": cube, "score": scores, "labelled": labelled})


@pytest.fixture(scope="module")
def rows():
    return answers(3_000, 1)


@pytest.fixture(scope="module")
def found(rows):
    return performance.performance(BINS, profile_of(*rows))


@pytest.mark.parametrize("how", ["macro", "micro", "weighted"])
def test_averages_equal_scikit_learn(rows, found, how):
    truth, answer = rows[0], rows[1].argmax(axis=1)
    wanted = metrics.precision_recall_fscore_support(truth, answer, average=how)
    for name, value in zip(("precision", "recall", "f1"), wanted, strict=False):
        one = found[f"{how}_{name}"]
        assert one.value == pytest.approx(value, abs=1e-12)
        assert one.low < value < one.high


def test_the_multiclass_mcc_equals_scikit_learn(rows, found):
    wanted = metrics.matthews_corrcoef(rows[0], rows[1].argmax(axis=1))
    assert found["mcc"].value == pytest.approx(wanted, abs=1e-12)


def test_each_class_against_the_rest_equals_scikit_learn(rows):
    truth, answer = rows[0], rows[1].argmax(axis=1)
    found = performance.by_class(BINS, profile_of(*rows))
    wanted = metrics.precision_recall_fscore_support(truth, answer)
    for place, label in enumerate(CLASSES):
        for name, values in zip(("precision", "recall", "f1"), wanted, strict=False):
            assert found[name, label].value == pytest.approx(values[place], abs=1e-12)
            assert found[name, label].parameters["class"] == label
        raw = metrics.roc_auc_score(truth == place, rows[1][:, place])
        area = found["roc_auc", label]
        assert abs(area.value - raw) <= area.parameters["bin_bound"]


def test_the_average_auc_is_scikit_learns_within_the_bound(rows, found):
    for how in ("macro", "weighted"):
        wanted = metrics.roc_auc_score(rows[0], rows[1], multi_class="ovr", average=how)
        one = found[f"{how}_roc_auc"]
        assert abs(one.value - wanted) <= one.parameters["bin_bound"]
        assert one.low < wanted < one.high


def test_losses_from_bins_are_within_their_bound(rows, found):
    truth, chances = rows
    wanted = metrics.log_loss(truth, chances)
    one = found["log_loss"]
    assert abs(one.value - wanted) <= one.parameters["bin_bound"]
    brier = ((chances - np.eye(4)[truth]) ** 2).sum(axis=1).mean()
    assert abs(found["brier"].value - brier) <= found["brier"].parameters["bin_bound"]


@pytest.mark.parametrize("name", ["macro_f1", "weighted_f1", "macro_precision", "mcc"])
def test_standard_errors_equal_those_of_simulation(name):
    shares = np.array([[30, 4, 6], [3, 20, 5], [2, 6, 24]]) / 100
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(800, shares.ravel(), size=1_500).reshape(-1, 3, 3)
    values = [performance.averages(table)[name].value for table in drawn]
    one = performance.averages(np.rint(800 * shares).astype(np.int64))[name]
    assert one.standard_error == pytest.approx(np.std(values), rel=0.08)


def test_a_class_never_predicted_has_no_precision_and_counts_as_zero():
    table = np.array([[5, 2, 1], [1, 6, 2], [0, 0, 0]])
    rest = against_rest(table, 2)
    assert performance.classification(rest)["precision"].reason == "nothing predicted true"
    answer, truth = (np.repeat(axis.ravel(), table.ravel()) for axis in np.indices(table.shape))
    wanted = metrics.precision_score(truth, answer, average="macro", zero_division=0)
    assert performance.averages(table)["macro_precision"].value == pytest.approx(wanted, abs=1e-12)


def test_a_class_neither_predicted_nor_seen_is_left_out():
    table = np.diag([5, 4, 0])
    one = performance.averages(table)["macro_f1"]
    assert (one.value, one.parameters["classes"]) == (1.0, 2)


def test_one_class_alone_has_no_mcc_and_no_auc():
    truth, chances = answers(200, 3)
    kept = truth == 2
    found = performance.performance(BINS, profile_of(truth[kept], chances[kept]))
    assert found["mcc"].value is None
    assert found["macro_roc_auc"].value is None
    assert found["macro_roc_auc"].reason == performance.ONE_CLASS
    for one in found.values():
        assert_defined(one)
    table = np.zeros((3, 3), np.int64)
    table[1, 1] = 50
    assert performance.averages(table)["mcc"].reason == "only one class predicted or seen"


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows_give_reasons_or_numbers(rows):
    profile = profile_of(*answers(rows, 0))
    for one in performance.performance(BINS, profile).values():
        assert_defined(one)
    for one in performance.by_class(BINS, profile).values():
        assert_defined(one)


def test_without_outcomes_nothing_is_claimed():
    found = performance.performance(BINS, empty(BINS))
    assert all(one.value is None and one.reason for one in found.values())


def test_many_classes_stay_quick_and_defined():
    rng = np.random.default_rng(2)
    table = rng.integers(0, 5, (200, 200))
    found = performance.averages(table)
    assert found["macro_f1"].low < found["macro_f1"].value < found["macro_f1"].high
    assert binned_losses(np.zeros((200, 2, 1_000), np.int64))["log_loss"].value is None
