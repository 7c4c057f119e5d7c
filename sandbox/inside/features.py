"""Regenerate the features of logged rows by the version's own code; without it as they were."""

from pathlib import Path
from typing import Any

import pandas as pd

from sandbox.inside.entry import module_of

TABLE = "features.parquet"


def perform(inputs: dict[str, Any], work: Path) -> dict[str, Any]:
    """Write one row of features for each row of the table, in its order."""
    rows = pd.read_parquet(inputs["table"])
    module = module_of(inputs["code"], inputs["entry"])
    make = getattr(module, "features", None)
    found = make(rows.copy()) if make else rows[inputs["columns"]]
    if not isinstance(found, pd.DataFrame) or len(found) != len(rows):
        raise ValueError("features() gives a DataFrame with one row for each row it gets.")
    found.reset_index(drop=True).to_parquet(work / TABLE, index=False)
    return {"rows": len(found), "columns": [str(one) for one in found], "by_code": bool(make)}
