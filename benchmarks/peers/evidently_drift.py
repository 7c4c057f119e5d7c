"""Evidently's drift report of two Parquet files: `evidently_drift.py psi|ks|default FOLDER`."""

import json
import sys
import time
from pathlib import Path

import evidently
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

METHODS = {
    "psi": {"num_method": "psi", "cat_method": "psi"},
    "ks": {"num_method": "ks", "cat_method": "chisquare"},
    "default": {},
}


def main(method: str, folder: Path) -> None:
    began = time.process_time()
    reference, current = (
        pd.read_parquet(folder / f"features-{side}.parquet") for side in ("reference", "current")
    )
    texts = [name for name in current.columns if name.startswith("category_")]
    numbers = [name for name in current.columns if name not in texts]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    sides = [Dataset.from_pandas(one, data_definition=definition) for one in (current, reference)]
    found = Report([DataDriftPreset(**METHODS[method])]).run(*sides).dict()
    work = time.process_time() - began
    counted = len(found["metrics"])
    said = {"work": work, "measured": counted, "version": evidently.__version__}
    sys.stdout.write(f"\n{json.dumps(said)}\n")


main(sys.argv[1], Path(sys.argv[2]))
