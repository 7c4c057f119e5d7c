"""Answers rows: a Parquet file in, a Parquet file of answers out."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sandbox.inside.models import Loaded, load

ANSWERS = "answers.parquet"
MOST_ROWS = 1_000_000


def perform(inputs: dict[str, Any], work: Path) -> dict[str, Any]:
    """`model`: its folder; `rows`: a Parquet file; `allow_pickle`. Answers rows and columns.

    The answers are written to `answers.parquet` in the working folder: `prediction`, and for
    chances `probability_0`, `probability_1`, …
    """
    model = load(Path(inputs["model"]), allow_pickle=bool(inputs.get("allow_pickle")))
    rows = pd.read_parquet(inputs["rows"]).head(MOST_ROWS)
    found = answers_of(model, rows)
    found.to_parquet(work / ANSWERS)
    return {"rows": len(found), "columns": list(found.columns), "flavour": model.flavour}


def answers_of(model: Loaded, rows: pd.DataFrame) -> pd.DataFrame:
    """A frame with one line for each row: the answer and, where there are, the chances."""
    columns: dict[str, Any] = {"prediction": np.asarray(model.predict(rows)).reshape(len(rows))}
    chances = model.probabilities(rows)
    if chances is not None:
        columns |= {f"probability_{k}": chances[:, k] for k in range(chances.shape[1])}
    return pd.DataFrame(columns)
