"""Parquet: other people's read by a confined process, our own written for the object store."""

import atexit
import contextlib
import io
import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from monitoring.gateways.decoding import LARGEST_DECODED
from monitoring.gateways.refusals import UploadRefused
from monitoring.gateways.rows import MOST_COLUMNS, MOST_ROWS

MAGIC = b"PAR1"
CHILD = Path(__file__).with_name("parquet_child.py")
SECONDS = 20
READERS = 2
SAMPLE = 2_048


class Reader:
    """One confined process; it is replaced when it dies or takes too long."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def read(self, body: bytes) -> pa.Table:
        process = self._started()
        timer = threading.Timer(SECONDS, process.kill)
        timer.start()
        try:
            return _exchange(process, body)
        except (BrokenPipeError, EOFError) as error:
            self.stop()
            raise UploadRefused(
                422, "decoded_bytes", "Reading the file took too much memory or time."
            ) from error
        finally:
            timer.cancel()

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(  # noqa: S603 - our own script, no shell
                [sys.executable, "-I", str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"},
            )
        return self.process

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        process.wait()


_free: "queue.LifoQueue[Reader]" = queue.LifoQueue()
_all = [Reader() for _ in range(READERS)]
for _reader in _all:
    _free.put(_reader)
    atexit.register(_reader.stop)


def read_parquet(body: bytes) -> pa.Table:
    """The table in somebody's Parquet file, read within budgets of rows, columns and bytes.

    Raises:
        UploadRefused: 415 if it is no Parquet, 400 if it is damaged, 422 if it is too much.
    """
    if not body.startswith(MAGIC):
        raise UploadRefused(415, "format", "This is no Parquet file.")
    if not body.endswith(MAGIC):
        raise UploadRefused(400, "parquet", "The Parquet file stops before its end.")
    reader = _free.get()
    try:
        return reader.read(body)
    finally:
        _free.put(reader)


def written(table: pa.Table) -> bytes:
    """A table as Parquet for the store: zstd, with a checksum in every page.

    Only columns whose values repeat get a dictionary: of ids and measured numbers it would be
    built, found too large and thrown away, which takes longer than writing them.
    """
    sink = io.BytesIO()
    pq.write_table(
        table, sink, compression="zstd", write_page_checksum=True, use_dictionary=_repeating(table)
    )
    return sink.getvalue()


def _repeating(table: pa.Table) -> list[str]:
    """The columns where a value comes twice or oftener, judged by rows from all over the table."""
    step = -(-table.num_rows // SAMPLE) or 1
    sample = table.take(pa.array(range(0, table.num_rows, step), pa.int64()))
    return [
        name
        for name in table.column_names
        if 2 * len(sample.column(name).unique()) <= sample.num_rows
    ]


def _exchange(process: subprocess.Popen[bytes], body: bytes) -> pa.Table:
    assert process.stdin is not None  # noqa: S101 - both pipes are opened above
    assert process.stdout is not None  # noqa: S101 - both pipes are opened above
    budget = {"rows": MOST_ROWS, "columns": MOST_COLUMNS, "decoded": LARGEST_DECODED}
    process.stdin.write(json.dumps({**budget, "length": len(body)}).encode() + b"\n" + body)
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise EOFError
    answer: dict[str, Any] = json.loads(line)
    stream = process.stdout.read(answer["length"])
    if len(stream) != answer["length"]:
        raise EOFError
    if answer["status"] != 200:
        raise UploadRefused(answer["status"], answer["code"], answer["detail"])
    return pa.ipc.open_stream(stream).read_all()
