"""Rows themselves, a bounded sample of them: for the few measures that counts cannot give.

The same rows are chosen each time: those whose id has the smallest MD5.
"""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from monitoring.gateways import duckdb
from monitoring.models import Batch, BatchKind, OutcomeKind
from monitoring.reads.baselines import schema_of
from monitoring.stats.columns import Batch as Rows
from registry.gateways import store
from registry.models import Version
from registry.schemas import FieldRole, PredictionSchema

MOST_ROWS = 20_000
MOST_FILES = 2_000
PREDICTION_ID = "prediction_id"
USED = (FieldRole.FEATURE, FieldRole.PREDICTION, FieldRole.SCORE, FieldRole.GROUP)


def rows_between(
    version: Version, start: datetime, end: datetime, *, most: int = MOST_ROWS
) -> pa.Table:
    """Features, answers and groups of rows from start (included) to end (not)."""
    schema = schema_of(version)
    if schema is None:
        return pa.table({})
    columns = [schema.id.name, *(field.name for field in schema.having(*USED))]
    return some_columns(version, schema, columns, (start, end), most)


def whole_rows(version: Version, start: datetime, end: datetime, *, most: int) -> pa.Table:
    """Every logged column of rows from start (included) to end (not)."""
    schema = schema_of(version)
    if schema is None:
        return pa.table({})
    columns = [field.name for field in schema.logged]
    return some_columns(version, schema, columns, (start, end), most)


def some_columns(
    version: Version,
    schema: PredictionSchema,
    columns: Sequence[str],
    between: tuple[datetime, datetime],
    most: int,
) -> pa.Table:
    """These columns of at most so many rows, a schema's logged ones."""
    names = _files(version, BatchKind.PREDICTIONS, *between)
    return duckdb.sample(
        names,
        id_column=schema.id.name,
        at_column=schema.timestamp.name,
        columns=columns,
        between=between,
        most=most,
    )


def labelled_rows(
    version: Version, start: datetime, end: datetime, *, most: int = MOST_ROWS
) -> pa.Table:
    """The same with the true outcome; rows without one are left out."""
    schema = schema_of(version)
    rows = rows_between(version, start, end, most=most)
    if schema is None or schema.outcome is None or not rows.num_rows:
        return rows.slice(0, 0)
    found, outcomes = outcomes_of(version, start, rows.column(schema.id.name))
    labelled = rows.take(pa.array(found, pa.int64()))
    return labelled.append_column(schema.outcome.name, outcomes)


def outcomes_of(
    version: Version, start: datetime, ids: pa.ChunkedArray
) -> tuple[list[int], pa.ChunkedArray]:
    """The places of the ids whose true outcome has arrived, and these outcomes."""
    places = pa.table({"place": pa.array(range(len(ids)), pa.int64()), "id": ids})
    found, outcomes = duckdb.joined(places, _outcomes(version, start), PREDICTION_ID, ["outcome"])
    return found, outcomes.column("outcome")


def reference_rows(version: Version, *, most: int = MOST_ROWS) -> pa.Table:
    """Rows of the version's reference file, evenly spaced."""
    with store.opened(version.reference.path) as source:
        table = pq.read_table(pa.PythonFile(source, mode="r"))
    return thinned(table, most)


def thinned(rows: Rows, most: int) -> Rows:
    """At most so many rows, evenly spaced over all."""
    if rows.num_rows <= most:
        return rows
    step = rows.num_rows / most
    return rows.take(pa.array([int(place * step) for place in range(most)], pa.int64()))


def _files(version: Version, kind: str, start: datetime, end: datetime) -> Sequence[str]:
    found = Batch.objects.filter(version=version, kind=kind, first_at__lt=end, last_at__gte=start)
    return list(found.order_by("pk").values_list("path", flat=True)[:MOST_FILES])


def _outcomes(version: Version, start: datetime) -> Sequence[str]:
    found = Batch.objects.filter(
        model_id=version.model_id,
        kind=BatchKind.OUTCOMES,
        outcome_kind=OutcomeKind.TRUE,
        folded_at__isnull=False,
        last_at__gte=start,
    )
    return list(found.order_by("folded_at", "pk").values_list("path", flat=True)[:MOST_FILES])
