"""Models of every known format answer inside the sandbox as they do outside; others stay closed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sandbox.errand import Ending, Errand
from sandbox.run import run

ROWS = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60.0) % 7})
LATE = (ROWS["a"] > 30).astype(int)


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.parquet"
    ROWS.to_parquet(path)
    return path


def described(folder: Path, flavour: str, facts: dict[str, Any]) -> Path:
    """`MLmodel` as MLflow writes it."""
    inputs = json.dumps([{"type": "double", "name": name} for name in ROWS.columns])
    told = {"flavors": {flavour: facts}, "signature": {"inputs": inputs}}
    (folder / "MLmodel").write_text(json.dumps(told))
    return folder


def skops_model(folder):
    import skops.io
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(ROWS, LATE)
    skops.io.dump(model, folder / "model.skops")
    described(folder, "sklearn", {"pickled_model": "model.skops"})
    return model.predict_proba(ROWS)[:, 1]


def trees_in_skops(folder):
    import skops.io
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=5).fit(ROWS, LATE)
    skops.io.dump(model, folder / "model.skops")
    described(folder, "sklearn", {"pickled_model": "model.skops"})
    return model.predict_proba(ROWS)[:, 1]


def calibrated(folder):
    """As a recalibration leaves it: the same trees, other chances."""
    import skops.io
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.frozen import FrozenEstimator

    trees = HistGradientBoostingClassifier(max_iter=5).fit(ROWS, LATE)
    model = CalibratedClassifierCV(FrozenEstimator(trees), method="sigmoid").fit(ROWS, LATE)
    skops.io.dump(model, folder / "model.skops")
    described(folder, "sklearn", {"pickled_model": "model.skops"})
    return model.predict_proba(ROWS)[:, 1]


def xgboost_file(folder):
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(ROWS, LATE)
    model.save_model(folder / "model.ubj")
    facts = {"data": "model.ubj", "model_class": "xgboost.sklearn.XGBClassifier"}
    described(folder, "xgboost", facts)
    return model.predict_proba(ROWS)[:, 1]


def lightgbm_file(folder):
    import lightgbm

    model = lightgbm.train(
        {"objective": "binary", "verbose": -1, "num_threads": 1}, lightgbm.Dataset(ROWS, LATE), 5
    )
    model.save_model(folder / "model.lgb")
    described(folder, "lightgbm", {"data": "model.lgb"})
    return model.predict(ROWS)


def onnx_file(folder):
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(ROWS.to_numpy(), LATE)
    converted = to_onnx(model, ROWS.to_numpy(np.float32), options={"zipmap": False})
    (folder / "model.onnx").write_bytes(converted.SerializeToString())
    described(folder, "onnx", {"data": "model.onnx"})
    return model.predict_proba(ROWS.to_numpy())[:, 1]


def network_in_safetensors(folder):
    """scikit-learn's network after its scaler, written as PyTorch's `Sequential` would be."""
    from safetensors.numpy import save_file
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=50, random_state=1))
    scaler, net = model.fit(ROWS, LATE)[0], model[1]
    numbers = {"0.mean": scaler.mean_, "0.scale": scaler.scale_}
    for place, weight, bias in zip((1, 3), net.coefs_, net.intercepts_, strict=True):
        numbers |= {f"{place}.weight": weight.T.copy(), f"{place}.bias": bias}
    save_file(numbers, folder / "model.safetensors")
    layers = ["standardise", "linear", "relu", "linear", "sigmoid"]
    described(folder, "safetensors", {"data": "model.safetensors", "layers": layers})
    return model.predict_proba(ROWS)[:, 1]


@pytest.mark.parametrize(
    ("make", "close"),
    [
        (skops_model, 1e-12),
        (trees_in_skops, 1e-12),
        (calibrated, 1e-12),
        (xgboost_file, 0.0),
        (lightgbm_file, 0.0),
        (onnx_file, 1e-5),
        (network_in_safetensors, 1e-12),
    ],
)
def test_a_model_answers_in_the_sandbox_as_it_does_outside(tmp_path, rows, make, close):
    folder, work = tmp_path / "model", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    expected = make(folder)
    told = {"model": str(folder), "rows": str(rows)}
    outcome = run(Errand("predict", told, (folder, rows), writable=work))
    assert (outcome.ending, outcome.detail) == (Ending.DONE, "")
    assert all(outcome.layers.values())
    answers = pd.read_parquet(work / "answers.parquet")
    assert np.abs(answers["probability_1"] - expected).max() <= close
    assert len(answers) == 60


def test_golden_inputs_are_answered_the_same_twice(tmp_path, rows):
    folder = tmp_path / "model"
    folder.mkdir()
    skops_model(folder)
    told = {"model": str(folder), "rows": str(rows)}
    answers = [run(Errand("replay", told, (folder, rows))).answer["outputs"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(answers[0]["probability_1"]) == 60


def refusal(folder, rows, **told):
    given = {"model": str(folder), "rows": str(rows)} | told
    outcome = run(Errand("predict", given, (folder, rows)))
    assert outcome.ending is Ending.REFUSED, outcome
    return outcome.detail


def test_what_is_not_opened_says_why(tmp_path, rows):
    import pickle

    import skops.io

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no file MLmodel" in refusal(empty, rows)
    assert "known are onnx" in refusal(described(empty, "spacy", {}), rows)
    outside = described(empty, "sklearn", {"pickled_model": "../../../etc/passwd"})
    assert "not there" in refusal(outside, rows)
    unknown = {"data": "model.safetensors", "layers": ["lstm"]}
    (empty / "model.safetensors").write_bytes(b"{}")
    assert "not known: lstm" in refusal(described(empty, "safetensors", unknown), rows)
    (empty / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    pickled = described(empty, "sklearn", {"pickled_model": "model.pkl"})
    assert "only an approved version's is" in refusal(pickled, rows)
    (empty / "model.skops").write_bytes(pickle.dumps({"a": 1}))
    disguised = described(empty, "sklearn", {"pickled_model": "model.skops"})
    assert "only an approved version's is" in refusal(disguised, rows)
    skops.io.dump(Path, empty / "odd.skops")
    odd = described(empty, "sklearn", {"pickled_model": "odd.skops"})
    assert "nobody has reviewed" in refusal(odd, rows)


def test_a_column_that_is_missing_is_named(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    skops_model(folder)
    path = tmp_path / "narrow.parquet"
    ROWS[["a"]].to_parquet(path)
    assert "lack what the model asks for: b" in refusal(folder, path)


def test_a_task_is_one_of_the_table():
    with pytest.raises(ValueError, match="There is no task"):
        Errand("os.system")
