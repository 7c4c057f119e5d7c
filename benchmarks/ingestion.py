"""Ingestion: rows per CPU second by format and width, from the bytes that came to the written file.

The path is that of the service without HTTP and database: parse and check, one row for each id,
sort by time, write Parquet for the store. The confined process that reads other people's Parquet is
counted. Beside it the bound: pyarrow writing the same table, with its own choice of dictionaries
and with ours.
"""

import io
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pandas  # noqa: F401 - pyarrow imports it at first use, which is no work of ours
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from monitoring.gateways import parquet, uploads
from registry.schemas import Dtype, Field, FieldRole

WIDTHS = (1, 10, 50)
FORMATS = {
    "Parquet": "application/vnd.apache.parquet",
    "NDJSON": "application/x-ndjson",
    "JSON": "application/json",
    "CSV": "text/csv",
}
BEGIN = np.datetime64("2026-04-01T00:00:00", "us")
DAY = 86_400_000_000
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TRIES = 5


def batch(rows: int, width: int) -> tuple[pa.Table, list[Field]]:
    """An upload of id, time and `width` features: of five, three numbers, one integer, one text."""
    draw = np.random.default_rng([rows, width])
    times = BEGIN + np.sort(draw.integers(0, DAY, rows)).astype("timedelta64[us]")
    columns = {
        "id": pa.array([f"p{number:012d}" for number in draw.permutation(rows)]),
        "at": pa.array(times, pa.timestamp("us", "UTC")),
    }
    fields = [
        Field("id", Dtype.STRING, FieldRole.ID, nullable=False),
        Field("at", Dtype.TIMESTAMP, FieldRole.TIMESTAMP, nullable=False),
    ]
    for place in range(width):
        columns[f"f{place}"], dtype = _column(draw, place, rows)
        fields.append(Field(f"f{place}", dtype, FieldRole.FEATURE))
    return pa.table(columns), fields


def _column(draw: np.random.Generator, place: int, rows: int) -> tuple[pa.Array, Dtype]:
    if place % 5 == 4:
        texts = pa.array(["alpha", "beta", "gamma", "delta"])
        return texts.take(pa.array(draw.integers(0, 4, rows))), Dtype.STRING
    if place % 5 == 3:
        return pa.array(draw.integers(0, 100, rows)), Dtype.INTEGER
    return pa.array(np.round(draw.normal(size=rows), 6)), Dtype.NUMBER


def body(table: pa.Table, kind: str) -> bytes:
    """The upload's bytes in a format."""
    sink = io.BytesIO()
    if kind == "Parquet":
        pq.write_table(table, sink)
        return sink.getvalue()
    spelled = table.set_column(1, "at", pc.strftime(table["at"], "%Y-%m-%dT%H:%M:%SZ"))
    if kind == "CSV":
        csv.write_csv(spelled, sink)
        return sink.getvalue()
    rows = spelled.to_pylist()
    if kind == "JSON":
        return json.dumps({"rows": rows}).encode()
    return "\n".join(map(json.dumps, rows)).encode()


def taken(sent: bytes, kind: str, fields: list[Field]) -> pa.Table:
    """What the service does with an upload, up to the bytes for the store."""
    upload = uploads.parse(sent, content_type=FORMATS[kind], encoding="", fields=fields, now=NOW)
    table = upload.table
    if upload.reasons or len(table["id"].unique()) != table.num_rows:
        raise ValueError(f"The benchmark's own batch is refused: {upload.reasons.first[:3]}")
    table = table.take(pc.sort_indices(table["at"]))
    parquet.written(table)
    return table


def cheapest(action: Callable[[], object]) -> float:
    """CPU seconds of an action, the least of some tries, with those of the reading processes."""
    found = []
    for _ in range(TRIES):
        began = _cpu()
        action()
        found.append(_cpu() - began)
    return min(found)


def _cpu() -> float:
    """CPU seconds of this process and of those it started, which are still there."""
    theirs = (time.clock_gettime(_clock_of(child.pid)) for child in psutil.Process().children())
    return time.process_time() + sum(theirs)


def _clock_of(process: int) -> int:
    """The number of a process' CPU clock, as Linux makes it from its id."""
    return (~process << 3) | 2


def _plainly(table: pa.Table) -> None:
    pq.write_table(table, io.BytesIO(), compression="zstd", write_page_checksum=True)


def measured(rows: int, width: int, kind: str) -> dict[str, object]:
    """Rows per CPU second of the whole path and of both bounds."""
    table, fields = batch(rows, width)
    sent = body(table, kind)
    kept = taken(sent, kind, fields)
    return {
        "format": kind,
        "width": width,
        "rows": rows,
        "bytes": len(sent),
        "taken": rows / cheapest(partial(taken, sent, kind, fields)),
        "default": rows / cheapest(partial(_plainly, kept)),
        "same": rows / cheapest(partial(parquet.written, kept)),
    }


def main(rows: str) -> int:
    began = time.process_time()
    # A body has at most 64 MiB: the widest batch has fewer rows.
    found = [
        measured(int(rows) if width < 50 else int(rows) * 2 // 5, width, kind)
        for kind in FORMATS
        for width in WIDTHS
    ]
    said = {"work": time.process_time() - began, "found": found}
    sys.stdout.write(f"{json.dumps(said)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
