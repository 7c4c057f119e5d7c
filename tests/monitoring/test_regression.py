"""A model that answers with a number: error and bias alarm while R2 would stay silent."""

from datetime import timedelta

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Incident, Measurement, Monitor
from tests.monitoring import world
from tests.monitoring.world import START

pytestmark = pytest.mark.django_db
FIELDS = [
    {"name": "flight", "dtype": "string", "role": "id", "nullable": False},
    {"name": "at", "dtype": "timestamp", "role": "timestamp", "nullable": False},
    {"name": "distance", "dtype": "number", "role": "feature", "unit": "miles"},
    {"name": "minutes", "dtype": "number", "role": "prediction", "nullable": False},
    {"name": "air_time", "dtype": "number", "role": "outcome"},
]


def flights(n, *, start=START, slower=0.0, seed=0):
    """Flights of the first hour of every day; the air time is `slower` than what is predicted."""
    rng = np.random.default_rng(seed)
    distance = rng.uniform(100, 2500, n)
    minutes = 20 + distance / 8
    truth = minutes + slower + rng.normal(0, 5, n)
    days = 28 * np.arange(n) // n
    return [
        {
            "flight": f"{seed}-{place}",
            "at": start + timedelta(days=int(days[place]), seconds=place % 3600),
            "distance": float(distance[place]),
            "minutes": float(minutes[place]),
            "air_time": float(truth[place]),
        }
        for place in range(n)
    ]


def test_error_and_bias_are_judged_and_equal_scikit_learn(robot, team, olga):
    model = world.make_model(team, olga, slug="air-time", task="regression")
    reference = flights(4000, start=START - timedelta(days=28), seed=9)
    version = world.make_version(model, fields=FIELDS, reference=reference)
    found = flights(2000, slower=12.0, seed=1)
    predictions = [{k: v for k, v in row.items() if k != "air_time"} for row in found]
    outcomes = [{**row, "was_late": row["air_time"]} for row in found]
    world.send(robot, version, predictions)
    world.send_outcomes(robot, model, outcomes)
    world.work()
    schedule_windows()
    world.work("monitoring.evaluate")
    truth = [row["air_time"] for row in found]
    said = [row["minutes"] for row in found]
    measured = {
        row.metric: row for row in Measurement.objects.filter(monitor__name="Mean absolute error")
    }
    assert measured["mae"].value == pytest.approx(mean_absolute_error(truth, said), abs=1e-9)
    assert measured["rmse"].value == pytest.approx(root_mean_squared_error(truth, said), abs=1e-9)
    assert measured["r2"].value == pytest.approx(r2_score(truth, said), abs=1e-9)
    assert measured["bias"].value == pytest.approx(np.mean(np.subtract(said, truth)))
    assert measured["r2"].value > 0.95
    verdicts = {
        monitor.metric: monitor.runs.get(latest=True).verdict
        for monitor in Monitor.objects.filter(kind="performance")
    }
    assert verdicts == {"mae": "breach", "rmse": "breach", "bias": "breach"}
    incident = Incident.objects.get(kind="performance")
    assert (incident.severity, incident.alerts.count()) == ("critical", 3)
