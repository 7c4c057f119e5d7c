"""NannyML's univariate drift of two Parquet files: `nannyml_drift.py FOLDER`."""

import json
import sys
import time
from pathlib import Path

import nannyml
import pandas as pd


def main(folder: Path) -> None:
    began = time.process_time()
    reference, current = (
        pd.read_parquet(folder / f"features-{side}.parquet") for side in ("reference", "current")
    )
    names = list(current.columns)
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=names,
        treat_as_categorical=[name for name in names if name.startswith("category_")],
        continuous_methods=["jensen_shannon"],
        categorical_methods=["jensen_shannon"],
        chunk_number=10,
    )
    calculator.fit(reference)
    fitted = time.process_time()
    found = calculator.calculate(current).to_df()
    ended = time.process_time()
    said = {
        "work": ended - began,
        "fit": fitted - began,
        "measured": len(found.columns),
        "version": nannyml.__version__,
    }
    sys.stdout.write(f"\n{json.dumps(said)}\n")


main(Path(sys.argv[1]))
