"""What an orchestrator of somebody else does with an order: it fetches the snapshot with a token of
its own, trains, and logs the model in MLflow. Run as a script by whatever schedules it; the last
line that it prints says where the model is.

    OMBUD_TOKEN=… MLFLOW_TRACKING_URI=… python outside_training.py '{"order_id": …}'
"""

import hashlib
import io
import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from typing import Any

import mlflow
import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEATURES = ["temperature", "distance"]
OUTCOME = "was_late"


def main() -> None:
    """Train what the first argument orders."""
    sys.stdout.write(json.dumps(train(json.loads(sys.argv[1]))) + "\n")


def train(order: Mapping[str, Any]) -> dict[str, str]:
    """The run that holds the model, as Ombud wants to hear it.

    Raises:
        ValueError: the snapshot is not what was ordered.
    """
    rows = _snapshot(str(order["snapshot_url"]), str(order["snapshot_sha256"]))
    rows = rows[rows["part"] == "train"]
    inputs = rows[FEATURES].astype("float64")
    strength = float(order["parameters"].get("C", 1.0))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength))
    model.fit(inputs, rows[OUTCOME])
    mlflow.set_experiment("trained-outside")
    with mlflow.start_run() as run:
        mlflow.log_params({"C": strength, "order": order["order_id"]})
        signature = infer_signature(inputs, model.predict_proba(inputs))
        mlflow.sklearn.log_model(model, name="model", signature=signature)
    return {"run_id": run.info.run_id, "artifact_path": "model"}


def _snapshot(url: str, wanted: str) -> pd.DataFrame:
    token = os.environ["OMBUD_TOKEN"]
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != wanted:
        raise ValueError("The snapshot is not what was ordered.")
    return pd.read_parquet(io.BytesIO(content))


if __name__ == "__main__":
    main()
