"""What data must look like before a model learns from them: a suite, as words and numbers. Pure.

A suite is sent as JSON or YAML and stored as one object; nothing in it is ever executed:

    rows: {minimum: 1000, maximum: 5000000}
    unique: [prediction_id]
    columns:
      temperature: {dtype: number, minimum: -60, maximum: 140, missing_at_most: 0.2}
      carrier: {dtype: string, among: [AA, UA, DL], required: true}

`required` means that no value may be missing. `pattern` must match a text as a whole.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from audit.chain import sha256_of
from registry.schemas import Dtype, FieldRole, PredictionSchema

MOST_COLUMNS = 1_000
MOST_VALUES = 2_000
LARGEST = 512 * 1024
DTYPES = frozenset({"number", "integer", "string", "boolean", "timestamp"})
COLUMN_KEYS = frozenset(
    {"dtype", "minimum", "maximum", "among", "pattern", "missing_at_most", "required"}
)
LEARNED_FROM = (
    FieldRole.FEATURE,
    FieldRole.OUTCOME,
    FieldRole.WEIGHT,
    FieldRole.GROUP,
    FieldRole.SEGMENT,
)


class ChecksInvalid(ValueError):
    """The suite cannot be read, or says something that makes no sense; `field` says where."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.field = name


def read(text: str) -> dict[str, Any]:
    """A suite out of JSON or YAML text, checked."""
    if len(text) > LARGEST:
        raise ChecksInvalid("checks", "A suite has at most 512 KiB.")
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ChecksInvalid("checks", "This is neither JSON nor YAML.") from error
    return parse(found)


def _yaml(text: str) -> Any:
    # An alias makes a small text a large object.
    if re.search(r"(^|[\s:\[,-])[&*][A-Za-z0-9_]", text):
        raise ChecksInvalid("checks", "Anchors and aliases are not read; write it out.")
    return yaml.safe_load(text)


def parse(sent: object) -> dict[str, Any]:
    """The suite, checked and in its stored form.

    Raises:
        ChecksInvalid: the first part that makes no sense.
    """
    if not isinstance(sent, Mapping) or set(sent) - {"rows", "unique", "columns"}:
        raise ChecksInvalid("checks", "A suite has rows, unique and columns, and nothing else.")
    columns = sent.get("columns")
    if not isinstance(columns, Mapping) or not 1 <= len(columns) <= MOST_COLUMNS:
        raise ChecksInvalid("columns", f"Name 1 to {MOST_COLUMNS:,} columns.")
    unique = sent.get("unique") or []
    if not isinstance(unique, list) or not all(isinstance(one, str) for one in unique):
        raise ChecksInvalid("unique", "unique: a list of names of columns.")
    found = {str(name): _column(str(name), said) for name, said in columns.items()}
    return {"rows": _rows(sent.get("rows") or {}), "unique": unique, "columns": found}


def digest_of(suite: Mapping[str, Any]) -> str:
    return sha256_of({"suite": json.dumps(suite, sort_keys=True)})


def _rows(said: object) -> dict[str, int]:
    if not isinstance(said, Mapping) or set(said) - {"minimum", "maximum"}:
        raise ChecksInvalid("rows", "rows: a minimum and a maximum.")
    for value in said.values():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ChecksInvalid("rows", "rows: whole numbers.")
    return {str(name): value for name, value in said.items()}


def _column(name: str, said: object) -> dict[str, Any]:
    if not isinstance(said, Mapping) or set(said) - COLUMN_KEYS:
        known = ", ".join(sorted(COLUMN_KEYS))
        raise ChecksInvalid(name, f"{name}: a column is told {known}.")
    if said.get("dtype") not in DTYPES:
        raise ChecksInvalid(name, f"{name}: its dtype is one of {', '.join(sorted(DTYPES))}.")
    for key in ("minimum", "maximum", "missing_at_most"):
        _number(name, key, said.get(key))
    if not isinstance(said.get("required", False), bool):
        raise ChecksInvalid(name, f"{name}: required is true or false.")
    if not 0 <= said.get("missing_at_most", 0) <= 1:
        raise ChecksInvalid(name, f"{name}: missing_at_most is a share between 0 and 1.")
    _words(name, said)
    return dict(said)


def _number(name: str, key: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ChecksInvalid(name, f"{name}: {key} is a number.")


def _words(name: str, said: Mapping[str, Any]) -> None:
    among = said.get("among")
    if among is not None and (not isinstance(among, list) or not 1 <= len(among) <= MOST_VALUES):
        raise ChecksInvalid(name, f"{name}: among is a list of 1 to {MOST_VALUES:,} values.")
    pattern = said.get("pattern")
    if pattern is None:
        return
    try:
        re.compile(pattern)
    except (re.error, TypeError, RecursionError) as error:
        raise ChecksInvalid(name, f"{name}: pattern is no regular expression.") from error


def suggested(schema: PredictionSchema, *, minimum_rows: int) -> dict[str, Any]:
    """What the declared schema says of the columns that a model learns from."""
    columns = {field.name: _of_field(field.as_json()) for field in schema.having(*LEARNED_FROM)}
    if schema.outcome:
        columns[schema.outcome.name]["required"] = True
    suite = {"rows": {"minimum": minimum_rows}, "unique": [schema.id.name], "columns": columns}
    return parse(suite)


def _of_field(said: Mapping[str, Any]) -> dict[str, Any]:
    """Categories are text, however their column is kept: they are compared as text."""
    dtype = said["dtype"] if said["dtype"] in DTYPES else str(Dtype.STRING)
    found: dict[str, Any] = {"dtype": dtype}
    found |= {key: said[key] for key in ("minimum", "maximum") if key in said}
    if "categories" in said:
        found["among"] = list(said["categories"])
    if not said.get("nullable", True):
        found["required"] = True
    return found


def lines(suite: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The suite as (what, what is asked of it), for reading."""
    return list(_lines(suite))


def _lines(suite: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    rows = suite["rows"]
    if rows:
        said = [f"at least {rows['minimum']:,}"] if "minimum" in rows else []
        said += [f"at most {rows['maximum']:,}"] if "maximum" in rows else []
        yield "Rows", ", ".join(said)
    if suite["unique"]:
        yield "No two rows with the same", ", ".join(suite["unique"])
    for name, told in suite["columns"].items():
        yield name, _told(told)


def _told(told: Mapping[str, Any]) -> str:
    said = [str(told["dtype"])]
    said += [f"from {told['minimum']:g}"] if told.get("minimum") is not None else []
    said += [f"up to {told['maximum']:g}"] if told.get("maximum") is not None else []
    if told.get("among"):
        shown = ", ".join(str(one) for one in told["among"][:8])
        said.append(f"one of {shown}" + (" …" if len(told["among"]) > 8 else ""))
    said += [f"spelled {told['pattern']}"] if told.get("pattern") else []
    if told.get("missing_at_most") is not None:
        said.append(f"missing in at most {100 * told['missing_at_most']:g} % of the rows")
    said += ["never missing"] if told.get("required") else []
    return ", ".join(said)
