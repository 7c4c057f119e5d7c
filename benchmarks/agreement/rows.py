"""Rows of fixed seeds on which measures and oracles are compared."""

from typing import Any

import numpy as np
import pyarrow as pa

from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.profiles import NumericView, Profile, numeric_view
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role, Schema, Task, freeze

ONE_FIELD = Schema(Task.REGRESSION, (FieldSpec("x", Role.FEATURE, Kind.NUMERIC),))
BINARY = Schema(
    Task.BINARY,
    (
        FieldSpec("score", Role.SCORE, Kind.NUMERIC, low=0.0, high=1.0),
        FieldSpec("said", Role.PREDICTION, Kind.CATEGORICAL),
        FieldSpec("was", Role.OUTCOME, Kind.CATEGORICAL),
    ),
    classes=("0", "1"),
)
REGRESSION = Schema(
    Task.REGRESSION,
    (
        FieldSpec("distance", Role.FEATURE, Kind.NUMERIC),
        FieldSpec("carrier", Role.FEATURE, Kind.CATEGORICAL),
        FieldSpec("minutes", Role.PREDICTION, Kind.NUMERIC),
        FieldSpec("actual", Role.OUTCOME, Kind.NUMERIC),
    ),
)


def one_field(reference: Any, current: Any) -> tuple[Bins, Profile, Profile]:
    """Return the frozen bins of one numeric field `x`, and the profiles of both sides."""
    tables = [pa.table({"x": pa.array(side, pa.float64())}) for side in (reference, current)]
    bins = freeze(ONE_FIELD, tables[0])
    left, right = (profile_predictions(bins, table) for table in tables)
    return bins, left, right


def views(reference: Any, current: Any) -> tuple[Any, NumericView, NumericView]:
    """Return the frozen edges of one numeric field, and the views of both sides."""
    bins, left, right = one_field(reference, current)
    return bins.numeric["x"], numeric_view(bins, left, "x"), numeric_view(bins, right, "x")


def scored(n: int, seed: int, a: float = 2.0, b: float = 3.0) -> tuple[Counts, Floats]:
    """Return outcomes (0 or 1) and scores that are their chances."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(a, b, n)
    return (rng.random(n) < scores).astype(np.int64), scores


def histogram(truth: Counts, scores: Floats, size: int = 1_000) -> Counts:
    """Return scores by outcome, shape (2, size)."""
    edges = np.linspace(0, 1, size + 1)
    return np.stack([np.histogram(scores[truth == label], edges)[0] for label in (0, 1)])


def centred(scores: Floats, size: int = 1_000) -> Floats:
    """Return every score moved to the centre of its bin."""
    middle: Floats = (np.minimum(np.floor(scores * size), size - 1) + 0.5) / size
    return middle


def decided(n: int, seed: int) -> tuple[Bins, Profile, Counts, Floats, Counts]:
    """Return bins, profile, outcomes, scores and decisions of a binary model."""
    truth, scores = scored(n, seed)
    said = (scores >= 0.5).astype(np.int64)
    table = pa.table({"score": scores, "said": said, "was": truth})
    bins = freeze(BINARY, table)
    profile = profile_predictions(bins, table) + profile_outcomes(bins, table)
    return bins, profile, truth, scores, said


def journeys(n: int, seed: int) -> pa.Table:
    """Return rows of a regression whose error depends on the carrier."""
    rng = np.random.default_rng(seed)
    distance = rng.uniform(100, 3_000, n)
    carrier = rng.choice(["AA", "DL", "UA"], n, p=[0.5, 0.3, 0.2])
    minutes = 20 + distance / 8
    actual = minutes + rng.normal(0, 5 + 6 * (carrier == "UA"), n) + 2
    return pa.table(
        {
            "distance": pa.array(distance, mask=rng.random(n) < 0.03),
            "carrier": carrier,
            "minutes": minutes,
            "actual": actual,
        }
    )
