"""The footer of a Parquet file: how many rows, which columns. No data page is ever decoded here."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MAX_FOOTER_BYTES = 16 * 1024 * 1024
MAX_FOOTER_ITEMS = 1_000_000


class NotParquet(Exception):
    """The bytes are no Parquet file, or one whose footer cannot be read."""


@dataclass(frozen=True)
class Footer:
    """Rows, and the kind of every column: number, integer, string, boolean, timestamp or other."""

    rows: int
    columns: tuple[tuple[str, str], ...]


def read_footer(source: Path) -> Footer:
    """What the footer says; it may lie about the pages, which are read under budgets later.

    Raises:
        NotParquet: with what is wrong.
    """
    try:
        with pq.ParquetFile(
            source,
            thrift_string_size_limit=MAX_FOOTER_BYTES,
            thrift_container_size_limit=MAX_FOOTER_ITEMS,
            arrow_extensions_enabled=False,
        ) as opened:
            schema = opened.schema_arrow
            return Footer(
                opened.metadata.num_rows, tuple((column.name, _kind(column)) for column in schema)
            )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise NotParquet(f"This is no readable Parquet file: {str(error)[:200]}") from error


def _kind(column: pa.Field) -> str:
    found = column.type
    if pa.types.is_dictionary(found):
        found = found.value_type
    for kind, checks in KINDS.items():
        if any(check(found) for check in checks):
            return kind
    return "other"


def _is_zoned(found: pa.DataType) -> bool:
    return pa.types.is_timestamp(found) and found.tz is not None


KINDS = {
    "number": (pa.types.is_floating, pa.types.is_decimal),
    "integer": (pa.types.is_integer,),
    "string": (pa.types.is_string, pa.types.is_large_string),
    "boolean": (pa.types.is_boolean,),
    "timestamp": (_is_zoned,),
}
