"""JSON, NDJSON and CSV as columns of Python values: strict where the libraries are lenient.

Python's json takes NaN, 1e999 and the last of two equal keys; its csv takes ragged rows. Here each
is refused with a sentence.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from monitoring.gateways.refusals import UploadRefused
from registry.schemas import Dtype, Field

MOST_ROWS = 1_000_000
MOST_COLUMNS = 1_000
DEEPEST = 32
WIDEST_FIELD = 131_072
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
INTEGER = re.compile(r"[+-]?\d{1,19}")
UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass
class Sheet:
    """Columns of equal length; `None` stands for a value that is not there."""

    columns: dict[str, list[Any]]
    rows: int


def from_json(body: bytes) -> Sheet:
    """`{"rows": [{…}, …]}`."""
    document = _loads(_text(body))
    if not isinstance(document, dict) or not isinstance(document.get("rows"), list):
        _too_deep(document)
        raise UploadRefused(400, "shape", 'Send an object with a list: {"rows": [{…}, …]}.')
    if len(document) > 1:
        raise UploadRefused(400, "shape", 'Beside "rows" the object may hold nothing.')
    return _sheet(document["rows"])


def from_ndjson(body: bytes) -> Sheet:
    """One JSON object per line; empty lines are passed over."""
    return _sheet(_objects(_text(body)))


def from_csv(body: bytes, fields: Sequence[Field]) -> Sheet:
    """CSV with a header; numbers and booleans are read as the schema declares, empty is null."""
    lines = _csv_lines(_text(body))
    header = next(lines, None)
    if header is None:
        raise UploadRefused(400, "empty", "The file is empty: send a header and rows.")
    names = _header(header)
    kept: list[list[str]] = []
    for number, line in enumerate(lines, start=2):
        if len(line) != len(names):
            raise _ragged(number, len(line), len(names))
        kept.append(line)
        _within_rows(len(kept))
    dtypes = {field.name: field.dtype for field in fields}
    values = list(zip(*kept, strict=True)) if kept else [()] * len(names)
    columns = {
        name: _typed(values[place], dtypes.get(name, Dtype.STRING))
        for place, name in enumerate(names)
    }
    return Sheet(columns, len(kept))


def checked_names(names: Iterable[str]) -> None:
    """Refuse names that are equal, look equal, hold invisible signs, or are too many."""
    seen: set[str] = set()
    for name in names:
        plain = unicodedata.normalize("NFC", name)
        if plain in seen:
            raise UploadRefused(422, "ambiguous", f"Two columns are called {plain[:60]!r}.")
        seen.add(plain)
        if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs"} for sign in name):
            raise UploadRefused(
                422, "name", f"The column name {name[:60]!a} holds invisible signs."
            )
        if len(seen) > MOST_COLUMNS:
            raise UploadRefused(422, "column_limit", f"Send at most {MOST_COLUMNS} columns.")


def _text(body: bytes) -> str:
    if body.startswith(UTF16):
        raise UploadRefused(415, "charset", "The text is UTF-16; send UTF-8.")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UploadRefused(
            400, "charset", f"The text is not UTF-8 at byte {error.start}."
        ) from error


def _objects(text: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line and not line.isspace():
            yield _loads(line, f"line {number}: ")


def _loads(text: str, where: str = "") -> Any:
    try:
        return DECODER.decode(text)
    except RecursionError as error:
        raise UploadRefused(400, "depth", f"{where}Nested deeper than {DEEPEST}.") from error
    except json.JSONDecodeError as error:
        raise UploadRefused(
            400, "json", f"{where}{error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except ValueError as error:  # a number of thousands of digits
        raise UploadRefused(400, "json", f"{where}{str(error)[:120]}") from error


def _no_constant(name: str) -> NoReturn:
    raise UploadRefused(400, "json", f"{name} is no JSON: send null where there is no number.")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UploadRefused(400, "json", f"An object has the key {twice[:60]!r} twice.")
    return found


DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_doubles)


def _sheet(objects: Iterable[Any]) -> Sheet:
    rows: list[dict[str, Any]] = []
    names: dict[str, None] = {}
    for row in objects:
        if not isinstance(row, dict):
            _too_deep(row)
            raise UploadRefused(400, "shape", f"Row {len(rows)} is no object of field and value.")
        if not row.keys() <= names.keys():
            names |= dict.fromkeys(row)
            checked_names(names)
        rows.append(row)
        _within_rows(len(rows))
    return Sheet({name: [row.get(name) for row in rows] for name in names}, len(rows))


def _too_deep(value: Any) -> None:
    """Refuse nesting beyond the limit, level by level."""
    level = [value]
    for _ in range(DEEPEST):
        nested = [item for item in level if isinstance(item, dict | list)]
        level = [x for item in nested for x in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return
    raise UploadRefused(400, "depth", f"Nested deeper than {DEEPEST}; rows are flat.")


def _within_rows(count: int) -> None:
    if count > MOST_ROWS:
        raise UploadRefused(422, "row_limit", f"Send at most {MOST_ROWS} rows in one batch.")


def _csv_lines(text: str) -> Iterator[list[str]]:
    # The limit of csv is global to the process; it is always this one.
    csv.field_size_limit(WIDEST_FIELD)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from (line for line in lines if line)
    except csv.Error as error:
        code = "field_limit" if "field limit" in str(error) else "csv"
        raise UploadRefused(400, code, f"Line {lines.line_num}: {error}.") from error


def _header(names: list[str]) -> list[str]:
    twice = [name for name in names if names.count(name) > 1] if len(names) < MOST_COLUMNS else []
    if twice:
        raise UploadRefused(422, "ambiguous", f"Two columns are called {twice[0][:60]!r}.")
    checked_names(names)
    return names


def _ragged(number: int, found: int, wanted: int) -> UploadRefused:
    return UploadRefused(
        422, "ragged", f"Line {number} has {found} values, the header names {wanted}.", line=number
    )


def _typed(values: Sequence[str], dtype: Dtype) -> list[Any]:
    read = READERS.get(dtype)
    if read is None:
        return [value or None for value in values]
    return [read(value) if value else None for value in values]


def _number(text: str) -> Any:
    return float(text) if NUMBER.fullmatch(text) else text


def _integer(text: str) -> Any:
    return int(text) if INTEGER.fullmatch(text) else text


def _boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


READERS = {Dtype.NUMBER: _number, Dtype.INTEGER: _integer, Dtype.BOOLEAN: _boolean}
