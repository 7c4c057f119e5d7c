"""Typed columns: values as they came become Arrow columns, never by changing their type.

A value of another type is told by row, field and code. Ranges and categories of what a
model saw are not checked here: a value outside them is what data-quality monitors are there to
find. An outcome of no known class could never be counted, so it is refused.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.gateways.refusals import Reasons, UploadRefused
from monitoring.gateways.rows import Sheet
from registry.schemas import Dtype, Field, FieldRole

LONGEST_TEXT = 10_000
LONGEST_ID = 100
EXACT = 2**53
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(hours=24)
MOMENT = pa.timestamp("us", "UTC")
TYPES = {
    Dtype.NUMBER: pa.float64(),
    Dtype.INTEGER: pa.int64(),
    Dtype.STRING: pa.string(),
    Dtype.BOOLEAN: pa.bool_(),
    Dtype.TIMESTAMP: MOMENT,
}
PYTHON: dict[Dtype, set[type]] = {
    Dtype.NUMBER: {int, float},
    Dtype.INTEGER: {int},
    Dtype.STRING: {str},
    Dtype.BOOLEAN: {bool},
    Dtype.TIMESTAMP: {str},
}
SAYS = {
    Dtype.NUMBER: "a number",
    Dtype.INTEGER: "a whole number",
    Dtype.STRING: "text",
    Dtype.BOOLEAN: "true or false",
    Dtype.TIMESTAMP: "a time with its zone, such as 2026-04-01T12:00:00Z",
}
ISO = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII
)


def typed(
    sheet: "Sheet | pa.Table", fields: Sequence[Field], reasons: Reasons, *, now: datetime
) -> pa.Table:
    """The columns of `fields`, typed; what is wrong with them goes to `reasons`."""
    names = sheet.columns.keys() if isinstance(sheet, Sheet) else sheet.column_names
    rows = sheet.rows if isinstance(sheet, Sheet) else sheet.num_rows
    _known_names(set(names), fields, reasons)
    made = {}
    for field in fields:
        if field.name not in names:
            made[field.name] = pa.nulls(rows, TYPES[field.dtype])
        elif isinstance(sheet, Sheet):
            made[field.name] = _from_values(field, sheet.columns[field.name], reasons)
        else:
            made[field.name] = _from_arrow(field, sheet.column(field.name), reasons)
        _content(field, made[field.name], reasons, now)
    return pa.table(made)


def _known_names(names: set[str], fields: Sequence[Field], reasons: Reasons) -> None:
    wanted = {field.name for field in fields}
    for name in sorted(names - wanted):
        message = "The schema has no such field; leave it out or declare it."
        reasons.add(None, name[:120], "unknown_field", message)
    for field in fields:
        if field.name not in names and not field.nullable:
            reasons.add(None, field.name, "missing_field", "This field is required.")


def _from_values(field: Field, values: list[Any], reasons: Reasons) -> pa.Array:
    allowed = PYTHON[field.dtype] | {type(None)}
    if not set(map(type, values)) <= allowed:
        values = _only(field, values, allowed, reasons)
    if field.dtype is Dtype.TIMESTAMP:
        return pa.array(_moments(field, values, reasons), MOMENT)
    if field.dtype in {Dtype.NUMBER, Dtype.INTEGER}:
        values = _exact(field, values, reasons)
    try:
        return pa.array(values, TYPES[field.dtype])
    except UnicodeEncodeError as error:
        raise UploadRefused(
            400, "charset", f"{field.name}: a text holds half a sign (a lone surrogate)."
        ) from error


def _only(field: Field, values: list[Any], allowed: set[type], reasons: Reasons) -> list[Any]:
    kept = []
    for row, value in enumerate(values):
        if type(value) in allowed:
            kept.append(value)
        else:
            code = "nested" if isinstance(value, dict | list) else "type"
            reasons.add(row, field.name, code, f"Send {SAYS[field.dtype]}, not {_what(value)}.")
            kept.append(None)
    return kept


def _what(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object or a list"
    return f"the {'text' if isinstance(value, str) else type(value).__name__} {value!r}"[:60]


def _exact(field: Field, values: list[Any], reasons: Reasons) -> list[Any]:
    """Integers that a double would round, or 64 bits cannot hold, are told apart."""
    limit = EXACT if field.dtype is Dtype.NUMBER else 2**63 - 1
    whole = [value for value in values if type(value) is int]
    if not whole or (max(whole) <= limit and min(whole) >= -limit):
        return values
    kept = []
    for row, value in enumerate(values):
        if type(value) is int and abs(value) > limit:
            reasons.add(row, field.name, "too_large", f"At most {limit} can be kept exactly.")
            value = None
        kept.append(value)
    return kept


def _moments(field: Field, values: list[Any], reasons: Reasons) -> list[datetime | None]:
    kept = []
    for row, value in enumerate(values):
        found = None if value is None else _moment(value)
        if found is None and value is not None:
            message = f"Send {SAYS[field.dtype]}, not {value[:40]!r}."
            reasons.add(row, field.name, "timestamp", message)
        kept.append(found)
    return kept


def _moment(text: str) -> datetime | None:
    if not ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.replace(",", ".").upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _from_arrow(field: Field, column: pa.ChunkedArray, reasons: Reasons) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not pa.types.is_null(column.type) and not _fits(field.dtype, column.type):
        message = f"The column holds {column.type}; send {SAYS[field.dtype]}."
        reasons.add(None, field.name, "type", message[:200])
        return pa.nulls(len(column), TYPES[field.dtype])
    try:
        return column.cast(TYPES[field.dtype], safe=field.dtype != Dtype.TIMESTAMP).combine_chunks()
    except pa.ArrowInvalid as error:
        reasons.add(None, field.name, "type", str(error)[:200])
        return pa.nulls(len(column), TYPES[field.dtype])


def _fits(dtype: Dtype, found: pa.DataType) -> bool:
    if dtype is Dtype.TIMESTAMP:
        return bool(pa.types.is_timestamp(found) and found.tz)
    if dtype is Dtype.STRING:
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    if dtype is Dtype.BOOLEAN:
        return bool(pa.types.is_boolean(found))
    whole = bool(pa.types.is_integer(found))
    return whole or (dtype is Dtype.NUMBER and bool(pa.types.is_floating(found)))


def _content(field: Field, column: pa.Array, reasons: Reasons, now: datetime) -> None:
    if not field.nullable and column.null_count:
        # A value that was of the wrong type is null by now and has been told already.
        for row in _where(pc.is_null(column), reasons):
            reasons.add(row, field.name, "missing", "Every row needs a value here.")
    _classes(field, column, reasons)
    if field.dtype is Dtype.NUMBER:
        for row in _where(pc.invert(pc.is_finite(column))):
            reasons.add(row, field.name, "not_finite", "Send a finite number, or null.")
    elif field.dtype is Dtype.STRING:
        _texts(field, column, reasons)
    elif field.dtype is Dtype.TIMESTAMP:
        _times(field, column, reasons, now)


def _classes(field: Field, column: pa.Array, reasons: Reasons) -> None:
    if field.role is not FieldRole.OUTCOME or not field.categories:
        return
    known = pa.array(field.categories, pa.string())
    strange = pc.and_(
        pc.is_valid(column), pc.invert(pc.is_in(column.cast(pa.string()), value_set=known))
    )
    for row in _where(strange):
        reasons.add(row, field.name, "unknown_class", f"Known are {known.to_pylist()[:20]}.")


def _texts(field: Field, column: pa.Array, reasons: Reasons) -> None:
    if _has_nul(column):
        for row in _where(pc.match_substring(column, "\x00")):
            reasons.add(row, field.name, "nul", "The text holds a NUL sign.")
    longest = LONGEST_ID if field.role is FieldRole.ID else LONGEST_TEXT
    # No text has more signs than bytes: the bytes are known without looking at the text.
    if (pc.max(pc.binary_length(column)).as_py() or 0) > longest:
        for row in _where(pc.greater(pc.utf8_length(column), longest)):
            reasons.add(row, field.name, "too_long", f"At most {longest} signs.")
    if field.role is FieldRole.ID:
        for row in _where(pc.equal(column, "")):
            reasons.add(row, field.name, "missing", "The id is empty.")


def _has_nul(column: pa.Array) -> bool:
    """Whether a NUL is anywhere in the bytes behind a column of texts; mostly there is none."""
    behind = column.buffers()[2]
    return behind is not None and b"\x00" in behind.to_pybytes()


def _times(field: Field, column: pa.Array, reasons: Reasons, now: datetime) -> None:
    early = pc.less(column, pa.scalar(EARLIEST, MOMENT))
    late = pc.greater(column, pa.scalar(now + AHEAD, MOMENT))
    for row in _where(pc.or_(early, late)):
        message = "Times lie between 1970 and a day from now."
        reasons.add(row, field.name, "time_range", message)


def _where(flags: pa.Array, told: Reasons | None = None) -> list[int]:
    """The rows where a condition holds, without those that have been told about already."""
    if not pc.any(flags).as_py():
        return []
    rows = np.flatnonzero(pc.fill_null(flags, fill_value=False).to_numpy(zero_copy_only=False))
    return [int(row) for row in rows if told is None or int(row) not in told.rows]
