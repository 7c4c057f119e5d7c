"""Checks a calibrated model before it is registered: it opens, and answers what its map says.

Compared over logged rows: the parent's answer with the score that was logged (a map that was
learnt from other scores would be wrong), and the new chance with the map of the parent's.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sandbox.inside.chance_map import chance_map
from sandbox.inside.models import ModelRefused, load


def perform(inputs: dict[str, Any], work: Path) -> dict[str, Any]:  # noqa: ARG001 - as all
    """`model`: the new folder; `parent`: the old one; `map`; `rows`; `score`: its column."""
    allowed = bool(inputs.get("allow_pickle"))
    new = load(Path(inputs["model"]), allow_pickle=allowed)
    old = load(Path(inputs["parent"]), allow_pickle=allowed)
    rows = pd.read_parquet(inputs["rows"])
    before, after = old.probabilities(rows), new.probabilities(rows)
    if before is None or after is None:
        raise ModelRefused("The version's files tell no chances, so there is nothing to calibrate.")
    mapped = chance_map(json.loads(Path(inputs["map"]).read_bytes()))(before[:, -1])
    logged = rows[inputs["score"]].to_numpy(float)
    return {
        "rows": len(rows),
        "flavour": new.flavour,
        "parent_flavour": old.flavour,
        "from_log": float(np.abs(before[:, -1] - logged).max()),
        "from_map": float(np.abs(after[:, -1] - mapped).max()),
        "same_decisions": bool((new.predict(rows) == old.predict(rows)).all()),
    }
