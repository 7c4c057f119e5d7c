"""One Parquet file of the log: which of its rows are the subject's, and the file without them."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitoring.gateways.parquet import written
from registry.gateways import store


def ids_where(path: str, *, id_column: str, column: str, values: Collection[str]) -> set[str]:
    """The ids of rows whose column has one of the values; only the two columns are read."""
    table = _columns(path, [id_column, column])
    if column not in table.column_names:
        return set()
    found = table.filter(_mask(table.column(column), values))
    return {str(one) for one in found.column(id_column).to_pylist()}


def count(path: str, *, column: str, values: Collection[str]) -> tuple[int, int]:
    """Rows of the file, and how many of them have one of the values."""
    table = _columns(path, [column])
    return table.num_rows, pc.sum(_mask(table.column(column), values)).as_py() or 0


def positions(path: str, *, column: str, values: Collection[str]) -> np.ndarray[Any, Any]:
    """At which places of the file such rows are, shape (rows found,), ascending."""
    table = _columns(path, [column])
    if column not in table.column_names:
        return np.array([], dtype=np.int64)
    found = pc.indices_nonzero(_mask(table.column(column), values))
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def without(path: str, *, column: str, values: Collection[str]) -> tuple[bytes, int]:
    """The file without these rows as bytes, and how many rows are left."""
    table = pq.read_table(pa.BufferReader(store.read(path)), page_checksum_verification=True)
    left = table.filter(pc.invert(_mask(table.column(column), values)))
    return written(left), left.num_rows


def _columns(path: str, names: list[str]) -> pa.Table:
    with store.opened(path) as source:
        file = pq.ParquetFile(pa.PythonFile(source, mode="r"))
        there = [name for name in dict.fromkeys(names) if name in file.schema_arrow.names]
        return file.read(columns=there)


def _mask(column: pa.ChunkedArray, values: Collection[str]) -> pa.ChunkedArray:
    wanted = pa.array(sorted(values), pa.string())
    if not column.num_chunks or not len(column):
        return pa.chunked_array([pa.array([], pa.bool_())])
    return pc.is_in(pc.cast(column, pa.string()), wanted)
