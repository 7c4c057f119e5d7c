"""DuckDB over the files of the object store: which rows are there already, and what joins.

Extensions are never downloaded; files that are not local are handed over through fsspec.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from registry.gateways import store

SETTINGS: dict[str, Any] = {
    "threads": 1,
    "memory_limit": "1GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_kept = threading.local()


def places_known(rows: pa.Table, names: Sequence[str], id_column: str, at_column: str) -> list[int]:
    """Which of `rows` (place, id, at) are in the files already: same id at the same time."""
    if not names:
        return []
    query = (
        f"SELECT DISTINCT r.place FROM rows r JOIN read_parquet($files) f"  # noqa: S608 - quoted
        f" ON f.{_quoted(id_column)} = r.id AND f.{_quoted(at_column)} = r.at"
    )
    found = _table(query, names, rows)
    return [int(place) for place in found.column("place").to_pylist()]


def ids_known(rows: pa.Table, names: Sequence[str], id_column: str) -> set[str]:
    """Which ids of `rows` are in the files."""
    if not names:
        return set()
    query = (
        f"SELECT DISTINCT r.id FROM rows r JOIN read_parquet($files) f"  # noqa: S608 - quoted
        f" ON f.{_quoted(id_column)} = r.id"
    )
    return set(_table(query, names, rows).column("id").to_pylist())


def ids_changed(rows: pa.Table, names: Sequence[str], id_column: str) -> set[str]:
    """Which ids of `rows` are in the files with another value in any column."""
    # Names of our own, so that theirs cannot clash with them.
    columns = {f"c{n}": name for n, name in enumerate(rows.column_names)}
    theirs = rows.rename_columns(list(columns))
    key = next(own for own, name in columns.items() if name == id_column)
    differs = " OR ".join(
        f"r.{own} IS DISTINCT FROM f.{_quoted(name)}" for own, name in columns.items()
    )
    query = (
        f"SELECT DISTINCT r.{key} AS id FROM rows r"  # noqa: S608 - quoted
        f" JOIN read_parquet($files) f ON f.{_quoted(id_column)} = r.{key} WHERE {differs}"
    )
    return set(_table(query, names, theirs).column("id").to_pylist())


def joined(
    rows: pa.Table, names: Sequence[str], id_column: str, columns: Sequence[str]
) -> tuple[list[int], pa.Table]:
    """The places of `rows` (place, id) found in the files, and `columns` of what was found.

    Where several files hold an id, the first file in the order of `names` counts.
    """
    if not names:
        return [], pa.table({name: pa.nulls(0) for name in columns})
    # The columns have names of our own on the way, so that theirs cannot clash with them.
    wanted = "".join(f", f.{_quoted(name)} AS c{n}" for n, name in enumerate(columns))
    query = (
        f"SELECT r.place{wanted} FROM rows r"  # noqa: S608 - quoted
        " JOIN read_parquet($files, filename = true, union_by_name = true) f"
        f" ON f.{_quoted(id_column)} = r.id"
        " QUALIFY row_number() OVER"
        " (PARTITION BY r.id ORDER BY list_position($files, f.filename)) = 1"
    )
    found = _table(query, names, rows)
    places = [int(place) for place in found.column("place").to_pylist()]
    return places, found.drop_columns("place").rename_columns(list(columns))


def sample(
    names: Sequence[str],
    *,
    id_column: str,
    at_column: str,
    columns: Sequence[str],
    between: tuple[datetime, datetime],
    most: int,
) -> pa.Table:
    """At most so many rows of a time, each once: those whose id has the smallest MD5."""
    if not names:
        return pa.table({name: pa.nulls(0) for name in columns})
    wanted = ", ".join(f"{_quoted(name)} AS c{n}" for n, name in enumerate(columns))
    ids, at = _quoted(id_column), _quoted(at_column)
    query = (
        f"SELECT {wanted} FROM read_parquet($files, union_by_name = true)"  # noqa: S608 - quoted
        f" WHERE {at} >= $start AND {at} < $end"
        f" QUALIFY row_number() OVER (PARTITION BY {ids}, {at}) = 1"
        f" ORDER BY md5({ids}), {at} LIMIT {int(most)}"
    )
    start, end = between
    found = _table(query, names, start=start, end=end)
    return found.rename_columns(list(columns))


def rows_of(names: Sequence[str], *, column: str, value: str, most: int) -> list[dict[str, Any]]:
    """The rows of the files whose column has this value, whole, in the order of the files."""
    if not names:
        return []
    query = (
        f"SELECT * FROM read_parquet($files, union_by_name = true)"  # noqa: S608 - quoted
        f" WHERE {_quoted(column)} = $value LIMIT {int(most)}"
    )
    found: list[dict[str, Any]] = _table(query, names, value=value).to_pylist()
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _table(
    query: str, names: Sequence[str], rows: pa.Table | None = None, **values: Any
) -> pa.Table:
    with _cursor() as cursor:
        if rows is not None:
            cursor.register("rows", rows)
        files = [_address(name) for name in names]
        return cursor.sql(query, params={"files": files, **values}).to_arrow_table()


@contextmanager
def _cursor() -> Iterator[Any]:
    """A cursor on a connection that the thread keeps; opening one costs more than a query."""
    if not hasattr(_kept, "connection"):
        _kept.connection = duckdb.connect(":memory:", config=SETTINGS)
        _kept.filesystems = set()
    cursor = _kept.connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()


def _address(name: str) -> str:
    """The file's path as DuckDB finds it: a local path, or a URL of a registered file system."""
    filesystem, path_of = store.filesystem()
    if "file" in filesystem.protocol:
        return path_of(name)
    key = str(filesystem.protocol)
    if key not in _kept.filesystems:
        _kept.connection.register_filesystem(filesystem)
        _kept.filesystems.add(key)
    return str(filesystem.unstrip_protocol(path_of(name)))
