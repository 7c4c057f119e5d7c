"""A snapshot of the prediction log with its outcomes, as one Parquet file, in bounded memory.

Point-in-time correct: a row has the features as they were logged when it was answered, and its
outcome only if that had become known by `up_to`. Rows younger than the outcome horizon are left
out, so that quick outcomes are not over-represented. The same question gives the same bytes.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from registry.gateways import store

SETTINGS: dict[str, Any] = {
    "threads": 1,
    "memory_limit": "512MB",
    "preserve_insertion_order": True,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TRAIN, HOLD_OUT, LATEST = "train", "hold_out", "latest"


@dataclass(frozen=True)
class Question:
    """What is wanted of the log, and up to when.

    `outcomes` are files with the moment at which each was received: an outcome that does not say
    when it became known was known then.
    """

    predictions: Sequence[str]
    outcomes: Sequence[tuple[str, datetime]]
    id_column: str
    at_column: str
    columns: Sequence[str]
    outcome_column: str
    start: datetime
    mature: datetime
    up_to: datetime
    hold_out_percent: int
    latest_from: datetime


@dataclass(frozen=True)
class Snapshot:
    """What was written."""

    rows: dict[str, int]
    without_outcome: int
    first_at: datetime | None
    last_at: datetime | None
    categories: int


def newest(predictions: Sequence[str], at_column: str) -> datetime | None:
    """When the latest logged row was answered."""
    if not predictions:
        return None
    with _Desk() as desk:
        query = (
            f"SELECT epoch_us(max({_quoted(at_column)}))"  # noqa: S608 - quoted
            " FROM read_parquet($files, union_by_name = true)"
        )
        found = desk.one(query, files=desk.addresses(predictions))[0]
    return _moment(found)


def write_snapshot(question: Question, target: Path) -> Snapshot:
    """Write the rows in order of time, each with the part it is meant for."""
    with _Desk() as desk:
        desk.connection.register("arrivals", _arrivals(desk, question))
        desk.run(_matched(question), **_values(desk, question))
        ordered = f"ORDER BY {_quoted(question.at_column)}, {_quoted(question.id_column)}"
        rows = f"SELECT * EXCLUDE (has_outcome) FROM matched WHERE has_outcome {ordered}"  # noqa: S608 - quoted
        path = str(target).replace("'", "''")
        desk.run(f"COPY ({rows}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        return _counted(desk, question)


def _counted(desk: "_Desk", question: Question) -> Snapshot:
    parts = desk.connection.execute(
        "SELECT part, count(*) FROM matched WHERE has_outcome GROUP BY part"
    ).fetchall()
    at, outcome = _quoted(question.at_column), _quoted(question.outcome_column)
    missing, first, last, kinds = desk.one(
        f"SELECT count(*) FILTER (NOT has_outcome), epoch_us(min({at}) FILTER (has_outcome)),"  # noqa: S608 - quoted
        f" epoch_us(max({at}) FILTER (has_outcome)), count(DISTINCT {outcome}) FROM matched"
    )
    rows = {TRAIN: 0, HOLD_OUT: 0, LATEST: 0} | {str(part): int(n) for part, n in parts}
    return Snapshot(rows, int(missing), _moment(first), _moment(last), int(kinds))


def _matched(question: Question) -> str:
    """Each prediction once, the first that was logged; each outcome once, the first that came."""
    ids, at = _quoted(question.id_column), _quoted(question.at_column)
    columns = ", ".join(f"p.{_quoted(name)}" for name in question.columns)
    # Of two answers to one row (champion and shadow) the features are the same: one is enough.
    return (
        "CREATE TEMP TABLE matched AS WITH p AS ("  # noqa: S608 - quoted
        "SELECT * FROM read_parquet($predictions, filename = true, union_by_name = true)"
        f" WHERE {at} >= $start AND {at} < $mature"
        f" QUALIFY row_number() OVER (PARTITION BY {ids}"
        " ORDER BY list_position($predictions, filename)) = 1),"
        " o AS (SELECT prediction_id, outcome FROM read_parquet($outcomes, filename = true,"
        " union_by_name = true) f JOIN arrivals a ON a.address = f.filename"
        " WHERE coalesce(f.outcome_time, a.received) <= $up_to AND outcome IS NOT NULL"
        " QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY a.place) = 1)"
        f" SELECT {columns}, o.outcome AS {_quoted(question.outcome_column)},"
        f" CASE WHEN p.{at} >= $latest THEN '{LATEST}'"
        f" WHEN ('0x' || substr(md5(p.{ids}), 1, 8))::UBIGINT % 100 < $percent"
        f" THEN '{HOLD_OUT}' ELSE '{TRAIN}' END AS part,"
        " o.prediction_id IS NOT NULL AS has_outcome"
        f" FROM p LEFT JOIN o ON o.prediction_id = p.{ids}"
    )


def _values(desk: "_Desk", question: Question) -> dict[str, Any]:
    return {
        "predictions": desk.addresses(question.predictions),
        "outcomes": desk.addresses([name for name, _ in question.outcomes]),
        "start": question.start,
        "mature": question.mature,
        "up_to": question.up_to,
        "latest": question.latest_from,
        "percent": question.hold_out_percent,
    }


def _arrivals(desk: "_Desk", question: Question) -> pa.Table:
    names = desk.addresses([name for name, _ in question.outcomes])
    return pa.table(
        {
            "address": pa.array(names, pa.string()),
            "received": pa.array(
                [moment for _, moment in question.outcomes], pa.timestamp("us", "UTC")
            ),
            "place": pa.array(range(len(names)), pa.int64()),
        }
    )


class _Desk:
    """A connection of its own, which spills to a folder that goes with it."""

    def __enter__(self) -> "_Desk":
        self._folder = tempfile.TemporaryDirectory(prefix="ombud-duck-")
        config = {**SETTINGS, "temp_directory": self._folder.name}
        self.connection = duckdb.connect(":memory:", config=config)
        self._known = False
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self._folder.cleanup()

    def run(self, query: str, **values: Any) -> None:
        self.connection.execute(query, values or None)

    def one(self, query: str, **values: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self.connection.execute(query, values or None).fetchone() or ()
        return found

    def addresses(self, names: Sequence[str]) -> list[str]:
        """Files as DuckDB finds them: local paths, or URLs of a registered file system."""
        filesystem, path_of = store.filesystem()
        if "file" in filesystem.protocol:
            return [path_of(name) for name in names]
        if not self._known:
            self.connection.register_filesystem(filesystem)
            self._known = True
        return [str(filesystem.unstrip_protocol(path_of(name))) for name in names]


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
