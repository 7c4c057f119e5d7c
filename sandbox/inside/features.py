"""Regenerate the features of logged rows by the version's own code; without it as they were."""

from pathlib import Path
from typing import Any

import pandas as pd

from sandbox.inside.entry import module_of
from sandbox.inside.project import project_of

TABLE = "features.parquet"


def perform(inputs: dict[str, Any], work: Path) -> dict[str, Any]:
    """Write one row of features for each row of the table, in its order."""
    rows = pd.read_parquet(inputs["table"])
    make = _maker(inputs["code"], inputs["entry"], work)
    found = make(rows.copy()) if make else rows[inputs["columns"]]
    if not isinstance(found, pd.DataFrame) or len(found) != len(rows):
        raise ValueError("features() gives a DataFrame with one row for each row it gets.")
    found.reset_index(drop=True).to_parquet(work / TABLE, index=False)
    return {"rows": len(found), "columns": [str(one) for one in found], "by_code": bool(make)}


def _maker(code: str, entry: str, work: Path) -> Any:
    """`features` of the training module; a project's program takes what is logged."""
    if project_of(code, entry, work, []):
        return None
    return getattr(module_of(code, entry), "features", None)
