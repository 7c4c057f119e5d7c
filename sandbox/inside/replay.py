"""Answers golden inputs; whoever asked compares: a model never sees what is expected of it."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from sandbox.inside.models import ModelRefused, load
from sandbox.inside.predict import answers_of

INPUTS = "inputs.parquet"


def perform(inputs: dict[str, Any], work: Path) -> dict[str, Any]:
    """`model`, `rows` (Parquet), `allow_pickle`; `take` (so many of the first rows, kept as
    `inputs.parquet`) and `columns` of them.

    Answers `outputs`: column -> one value for each row; `rows` and `flavour`.
    """
    model = load(Path(inputs["model"]), allow_pickle=bool(inputs.get("allow_pickle")))
    rows = _taken(inputs, work) if inputs.get("take") else pd.read_parquet(inputs["rows"])
    fresh = answers_of(model, rows)
    outputs = {name: fresh[name].tolist() for name in fresh.columns}
    return {"rows": len(rows), "flavour": model.flavour, "outputs": outputs}


def _taken(inputs: dict[str, Any], work: Path) -> pd.DataFrame:
    columns = inputs.get("columns") or None
    batches = pq.ParquetFile(inputs["rows"]).iter_batches(int(inputs["take"]), columns=columns)
    rows = next((batch.to_pandas() for batch in batches), pd.DataFrame())
    if rows.empty:
        raise ModelRefused("There are no rows to answer.")
    rows.to_parquet(work / INPUTS)
    return rows
