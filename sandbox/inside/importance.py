"""Global importance: what the answers of a model rest on, over rows of its reference.

Definition
    Permutation importance of a feature: how much larger the mean loss is when its values are
    shuffled among the rows, mean over repeats; without outcomes, how far the answers move. The
    interval is of the mean over rows (normal, 95 %). Mean |SHAP| is the mean size of its
    contributions to single answers (see `shapley`), with the same interval.

Source
    Breiman (2001), Machine Learning 45:5; Fisher, Rudin and Dominici (2019), JMLR 20:177.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sandbox.inside.answers import BINARY, REGRESSION, Answers, answers_to, features_of
from sandbox.inside.explain import plain, prepared, told
from sandbox.inside.models import load
from sandbox.inside.shapley import Floats

Z = 1.959963984540054
TINY = 1e-12


def perform(inputs: dict[str, Any], work: Path) -> dict[str, Any]:  # noqa: ARG001 - as all
    """`model`, `rows`, `features`, `outcome` (or none), `positive`, `task`, `seed`, `repeats`."""
    model = load(Path(inputs["model"]), allow_pickle=bool(inputs.get("allow_pickle")))
    rows = pd.read_parquet(inputs["rows"])
    names = features_of(model, list(inputs["features"]), rows)
    rows = _some(rows, int(inputs["most"]))
    answers, background = prepared(model, rows, rows, names, inputs)
    shown = answers.coding.numbers(_some(rows, int(inputs["shown"]))[names])
    local = told(model, answers, shown, background, inputs)
    shuffled = _shuffled(answers, rows, names, inputs)
    return {**local, **shuffled, **_sizes(local), "looked_at": len(rows)}


def _some(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most so many rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows.iloc[np.linspace(0, len(rows) - 1, most).astype(int)].reset_index(drop=True)


def _sizes(local: dict[str, Any]) -> dict[str, Any]:
    parts = [[abs(one or 0.0) for one in row["contributions"]] for row in local["rows"]]
    return {"sizes": [_mean(np.array(one)) for one in zip(*parts, strict=True)]}


def _mean(values: Floats) -> dict[str, Any]:
    mean = float(values.mean())
    half = Z * float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return {"value": plain(mean), "low": plain(mean - half), "high": plain(mean + half)}


def _shuffled(
    answers: Answers, rows: pd.DataFrame, names: list[str], inputs: Any
) -> dict[str, Any]:
    """How much worse (or other) the answers are with each feature shuffled."""
    coding = answers.coding
    numbers = coding.numbers(rows[names])
    loss, words = _loss(answers, rows, inputs)
    before = loss(coding.frame(numbers))
    draw = np.random.default_rng(int(inputs["seed"]))
    found = []
    for k in range(len(names)):
        more = np.zeros(len(rows))
        for _ in range(int(inputs["repeats"])):
            other = numbers.copy()
            other[:, k] = draw.permutation(other[:, k])
            more += loss(coding.frame(other)) - before
        found.append(_mean(more / int(inputs["repeats"])))
    return {"loss": words, "usual_loss": plain(float(before.mean())), "shuffled": found}


def _loss(answers: Answers, rows: pd.DataFrame, inputs: Any) -> tuple[Any, str]:
    """The loss of each row as a function of a frame, and its name."""
    model, task, outcome = answers.model, inputs["task"], inputs.get("outcome")
    if not outcome or outcome not in rows.columns or rows[outcome].isna().any():
        asked = answers.coding.numbers(rows[list(answers.coding.columns)])
        usual = answers.of(asked)
        return lambda f: np.abs(answers_to(model, f, task) - usual).max(axis=1), "change of answer"
    if task == REGRESSION:
        truth = rows[outcome].to_numpy(float)
        return lambda f: np.abs(answers_to(model, f, task)[:, 0] - truth), "absolute error"
    truth = np.array([_spelled(one) for one in rows[outcome]], object)
    if task == BINARY:
        yes = (truth == str(inputs["positive"])).astype(float)
        return lambda f: _log_loss(answers_to(model, f, task)[:, 0], yes), "log loss"
    return lambda f: _wrong(model.predict(f), truth), "error rate"


def _log_loss(chance: Floats, yes: Floats) -> Floats:
    kept = np.clip(chance, TINY, 1 - TINY)
    return np.asarray(-(yes * np.log(kept) + (1 - yes) * np.log(1 - kept)), np.float64)


def _wrong(said: Any, truth: Any) -> Floats:
    return np.array([_spelled(one) != true for one, true in zip(said, truth, strict=True)], float)


def _spelled(value: Any) -> str:
    """As columns are counted: true and 1 are both "1"."""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
