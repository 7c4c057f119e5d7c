"""The answers of champion and challenger to the same rows, which neither was trained on."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sandbox.inside.entry import say
from sandbox.inside.models import load

ANSWERS = "answers.parquet"


def perform(inputs: dict[str, Any], work: Path) -> dict[str, Any]:
    """Write `place`, and of each of both `…_answer` and where it gives chances `…_score`."""
    about = pd.read_parquet(inputs["table"])
    features = pd.read_parquet(inputs["features"])
    chosen = about["part"].isin(["hold_out", "latest"]).to_numpy()
    found = pd.DataFrame({"place": np.flatnonzero(chosen)})
    logged, fresh = about[chosen].reset_index(drop=True), features[chosen].reset_index(drop=True)
    flavours = {
        "champion": _answer(found, "champion", inputs, logged[inputs["columns"]]),
        "challenger": _answer(found, "challenger", inputs, fresh),
    }
    found.to_parquet(work / ANSWERS, index=False)
    return {"rows": len(found), "flavours": flavours}


def _answer(found: pd.DataFrame, who: str, inputs: dict[str, Any], rows: pd.DataFrame) -> str:
    loaded = load(Path(inputs[who]), allow_pickle=bool(inputs["allow_pickle"]))
    chances = loaded.probabilities(rows) if inputs["task"] != "regression" else None
    if chances is not None and inputs["task"] == "binary":
        found[f"{who}_score"] = _last(np.asarray(chances, float))
        found[f"{who}_answer"] = (found[f"{who}_score"] >= inputs["threshold"]).astype("float64")
    else:
        answers = np.asarray(loaded.predict(rows)).reshape(len(rows), -1)[:, -1]
        as_number = inputs["task"] == "regression"
        found[f"{who}_answer"] = answers.astype(float) if as_number else [str(a) for a in answers]
    say(f"{who}: {len(rows):,} answers of a {loaded.flavour} model")
    return str(loaded.flavour)


def _last(chances: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The chance of the positive class, which is the last."""
    return chances.reshape(len(chances), -1)[:, -1]
