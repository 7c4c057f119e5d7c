"""What is read from what a training run recorded."""

from registry.reads.lineage import importances, run_metrics

RUN = {
    "run": {
        "metrics": {
            "auc": "0.71",
            "importance.temperature": "0.03",
            "importance.carrier": "nan",
            "importance.origin": "a lot",
        }
    }
}


def test_importances_are_told_apart_from_the_numbers_of_the_whole_model():
    assert importances(RUN) == {"temperature": 0.03}
    assert run_metrics(RUN) == {"auc": "0.71"}


def test_a_version_without_a_run_has_neither():
    for lineage in ({}, {"run": None}, {"run": {"metrics": None}}):
        assert importances(lineage) == {}
        assert run_metrics(lineage) == {}
