"""A flight model that sends everything a dashboard can show, counted by the real jobs."""

from datetime import timedelta
from typing import Any

import numpy as np

from monitoring.models import Measurement, Monitor, Run
from registry.models import Deployment, Model, Version
from tests.monitoring import world
from tests.monitoring.world import FIELDS, START

WEEK = timedelta(days=7)
END = START + WEEK
MORE: list[dict[str, Any]] = [
    {"name": "sex", "dtype": "string", "role": "group", "categories": ["F", "M"]},
    {"name": "milliseconds", "dtype": "number", "role": "latency", "unit": "ms"},
    {"name": "failed", "dtype": "boolean", "role": "error"},
    {"name": "worth", "dtype": "number", "role": "value"},
    {"name": "explored", "dtype": "boolean", "role": "exploration"},
]
WATCHED = (
    ("performance", "roc_auc"),
    ("drift", "psi"),
    ("fairness", "demographic_parity_difference"),
    ("calibration", "ece"),
    ("operations", "latency_p95"),
    ("business", "value_per_decision"),
)


def rows(n: int, *, seed: int = 0, **more: Any) -> list[dict[str, Any]]:
    """Rows of every role; flights from JFK are slow to answer, warm, and badly predicted."""
    rng = np.random.default_rng(seed)
    found = world.rows(n, seed=seed, **more)
    for row in found:
        slow = row["origin"] == "JFK"
        row["milliseconds"] = float(rng.normal(300 if slow else 50, 5))
        row["failed"] = bool(rng.random() < (0.3 if slow else 0.01))
        row["sex"] = str(rng.choice(["F", "M"]))
        row["worth"] = float(rng.normal(10, 1))
        row["explored"] = bool(rng.random() < 0.2)
    return found


def spoil(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows, but flights from JFK are warm and predicted by chance."""
    rng = np.random.default_rng(7)
    for row in found:
        if row["origin"] == "JFK":
            row["temperature"] = min(59.0, row["temperature"] + 20)
            row["score"] = float(rng.random())
            row["late"] = row["score"] > 0.5
    return found


def make_version(model: Model, *, fields: list[dict[str, Any]] | None = None) -> Version:
    reference = rows(3000, start=START - timedelta(days=30), hours=24 * 28, seed=99)
    version = world.make_version(model, fields=fields or [*FIELDS, *MORE], reference=reference)
    Deployment.objects.create(
        version=version, model=model, role="champion", started_at=START - 20 * WEEK
    )
    return version


def send_week(robot: Any, model: Model, version: Version, n: int = 900) -> list[dict[str, Any]]:
    """A week of predictions and their outcomes, folded."""
    found = spoil(rows(n, hours=24 * 7))
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found)
    world.work("monitoring.fold")
    world.work("monitoring.join")
    return found


def watch(model: Model, version: Version, *, weeks: int = 2) -> list[Monitor]:
    """A monitor of each dashboard, each with evaluated weeks."""
    made = [
        Monitor.objects.create(
            model=model, name=f"All {kind}", kind=kind, metric=metric, warning=0.1, breach=0.2
        )
        for kind, metric in WATCHED
    ]
    for monitor in made:
        for week in range(weeks):
            evaluated(monitor, version, weeks_ago=week)
    return made


def evaluated(
    monitor: Monitor, version: Version, *, weeks_ago: int = 0, field: str = "", segment: str = ""
) -> Run:
    end = END - weeks_ago * WEEK
    run = Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=end - WEEK,
        window_end=end,
        config_digest="c" * 16,
        verdict="ok",
        rows=900,
        labelled=900,
        mature=True,
        profile_digest="p" * 64,
        library_version="1",
    )
    Measurement.objects.create(
        run=run,
        monitor=monitor,
        version=version,
        window_end=end,
        metric=monitor.metric,
        field=field,
        segment=segment,
        value=0.1,
        low=0.05,
        high=0.15,
        reference_value=0.1,
        n=900,
        warning=0.1,
        breach=0.2,
        verdict="ok",
        parameters={"alpha": 0.01, "effect": 0.0},
    )
    return run
