"""Rows that two versions answered, side by side: from their logs, joined by prediction id."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from monitoring.jobs.samples import outcomes_of, some_columns
from monitoring.reads.baselines import schema_of
from monitoring.stats import columns
from monitoring.stats.columns import Counts
from monitoring.stats.experiments import Pairs
from registry.models import TaskType, Version
from registry.schemas import FieldRole, PredictionSchema

ID, CHAMPION, SHADOW, OUTCOME = "id", "champion", "shadow", "outcome"
SCORE, SHADOW_SCORE, AT = "score", "shadow score", "at"
MICROSECONDS = 24 * 3600 * 1_000_000
NOTHING = Pairs(pa.array([], pa.string()), pa.array([], pa.string()), np.zeros(0, np.int64))


def pairs_of(
    champion: Version,
    shadow: Version,
    start: datetime,
    end: datetime,
    *,
    positive: str,
    most: int,
) -> Pairs:
    """Both answers and scores, the outcome (null where not arrived), and the champion's segments.

    At most `most` rows of each version are read; beyond, the pairs say that they are not whole.
    """
    schema, theirs = schema_of(champion), schema_of(shadow)
    if schema is None or theirs is None:
        return NOTHING
    about = [field.name for field in schema.having(FieldRole.SEGMENT, FieldRole.GROUP)]
    mine = _answers(champion, schema, about, (start, end), most)
    other = _answers(shadow, theirs, [], (start, end), most)
    if not mine.num_rows or not other.num_rows:
        return NOTHING
    theirs_named = other.drop_columns(AT).rename_columns([ID, SHADOW, SHADOW_SCORE])
    both = mine.join(theirs_named, ID, join_type="inner").sort_by(ID)
    places, outcomes = outcomes_of(champion, start, both.column(ID))
    both = both.append_column(OUTCOME, _placed(outcomes, places, both.num_rows))
    as_text = champion.model.task != TaskType.REGRESSION
    whole = max(mine.num_rows, other.num_rows) < most
    segments = {name: columns.labels(both, f"segment {n}") for n, name in enumerate(about)}
    return Pairs(
        _answer(both, CHAMPION, as_text=as_text),
        _answer(both, SHADOW, as_text=as_text),
        _days(both),
        _answer(both, OUTCOME, as_text=as_text),
        segments,
        whole,
        _scores(both) if positive and schema.score and theirs.score else None,
        positive,
    )


def _answers(
    version: Version,
    schema: PredictionSchema,
    about: Sequence[str],
    between: tuple[datetime, datetime],
    most: int,
) -> pa.Table:
    score = schema.score.name if schema.score else schema.prediction.name
    wanted = [schema.id.name, schema.timestamp.name, schema.prediction.name, score, *about]
    rows = some_columns(version, schema, wanted, between, most)
    segments = [f"segment {n}" for n in range(len(about))]
    return rows.rename_columns([ID, AT, CHAMPION, SCORE, *segments])


def _days(rows: pa.Table) -> Counts:
    """The day (UTC) of each row, counted from 1970."""
    moments = columns.column(rows, AT).cast(pa.timestamp("us", "UTC"))
    counted = moments.cast(pa.int64()).to_numpy(zero_copy_only=False) // MICROSECONDS
    return np.asarray(counted, np.int64)


def _scores(rows: pa.Table) -> tuple[pa.Array, pa.Array]:
    return columns.column(rows, SCORE), columns.column(rows, SHADOW_SCORE)


def _placed(outcomes: pa.ChunkedArray, places: Sequence[int], size: int) -> pa.ChunkedArray:
    """The outcomes at their rows' places, null elsewhere."""
    where: Mapping[int, int] = {place: row for row, place in enumerate(places)}
    return outcomes.take(pa.array([where.get(place) for place in range(size)], pa.int64()))


def _answer(rows: pa.Table, name: str, *, as_text: bool) -> pa.Array:
    return columns.labels(rows, name) if as_text else columns.column(rows, name)
