"""Do fairness numbers agree with Fairlearn's?

Two steps, as Fairlearn lives in a virtual environment of its own:

    PYTHONPATH=. python benchmarks/peers/fairlearn_agreement.py write numbers.json
    PEER/bin/python benchmarks/peers/fairlearn_agreement.py check numbers.json

`write` counts three seeded datasets and writes the counts and our numbers. `check` turns the counts
into rows, asks Fairlearn, prints the largest difference of each measure, and adds Fairlearn's
numbers to the file. It fails where a difference exceeds 1e-9 or nothing was compared.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

TOLERANCE = 1e-9
SEEDS = {1: 2, 2: 5, 3: 10}
RATES = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "precision",
    "accuracy",
    "base_rate",
)


def main() -> int:
    if len(sys.argv) != 3 or sys.argv[1] not in {"write", "check"}:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    path = Path(sys.argv[2])
    if sys.argv[1] == "write":
        path.write_text(json.dumps([dataset(seed, SEEDS[seed]) for seed in SEEDS], indent=1))
        return 0
    return check(path)


def dataset(seed: int, groups: int) -> dict[str, Any]:
    """Return the cube prediction x outcome x group of seeded counts, and our numbers of it."""
    from monitoring.stats import fairness

    cube = np.random.default_rng(seed).integers(40, 4_000, (2, 2, groups))
    labels = [f"g{place}" for place in range(groups)]
    decisions = cube.sum(axis=1)
    gaps = fairness.parity(decisions, labels) | fairness.odds(cube, labels)
    rates = fairness.group_rates(decisions, cube, labels)
    return {
        "seed": seed,
        "cube": cube.tolist(),
        "gaps": {name: finding.value for name, finding in gaps.items()},
        "rates": {
            name: [rates[name, label].value for label in labels]
            for name in (*RATES, "treatment_ratio")
        },
    }


def check(path: Path) -> int:
    """Compare every number that Fairlearn has; return 1 where one differs."""
    datasets = json.loads(path.read_text())
    largest: dict[str, float] = {}
    for one in datasets:
        one["fairlearn"] = peer(np.array(one["cube"]))
        for kind in ("gaps", "rates"):
            for name, wanted in one["fairlearn"][kind].items():
                apart = float(np.abs(np.subtract(one[kind][name], wanted)).max())
                largest[name] = max(largest.get(name, 0.0), apart)
    path.write_text(json.dumps(datasets, indent=1))
    for name, apart in sorted(largest.items()):
        sys.stdout.write(f"{name:32} {apart:.3g}\n")
    sys.stdout.write(f"{len(largest)} measures on {len(datasets)} datasets\n")
    return int(not largest or max(largest.values()) > TOLERANCE)


def peer(cube: np.ndarray) -> dict[str, Any]:
    """Return Fairlearn's numbers of rows with these counts."""
    from fairlearn import metrics
    from sklearn.metrics import accuracy_score, precision_score

    answer, truth, group = (
        np.repeat(axis.ravel(), cube.ravel()) for axis in np.indices(cube.shape)
    )
    functions = {
        "selection_rate": metrics.selection_rate,
        "true_positive_rate": metrics.true_positive_rate,
        "false_positive_rate": metrics.false_positive_rate,
        "false_negative_rate": metrics.false_negative_rate,
        "precision": precision_score,
        "accuracy": accuracy_score,
        "base_rate": lambda truth, _answer: truth.mean(),
        "treatment_ratio": _treatment,
    }
    frame = metrics.MetricFrame(
        metrics=functions, y_true=truth, y_pred=answer, sensitive_features=group
    )
    apart = frame.difference(method="between_groups")
    named = {"y_true": truth, "y_pred": answer, "sensitive_features": group}
    return {
        "rates": {name: frame.by_group[name].tolist() for name in functions},
        "gaps": {
            "demographic_parity_difference": metrics.demographic_parity_difference(**named),
            "demographic_parity_ratio": metrics.demographic_parity_ratio(**named),
            "equal_opportunity_difference": metrics.equal_opportunity_difference(**named),
            "equalized_odds_difference": metrics.equalized_odds_difference(**named),
            "equalized_odds_ratio": metrics.equalized_odds_ratio(**named),
            "false_positive_difference": apart["false_positive_rate"],
            "predictive_parity_difference": apart["precision"],
            "accuracy_difference": apart["accuracy"],
            "base_rate_difference": apart["base_rate"],
            "treatment_equality_difference": apart["treatment_ratio"],
        },
    }


def _treatment(truth: np.ndarray, answer: np.ndarray) -> float:
    missed, alarms = (truth > answer).sum(), (truth < answer).sum()
    return float(missed / alarms)


if __name__ == "__main__":
    sys.exit(main())
