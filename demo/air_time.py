"""`air-time`: how many minutes will this flight be in the air? A regression on the same flights."""

from datetime import datetime
from typing import Any

import pandas as pd

from demo import flight_delay
from demo.data import FEATURES, flights
from demo.fields import Field
from demo.flight_training import prepared_for_trees
from demo.replay import Replay, outcomes_of, table, until
from demo.training import SEED, TREES, Trained, importances, one_thread, split

MODEL = "air-time"
SCORING = "neg_mean_absolute_error"
LONGEST_MINUTES = 1440


def train() -> Trained:
    """Boosted trees trained in winter, whose winds other months do not have."""
    from sklearn.metrics import mean_absolute_error, r2_score

    everything = flights()
    known = everything[everything["air_time"].notna() & (everything["month"] <= 2)]
    training, held_out = split(known, 0.7)
    estimator = _boosted_trees()
    columns = list(FEATURES)
    with one_thread():
        estimator.fit(training[columns], training["air_time"])
    log = log_of(estimator, held_out)
    return Trained(
        model=MODEL,
        label="1",
        task="regression",
        description="Boosted trees on schedule, plane and weather; January and February.",
        estimator=estimator,
        features=FEATURES,
        fields=fields(),
        reference=table(log),
        metrics={
            "mae": float(mean_absolute_error(log["air_time"], log["predicted_minutes"])),
            "r2": float(r2_score(log["air_time"], log["predicted_minutes"])),
            **importances(estimator, held_out[columns], held_out["air_time"], SCORING),
        },
        training_rows=len(training),
        example=training[columns].head(5),
        trusted_types=TREES,
        params={"months": "1-2", "seed": str(SEED)},
    )


def log_of(estimator: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """The prediction log of these flights, with the outcome beside it."""
    log = pd.DataFrame({"prediction_id": rows["flight_id"], "event_time": rows["scheduled"]})
    for name in FEATURES:
        log[name] = rows[name]
    log["airport"] = rows["origin"]
    with one_thread():
        log["predicted_minutes"] = estimator.predict(rows[list(FEATURES)])
    log["air_time"] = rows["air_time"]
    return log


def production(trained: Trained, *, now: datetime) -> Replay:
    """March to December, moved so that December ends now; what is still to come is left out."""
    log = log_of(trained.estimator, flight_delay.moved(now))
    outcomes = table(outcomes_of(log, "air_time", seed=SEED + 1))
    return Replay(
        predictions=until(now, table(log.drop(columns="air_time")), "event_time"),
        outcomes=until(now, outcomes, "outcome_time"),
    )


def fields() -> tuple[Field, ...]:
    shared = [
        one
        for one in flight_delay.fields(FEATURES)
        if one.role in {"id", "timestamp", "feature", "segment"}
    ]
    return (
        *shared,
        Field("predicted_minutes", "number", "prediction", 0, LONGEST_MINUTES, unit="minutes"),
        Field("air_time", "number", "outcome", 0, LONGEST_MINUTES, unit="minutes"),
    )


def _boosted_trees() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline

    trees = HistGradientBoostingRegressor(max_iter=300, random_state=SEED)
    return make_pipeline(prepared_for_trees(), trees)
