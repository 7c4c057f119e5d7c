"""NannyML's CBPE of ROC AUC by day: `nannyml_estimate.py FOLDER`."""

import json
import sys
import time
from pathlib import Path

import nannyml
import pandas as pd


def main(folder: Path) -> None:
    began = time.process_time()
    reference, current = (
        pd.read_parquet(folder / f"decisions-{side}.parquet") for side in ("reference", "current")
    )
    estimator = nannyml.CBPE(
        problem_type="classification_binary",
        y_pred_proba="score",
        y_pred="prediction",
        y_true="outcome",
        timestamp_column_name="at",
        metrics=["roc_auc"],
        chunk_period="D",
    )
    estimator.fit(reference)
    fitted = time.process_time()
    found = estimator.estimate(current.drop(columns="outcome"))
    ended = time.process_time()
    frame = found.filter(period="analysis").to_df()
    said = {
        "work": ended - began,
        "fit": fitted - began,
        "roc_auc": [float(value) for value in frame[("roc_auc", "value")]],
        "version": nannyml.__version__,
    }
    sys.stdout.write(f"\n{json.dumps(said)}\n")


main(Path(sys.argv[1]))
