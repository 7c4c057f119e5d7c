"""A small binary model (a score, a decision, an outcome, two groups) and a regression."""

import numpy as np
import pyarrow as pa
import pytest

from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze

BINARY = Schema(
    Task.BINARY,
    (
        FieldSpec("age", Role.FEATURE, Kind.NUMERIC, low=0.0, high=120.0),
        FieldSpec("rain", Role.FEATURE, Kind.NUMERIC),
        FieldSpec("carrier", Role.FEATURE, Kind.CATEGORICAL),
        FieldSpec("score", Role.SCORE, Kind.NUMERIC, low=0.0, high=1.0),
        FieldSpec("late", Role.PREDICTION, Kind.CATEGORICAL),
        FieldSpec("was_late", Role.OUTCOME, Kind.CATEGORICAL),
        FieldSpec("sex", Role.GROUP, Kind.CATEGORICAL),
        FieldSpec("origin", Role.GROUP, Kind.CATEGORICAL),
        FieldSpec("milliseconds", Role.LATENCY, Kind.NUMERIC),
        FieldSpec("error", Role.ERROR, Kind.CATEGORICAL),
    ),
    classes=("0", "1"),
    pairs=(("sex", "origin"),),
)
REGRESSION = Schema(
    Task.REGRESSION,
    (
        FieldSpec("distance", Role.FEATURE, Kind.NUMERIC),
        FieldSpec("minutes", Role.PREDICTION, Kind.NUMERIC),
        FieldSpec("actual", Role.OUTCOME, Kind.NUMERIC),
    ),
)


def flights(n, seed=0, shift=0.0):
    """Return n rows of the binary model; rain is mostly 0, one age in fifty is missing."""
    rng = np.random.default_rng(seed)
    age = np.clip(rng.normal(40 + shift, 12, n), 0, 119)
    rain = np.where(rng.random(n) < 0.8, 0.0, rng.exponential(2, n))
    score = rng.beta(2, 3, n)
    return pa.table(
        {
            "age": pa.array(age, mask=rng.random(n) < 0.02),
            "rain": rain,
            "carrier": rng.choice(["AA", "DL", "UA", "B6"], n, p=[0.4, 0.3, 0.2, 0.1]),
            "score": score,
            "late": score >= 0.5,
            "was_late": (rng.random(n) < score).astype(np.int64),
            "sex": rng.choice(["f", "m"], n),
            "origin": rng.choice(["JFK", "EWR", "LGA"], n),
            "milliseconds": rng.lognormal(2, 1, n),
            "error": pa.array([None] * n, pa.string()),
        }
    )


def journeys(n, seed=0, bias=0.0):
    """Return n rows of the regression."""
    rng = np.random.default_rng(seed)
    distance = rng.uniform(100, 3000, n)
    actual = 20 + distance / 8 + rng.normal(0, 8, n)
    minutes = 20 + distance / 8 + bias
    return pa.table({"distance": distance, "minutes": minutes, "actual": actual})


@pytest.fixture(scope="session")
def reference_table():
    return flights(20_000)


@pytest.fixture(scope="session")
def bins(reference_table):
    return freeze(BINARY, reference_table)


@pytest.fixture(scope="session")
def regression_bins():
    return freeze(REGRESSION, journeys(5_000))
