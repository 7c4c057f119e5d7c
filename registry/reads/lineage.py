"""What a training run recorded of a version. Pure.

A run says how much a model depends on a feature by a metric named `importance.<feature>`; the
other metrics are numbers about the whole model.
"""

import math
from collections.abc import Mapping
from typing import Any

IMPORTANCE = "importance."


def run_metrics(lineage: Mapping[str, Any]) -> dict[str, str]:
    """The metrics of the training run as it told them, without the importances of features."""
    return {
        name: value for name, value in _metrics(lineage).items() if not name.startswith(IMPORTANCE)
    }


def importances(lineage: Mapping[str, Any]) -> dict[str, float]:
    """How much the model depends on each feature, as far as its run says so in finite numbers."""
    told = {
        name.removeprefix(IMPORTANCE): finite(value)
        for name, value in _metrics(lineage).items()
        if name.startswith(IMPORTANCE)
    }
    return {name: value for name, value in told.items() if value is not None}


def finite(value: Any) -> float | None:
    """MLflow's answers are checked: a metric may be missing, text or not a number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _metrics(lineage: Mapping[str, Any]) -> Mapping[str, str]:
    metrics: Mapping[str, str] = (lineage.get("run") or {}).get("metrics") or {}
    return metrics
