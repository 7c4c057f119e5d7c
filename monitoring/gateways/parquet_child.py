"""Reads other people's Parquet in a process of its own, under limits the kernel keeps.

Started by `parquet.py` as a plain script, so that a file made to exhaust memory or to crash the
decoder ends this process and not a web worker. Speaks over its pipes: a JSON line with the budgets
and the length, the bytes; back comes a JSON line and, where all is well, an Arrow stream.
"""

import io
import json
import resource
import struct
import sys
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

MEMORY = 3 * 1024**3
BATCH = 65_536
REFERENCE = 4  # bytes that refer to a text of a dictionary
PLAIN = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_boolean,
    pa.types.is_timestamp,
    pa.types.is_date,
    pa.types.is_null,
    pa.types.is_dictionary,
    pa.types.is_decimal,
)


class Bad(Exception):
    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.answer: dict[str, Any] = {"status": status, "code": code, "detail": detail}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while line := source.readline():
        budget = json.loads(line)
        _reply(sink, budget, source.read(budget["length"]))


def _reply(sink: BinaryIO, budget: dict[str, Any], body: bytes) -> None:
    stream = b""
    answer: dict[str, Any] = {"status": 200}
    try:
        stream = _stream(_read(body, budget))
    except Bad as refused:
        answer = refused.answer
    except MemoryError:
        answer = Bad(422, "decoded_bytes", "The file unpacks to too much.").answer
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        text = str(error).splitlines() or [""]
        answer = Bad(400, "parquet", f"The file cannot be read: {text[0][:200]}").answer
    sink.write(json.dumps({**answer, "length": len(stream)}).encode() + b"\n")
    sink.write(stream)
    sink.flush()


def _read(body: bytes, budget: dict[str, Any]) -> pa.Table:
    file = pq.ParquetFile(io.BytesIO(body), page_checksum_verification=True, pre_buffer=False)
    _footer(file, budget)
    names = _repeated(file)
    if names:
        # These stay dictionary-encoded: five thousand times one long text is then kept once.
        file = pq.ParquetFile(
            io.BytesIO(body),
            read_dictionary=names,
            page_checksum_verification=True,
            pre_buffer=False,
        )
    batches, size = [], 0
    for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
        size += _decoded_size(batch)
        if size > budget["decoded"]:
            raise Bad(422, "decoded_bytes", "The file unpacks to too much; send smaller batches.")
        batches.append(batch)
    table = pa.Table.from_batches(batches, file.schema_arrow)
    if table.num_rows != file.metadata.num_rows:
        raise Bad(422, "inconsistent", "The footer's row count is not what the pages hold.")
    table.validate(full=True)
    return table


def _footer(file: pq.ParquetFile, budget: dict[str, Any]) -> None:
    if file.metadata.num_columns > budget["columns"]:
        raise Bad(422, "column_limit", f"Send at most {budget['columns']} columns.")
    if file.metadata.num_rows > budget["rows"]:
        raise Bad(422, "row_limit", f"Send at most {budget['rows']} rows in one batch.")
    for field in file.schema_arrow:
        if not any(is_kind(field.type) for is_kind in PLAIN):
            kind = str(field.type)[:60]
            raise Bad(422, "unsupported_type", f"Column {field.name[:60]!r} is {kind}: send flat.")
    groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
    if sum(group.num_rows for group in groups) != file.metadata.num_rows:
        raise Bad(422, "inconsistent", "The footer's row counts contradict each other.")


def _repeated(file: pq.ParquetFile) -> list[str]:
    """The texts that take less room in the file than a reference to each of them would.

    Others are read as they are, because building a dictionary of texts that are all different
    costs more than reading them. A footer that lies about it meets the limits of this process.
    """
    kinds = (pa.types.is_string, pa.types.is_large_string)
    footer, found = file.metadata, []
    for place, field in enumerate(file.schema_arrow):
        if any(kind(field.type) for kind in kinds):
            groups = range(footer.num_row_groups)
            size = sum(footer.row_group(n).column(place).total_uncompressed_size for n in groups)
            if size < REFERENCE * footer.num_rows:
                found.append(field.name)
    return found


def _decoded_size(batch: pa.RecordBatch) -> int:
    """The bytes that a batch has without dictionaries, found without making them."""
    return sum(_column_size(column) for column in batch.columns)


def _column_size(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pa.compute.binary_length(column.dictionary)
    return int(pa.compute.sum(pa.compute.take(lengths, column.indices)).as_py() or 0)


def _stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


if __name__ == "__main__":
    import pyarrow.compute

    main()
