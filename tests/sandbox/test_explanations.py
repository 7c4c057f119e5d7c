"""Explanations of models of every format: they add up, and are those of the reference library."""

import json

import numpy as np
import pandas as pd
import pytest

from sandbox.errand import Ending, Errand
from sandbox.inside import explain
from sandbox.inside.models import Loaded
from sandbox.run import run
from tests.sandbox.test_formats import described

DRAW = np.random.default_rng(7)
N = 300
ROWS = pd.DataFrame(
    {
        "a": DRAW.normal(size=N),
        "b": DRAW.normal(size=N),
        "noise": DRAW.normal(size=N),
    }
)
LATE = (3 * ROWS["a"] + 1.5 * ROWS["b"] + DRAW.normal(size=N) > 0).astype(int)


def skops_logistic(folder):
    import skops.io
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(ROWS, LATE)
    skops.io.dump(model, folder / "model.skops")
    signed(folder, "sklearn", {"pickled_model": "model.skops"})


def skops_trees(folder):
    import skops.io
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=20).fit(ROWS, LATE)
    skops.io.dump(model, folder / "model.skops")
    signed(folder, "sklearn", {"pickled_model": "model.skops"})


def xgboost_file(folder):
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=20, n_jobs=1).fit(ROWS, LATE)
    model.save_model(folder / "model.ubj")
    facts = {"data": "model.ubj", "model_class": "xgboost.sklearn.XGBClassifier"}
    signed(folder, "xgboost", facts)


def lightgbm_file(folder):
    import lightgbm

    told = {"objective": "binary", "verbose": -1, "num_threads": 1}
    lightgbm.train(told, lightgbm.Dataset(ROWS, LATE), 20).save_model(folder / "model.lgb")
    signed(folder, "lightgbm", {"data": "model.lgb"})


def onnx_file(folder):
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(20, random_state=1).fit(ROWS.to_numpy(), LATE)
    converted = to_onnx(model, ROWS.to_numpy(np.float32), options={"zipmap": False})
    (folder / "model.onnx").write_bytes(converted.SerializeToString())
    signed(folder, "onnx", {"data": "model.onnx"})


def network_file(folder):
    from safetensors.numpy import save_file

    numbers = {"0.weight": np.array([[3.0, 1.5, 0.0]]), "0.bias": np.array([0.1])}
    save_file(numbers, folder / "model.safetensors")
    facts = {"data": "model.safetensors", "layers": ["linear", "sigmoid"]}
    signed(folder, "safetensors", facts)


def calibrated_file(folder):
    (folder / "parent").mkdir()
    xgboost_file(folder / "parent")
    told = {"form": 1, "method": "platt", "slope": 0.5, "intercept": 0.2}
    (folder / "calibration.json").write_text(json.dumps(told))
    signed(folder, "ombud_calibrated", {"map": "calibration.json", "parent": "parent"})


def pickled(folder):
    import cloudpickle  # type: ignore[import-untyped]  # it has no types
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(20, random_state=1).fit(ROWS, LATE)
    (folder / "model.pkl").write_bytes(cloudpickle.dumps(model))
    signed(folder, "sklearn", {"pickled_model": "model.pkl"})


def signed(folder, flavour, facts):
    inputs = json.dumps([{"type": "double", "name": name} for name in ROWS.columns])
    told = {"flavors": {flavour: facts}, "signature": {"inputs": inputs}}
    (folder / "MLmodel").write_text(json.dumps(told))


FORMATS = {
    "skops": (skops_logistic, "exact"),
    "skops trees": (skops_trees, "exact"),
    "xgboost": (xgboost_file, "tree"),
    "lightgbm": (lightgbm_file, "tree"),
    "onnx": (onnx_file, "exact"),
    "safetensors": (network_file, "exact"),
    "calibrated": (calibrated_file, "exact"),
    "pickle": (pickled, "tree"),
}


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.parquet"
    ROWS.assign(late=LATE).to_parquet(path)
    return path


@pytest.fixture
def asked(tmp_path):
    path = tmp_path / "asked.parquet"
    ROWS.head(5).to_parquet(path)
    return path


def told(folder, rows, **more):
    usual = {"features": list(ROWS.columns), "task": "binary", "seed": 3, "background": 40}
    return {"model": str(folder), "rows": str(rows), "allow_pickle": True} | usual | more


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_explanations_of_every_format_add_up_in_the_sandbox(tmp_path, rows, asked, name):
    make, method = FORMATS[name]
    folder = tmp_path / "model"
    folder.mkdir()
    make(folder)
    errand = Errand("explain", told(folder, rows, asked=str(asked)), (folder, rows, asked))
    outcome = run(errand)
    assert (outcome.ending, outcome.detail) == (Ending.DONE, "")
    answer = outcome.answer
    assert (answer["method"], answer["unit"], len(answer["rows"])) == (method, "share", 5), answer
    assert all(row["gap"] <= answer["tolerance"] for row in answer["rows"])
    assert run(errand).answer == answer


@pytest.mark.parametrize("name", ["onnx", "skops trees"])
def test_importance_finds_what_the_model_goes_by(tmp_path, rows, name):
    folder = tmp_path / "model"
    folder.mkdir()
    FORMATS[name][0](folder)
    more = {"outcome": "late", "positive": "1", "repeats": 3, "most": 200, "shown": 40}
    outcome = run(Errand("importance", told(folder, rows, **more), (folder, rows)))
    assert (outcome.ending, outcome.detail) == (Ending.DONE, "")
    found = outcome.answer
    assert found["loss"] == "log loss"
    for numbers in (found["shuffled"], found["sizes"]):
        by = dict(zip(found["features"], numbers, strict=True))
        assert by["a"]["value"] > by["b"]["value"] > by["noise"]["value"]
        assert by["a"]["low"] < by["a"]["value"] < by["a"]["high"]


def test_a_pickle_is_explained_only_after_approval(tmp_path, rows, asked):
    folder = tmp_path / "model"
    folder.mkdir()
    pickled(folder)
    inputs = told(folder, rows, asked=str(asked), allow_pickle=False)
    outcome = run(Errand("explain", inputs, (folder, rows, asked)))
    assert outcome.ending is Ending.REFUSED
    assert "only an approved version's is" in outcome.detail


def performed(monkeypatch, tmp_path, frame, asked, loaded, **more):
    """The same in this process, of a model that was made here."""
    for name, one in (("rows", frame), ("asked", asked)):
        one.to_parquet(tmp_path / f"{name}.parquet")
    monkeypatch.setattr(explain, "load", lambda *_, **__: loaded)
    inputs = told(tmp_path, tmp_path / "rows.parquet", asked=str(tmp_path / "asked.parquet"))
    inputs |= {"features": list(frame.columns)} | more
    return explain.perform(inputs, tmp_path)


def numbers_of(answer):
    return np.array([row["contributions"] for row in answer["rows"]])


def test_exact_values_are_those_of_the_reference_library(monkeypatch, tmp_path):
    import shap
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(ROWS, LATE)
    loaded = Loaded("sklearn", model, (), model.predict, model.predict_proba)
    mine = performed(monkeypatch, tmp_path, ROWS, ROWS.head(4), loaded)
    usual = ROWS.iloc[np.linspace(0, N - 1, 40).astype(int)]
    masker = shap.maskers.Independent(usual, max_samples=40)
    theirs = shap.explainers.Exact(lambda x: model.predict_proba(x)[:, 1], masker)(ROWS.head(4))
    assert mine["method"] == "exact"
    np.testing.assert_allclose(numbers_of(mine), theirs.values, atol=1e-9)


def test_a_linear_regression_is_explained_in_closed_form(monkeypatch, tmp_path):
    import shap
    from sklearn.linear_model import LinearRegression

    target = 3 * ROWS["a"] - ROWS["b"]
    model = LinearRegression().fit(ROWS, target)
    loaded = Loaded("sklearn", model, (), model.predict, None)
    mine = performed(
        monkeypatch, tmp_path, ROWS, ROWS.head(4), loaded, task="regression", background=N
    )
    theirs = shap.LinearExplainer(
        model, shap.maskers.Independent(ROWS.to_numpy(), max_samples=N)
    ).shap_values(ROWS.head(4).to_numpy())
    assert (mine["method"], mine["unit"]) == ("linear", "answer")
    np.testing.assert_allclose(numbers_of(mine), theirs, atol=1e-9)


def many(n):
    draw = np.random.default_rng(11)
    return pd.DataFrame({f"x{k}": draw.normal(size=80) for k in range(n)})


def test_sampled_values_come_near_the_exact_ones_and_say_how_near(monkeypatch, tmp_path):
    frame = many(8)

    def chances(rows):
        x = rows.to_numpy()
        return 1 / (1 + np.exp(-(x[:, 0] * x[:, 1] + 2 * x[:, 2])))

    loaded = Loaded("onnx", None, (), lambda r: chances(r) > 0.5, chances)
    exact = performed(monkeypatch, tmp_path, frame, frame.head(6), loaded)
    monkeypatch.setattr("sandbox.inside.shapley.MOST_EXACT", 7)
    drawn = performed(monkeypatch, tmp_path, frame, frame.head(6), loaded)
    assert (exact["method"], drawn["method"]) == ("exact", "permutation")
    errors = np.array([row["errors"] for row in drawn["rows"]])
    gaps = np.abs(numbers_of(drawn) - numbers_of(exact))
    assert gaps.max() < 0.05
    assert (gaps[:, 3:] < 1e-12).all(), "what the answer does not depend on has no share in it"
    assert np.sqrt((gaps**2).mean()) < 2 * np.sqrt((errors**2).mean())
    assert max(row["gap"] for row in drawn["rows"]) < 1e-9
    alone = performed(monkeypatch, tmp_path, frame, frame[2:3], loaded)
    assert alone["rows"][0] == drawn["rows"][2], "a row's draw does not depend on its company"


def test_texts_and_booleans_are_explained_too(monkeypatch, tmp_path):
    frame = pd.DataFrame(
        {"carrier": ["AA", "UA", None] * 30, "wet": [True, False] * 45, "n": range(90)}
    )

    def chances(rows):
        assert rows["wet"].dtype == bool
        assert rows["n"].dtype.kind == "i"
        by = rows["carrier"].map({"AA": 0.5, "UA": 0.2}).fillna(0.1).to_numpy(float)
        return by + 0.3 * rows["wet"].to_numpy()

    loaded = Loaded("onnx", None, (), lambda r: chances(r) > 0.5, chances)
    found = performed(monkeypatch, tmp_path, frame, frame.head(2), loaded, background=90)
    np.testing.assert_allclose(
        numbers_of(found), [[0.5 - 0.8 / 3, 0.15, 0], [0.2 - 0.8 / 3, -0.15, 0]], atol=1e-9
    )


def test_a_draw_over_texts_does_not_depend_on_its_company(monkeypatch, tmp_path):
    frame = many(8).assign(carrier=["AA", "UA", "B6", None] * 20, n=range(80))

    def chances(rows):
        by = rows["carrier"].map({"AA": 0.4, "UA": 0.2, "B6": 0.3}).fillna(0.1).to_numpy(float)
        return by / (1 + np.exp(-rows["x0"].to_numpy(float) * rows["n"].to_numpy(float)))

    loaded = Loaded("onnx", None, (), lambda r: chances(r) > 0.5, chances)
    asked = pd.concat([frame.head(3), frame.head(1).assign(carrier="ZZ", n=np.nan)])
    together = performed(monkeypatch, tmp_path, frame, asked, loaded)
    alone = performed(monkeypatch, tmp_path, frame, frame[1:2], loaded)
    assert together["method"] == "permutation"
    assert (alone["rows"][0], alone["background"]) == (together["rows"][1], together["background"])


def test_every_row_of_many_classes_is_explained_for_its_own_class(monkeypatch, tmp_path):
    from sklearn.linear_model import LogisticRegression

    three = np.digitize(ROWS["a"], [-0.5, 0.5])
    model = LogisticRegression().fit(ROWS, three)
    loaded = Loaded("sklearn", model, (), model.predict, model.predict_proba)
    found = performed(monkeypatch, tmp_path, ROWS, ROWS.head(9), loaded, task="multiclass")
    chances = model.predict_proba(ROWS.head(9))
    assert [row["class"] for row in found["rows"]] == chances.argmax(axis=1).tolist()
    np.testing.assert_allclose([row["answer"] for row in found["rows"]], chances.max(axis=1))


def test_a_model_that_answers_the_same_row_differently_does_not_add_up(monkeypatch, tmp_path):
    draw = np.random.default_rng(5)
    loaded = Loaded("onnx", None, (), lambda r: r["a"] > 0, lambda r: draw.uniform(size=len(r)))
    found = performed(monkeypatch, tmp_path, ROWS, ROWS.head(3), loaded)
    assert min(row["gap"] for row in found["rows"]) > found["tolerance"]


def test_classes_without_chances_are_refused_in_words(monkeypatch, tmp_path):
    from sandbox.inside.models import ModelRefused

    loaded = Loaded("sklearn", None, (), lambda r: r["a"] > 0, None)
    with pytest.raises(ModelRefused, match="without chances"):
        performed(monkeypatch, tmp_path, ROWS, ROWS.head(3), loaded)


def test_a_damaged_map_or_one_that_falls_is_not_opened(tmp_path, rows, asked):
    folder = tmp_path / "model"
    folder.mkdir()
    calibrated_file(folder)
    for bad, words in (
        ({"form": 2}, "another form"),
        ({"form": 1, "method": "magic"}, "knows no method"),
        ({"form": 1, "method": "platt", "slope": -1, "intercept": 0}, "below zero"),
        ({"form": 1, "method": "isotonic", "scores": [0, 1], "chances": [1, 0]}, "do not rise"),
    ):
        (folder / "calibration.json").write_text(json.dumps(bad))
        outcome = run(
            Errand("explain", told(folder, rows, asked=str(asked)), (folder, rows, asked))
        )
        assert outcome.ending is Ending.REFUSED
        assert words in outcome.detail
    described(folder, "ombud_calibrated", {"map": "calibration.json", "parent": "."})
    (folder / "calibration.json").write_text(
        json.dumps({"form": 1, "method": "platt", "slope": 1, "intercept": 0})
    )
    outcome = run(Errand("explain", told(folder, rows, asked=str(asked)), (folder, rows, asked)))
    assert "its own parent" in outcome.detail
