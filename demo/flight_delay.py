"""`flight-delay`: will this flight arrive more than 15 minutes late? The versions people train;
the one after them is retrained by policy."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from demo import flight_training
from demo.data import FEATURES, flights
from demo.fields import Field, category, identity, moment, number
from demo.flight_training import boosted_trees
from demo.replay import Replay, outcomes_of, shift, table, until
from demo.training import SEED, TREES, Trained, importances, one_thread, split

MODEL = "flight-delay"
CODE = Path(flight_training.__file__)
THRESHOLD = 0.3  # warn when the chance is well above the usual one in five
SIMPLE_NUMBERS = ("scheduled_minute", "weekday", "distance")
SIMPLE_CATEGORIES = ("carrier", "origin")
ORIGINS = ("EWR", "JFK", "LGA")
FIRST_MONTH = 3

NUMERIC_FIELDS = {
    "scheduled_minute": number("scheduled_minute", 0, 1439, unit="minutes since midnight"),
    "weekday": number("weekday", 0, 6, unit="0 is Monday"),
    "distance": number("distance", 0, 6000, unit="miles"),
    "plane_age": number("plane_age", 0, 100, unit="years"),
    "seats": number("seats", 1, 900),
    "temperature": number("temperature", -60, 140, unit="°F"),
    "dew_point": number("dew_point", -60, 100, unit="°F"),
    "wind_speed": number("wind_speed", 0, 200, unit="mph"),
    "precipitation": number("precipitation", 0, 20, unit="inches"),
    "pressure": number("pressure", 850, 1100, unit="mbar"),
    "visibility": number("visibility", 0, 10, unit="miles"),
}


def train_v0() -> Trained:
    """The older, simpler one: a logistic regression that knows no weather."""
    return _train(
        "0",
        "Logistic regression on the schedule only; the first version, replaced by version 1.",
        _logistic_regression(),
        SIMPLE_NUMBERS + SIMPLE_CATEGORIES,
        last_month=2,
        trusted=(),
    )


def train_v1() -> Trained:
    """Boosted trees on all features, trained in winter."""
    return _train(
        "1",
        "Boosted trees on schedule, plane and weather, trained on January and February.",
        boosted_trees(),
        FEATURES,
        last_month=2,
        trusted=TREES,
    )


def log_of(trained: Trained, rows: pd.DataFrame) -> pd.DataFrame:
    """The prediction log of these flights by this version, with the outcome beside it."""
    log = pd.DataFrame({"prediction_id": rows["flight_id"], "event_time": rows["scheduled"]})
    for name in trained.features:
        log[name] = rows[name]
    log["airport"] = rows["origin"]
    with one_thread():
        log["score"] = trained.estimator.predict_proba(rows[list(trained.features)])[:, 1]
    log["predicted_late"] = (log["score"] >= THRESHOLD).astype("int64")
    log["arrived_late"] = rows["late"].astype("Int64")
    return log


def production(trained: Trained, *, now: datetime) -> Replay:
    """March to December, moved so that December ends now; what is still to come is left out."""
    log = log_of(trained, moved(now))
    outcomes = table(outcomes_of(log, "arrived_late", seed=SEED))
    return Replay(
        predictions=until(now, table(log.drop(columns="arrived_late")), "event_time"),
        outcomes=until(now, outcomes, "outcome_time"),
    )


def moved(now: datetime) -> pd.DataFrame:
    """The flights of the production months in the order of their moved departures."""
    everything = flights()
    rows = everything[everything["month"] >= FIRST_MONTH].sort_values(["scheduled", "flight_id"])
    return rows.assign(scheduled=rows["scheduled"] + time_shift(now))


def time_shift(now: datetime) -> timedelta:
    """By how much the flights are moved."""
    return shift(flights()["scheduled"].max().to_pydatetime(), now)


def fields(features: tuple[str, ...]) -> tuple[Field, ...]:
    carriers = tuple(sorted(flights()["carrier"].unique()))
    named = NUMERIC_FIELDS | {
        "carrier": category("carrier", carriers),
        "origin": category("origin", ORIGINS),
        "destination": category("destination"),
    }
    return (
        identity(),
        moment(),
        *(named[name] for name in features),
        Field("airport", "string", "segment", categories=ORIGINS),
        Field("predicted_late", "integer", "prediction", categories=("0", "1"), positive="1"),
        Field("score", "number", "score", 0, 1),
        Field("arrived_late", "integer", "outcome", categories=("0", "1"), positive="1"),
    )


def _train(
    label: str,
    description: str,
    estimator: Any,
    features: tuple[str, ...],
    *,
    last_month: int,
    trusted: tuple[str, ...],
) -> Trained:
    everything = flights()
    known = everything[everything["late"].notna() & (everything["month"] <= last_month)]
    training, held_out = split(known, 0.7)
    columns = list(features)
    with one_thread():
        estimator.fit(training[columns], training["late"].astype("int64"))
    found = Trained(
        model=MODEL,
        label=label,
        task="binary",
        description=description,
        estimator=estimator,
        features=features,
        fields=fields(features),
        reference=pa.table({}),
        metrics={},
        training_rows=len(training),
        example=training[columns].head(5),
        threshold=THRESHOLD,
        trusted_types=trusted,
        code=(CODE,) if trusted else (),
        params={"months": f"1-{last_month}", "seed": str(SEED), "threshold": str(THRESHOLD)},
    )
    return _with_reference(found, held_out)


def _with_reference(trained: Trained, held_out: pd.DataFrame) -> Trained:
    from sklearn.metrics import brier_score_loss, roc_auc_score

    log = log_of(trained, held_out)
    truth = log["arrived_late"].astype("int64")
    metrics = {
        "auc": float(roc_auc_score(truth, log["score"])),
        "brier": float(brier_score_loss(truth, log["score"])),
        **importances(trained.estimator, held_out[list(trained.features)], truth, "roc_auc"),
    }
    return replace(trained, reference=table(log), metrics=metrics)


def _logistic_regression() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    prepare = ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore"), list(SIMPLE_CATEGORIES)),
            ("numbers", StandardScaler(), list(SIMPLE_NUMBERS)),
        ]
    )
    return make_pipeline(prepare, LogisticRegression(max_iter=500))
