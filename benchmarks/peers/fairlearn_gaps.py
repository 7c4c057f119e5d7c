"""Fairlearn's eight metrics by group, with their gaps: `fairlearn_gaps.py FOLDER`."""

import json
import sys
import time
from pathlib import Path

import fairlearn
import pandas as pd
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    equalized_odds_ratio,
    false_negative_rate,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from sklearn.metrics import accuracy_score, precision_score

METRICS = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
    "false_negative_rate": false_negative_rate,
    "precision": precision_score,
    "accuracy": accuracy_score,
}
GAPS = {
    "demographic_parity_difference": demographic_parity_difference,
    "demographic_parity_ratio": demographic_parity_ratio,
    "equal_opportunity_difference": equal_opportunity_difference,
    "equalized_odds_difference": equalized_odds_difference,
    "equalized_odds_ratio": equalized_odds_ratio,
}


def main(folder: Path) -> None:
    began = time.process_time()
    table = pd.read_parquet(folder / "decisions-current.parquet")
    truth, made, group = table["outcome"], table["prediction"], table["group"]
    rates = MetricFrame(metrics=METRICS, y_true=truth, y_pred=made, sensitive_features=group)
    found = {name: column.tolist() for name, column in rates.by_group.items()}
    for name in ("difference", "ratio"):
        getattr(rates, name)()
    gaps = {
        name: float(measure(truth, made, sensitive_features=group))
        for name, measure in GAPS.items()
    }
    work = time.process_time() - began
    said = {"work": work, "rates": found, "gaps": gaps, "version": fairlearn.__version__}
    sys.stdout.write(f"\n{json.dumps(said)}\n")


main(Path(sys.argv[1]))
