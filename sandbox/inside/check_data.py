"""Check a table against a suite: columns, ranges, categories, missing values, equal keys.

The suite is words and numbers; it becomes a Pandera schema here and nothing of it is executed.
"""

from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

DTYPES = {"number": "float64", "integer": "Int64", "boolean": "boolean"}
LONGEST = 120


def perform(inputs: dict[str, Any], work: Path) -> dict[str, Any]:  # noqa: ARG001 - as all
    """Every check that failed with how many rows, and the first failing rows."""
    suite, most = inputs["suite"], int(inputs["most"])
    frame = pd.read_parquet(inputs["table"])
    failures = [*_rows(suite["rows"], frame), *_there(suite, frame)]
    if not failures:
        failures = _by_pandera(suite, frame)
    places = sorted({place for one in failures for place in one["places"]})[:most]
    told = [{**one, "places": one["places"][:most]} for one in failures[:most]]
    return {
        "checked": _count(suite),
        "rows": len(frame),
        "failures": told,
        "failing_checks": len(failures),
        "shown": [_row(frame, place, suite) for place in places],
    }


def _count(suite: dict[str, Any]) -> int:
    inner = sum(len(told) for told in suite["columns"].values())
    return inner + len(suite["rows"]) + bool(suite["unique"])


def _rows(rows: dict[str, int], frame: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    if len(frame) < rows.get("minimum", 0):
        found.append(_failure("", f"at least {rows['minimum']:,} rows", 0))
    if len(frame) > rows.get("maximum", len(frame)):
        found.append(_failure("", f"at most {rows['maximum']:,} rows", 0))
    return found


def _there(suite: dict[str, Any], frame: pd.DataFrame) -> list[dict[str, Any]]:
    wanted = [*suite["columns"], *suite["unique"]]
    return [_failure(name, "is there", 0) for name in wanted if name not in frame.columns]


def _failure(column: str, check: str, rows: int, places: list[int] | None = None) -> dict[str, Any]:
    return {"column": column, "check": check, "rows": rows, "places": places or []}


def _by_pandera(suite: dict[str, Any], frame: pd.DataFrame) -> list[dict[str, Any]]:
    columns = {name: _column(told) for name, told in suite["columns"].items()}
    schema = pa.DataFrameSchema(columns, unique=suite["unique"] or None)
    prepared = frame.assign(
        **{name: _prepared(frame[name], told) for name, told in suite["columns"].items()}
    ).reset_index(drop=True)
    try:
        schema.validate(prepared, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return _told(errors.failure_cases)
    return []


def _prepared(values: pd.Series, told: dict[str, Any]) -> pd.Series:
    """Texts stay texts, and what is compared with categories is compared as text."""
    if told.get("among") or told["dtype"] == "string":
        return values.map(_text, na_action="ignore").astype("object")
    return values


def _text(value: object) -> str:
    """As columns are counted: an integer 1 and a boolean true are both "1"."""
    if isinstance(value, bool | int) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    return str(value)


def _column(told: dict[str, Any]) -> pa.Column:
    as_text = told.get("among") or told["dtype"] in {"string", "timestamp"}
    return pa.Column(
        None if as_text else DTYPES[told["dtype"]],
        _checks(told),
        nullable=not told.get("required", False),
        coerce=not as_text,
    )


def _checks(told: dict[str, Any]) -> list[pa.Check]:
    found = []
    if told.get("minimum") is not None:
        found.append(pa.Check.ge(told["minimum"], error=f"from {told['minimum']:g}"))
    if told.get("maximum") is not None:
        found.append(pa.Check.le(told["maximum"], error=f"up to {told['maximum']:g}"))
    if told.get("among"):
        known = [_text(one) for one in told["among"]]
        found.append(pa.Check.isin(known, error=f"one of {', '.join(known[:8])}"))
    if told.get("pattern"):
        pattern = told["pattern"]
        found.append(pa.Check.str_matches(f"^(?:{pattern})$", error=f"spelled {pattern}"))
    if told.get("missing_at_most") is not None:
        found.append(_missing(float(told["missing_at_most"])))
    return found


def _missing(share: float) -> pa.Check:
    def seldom(values: pd.Series) -> bool:
        return bool(values.isna().mean() <= share)

    said = f"missing in at most {100 * share:g} % of the rows"
    return pa.Check(seldom, ignore_na=False, error=said)


def _told(cases: pd.DataFrame) -> list[dict[str, Any]]:
    named = cases.assign(column=cases["column"].fillna("").astype(str))
    found = []
    for (column, check), group in named.groupby(["column", "check"], sort=False):
        places = [int(place) for place in group["index"].dropna().unique()]
        found.append(_failure(str(column), _words(str(check)), len(places), places))
    return found


def _words(check: str) -> str:
    if check == "not_nullable":
        return "never missing"
    if check == "multiple_fields_uniqueness":
        return "no two rows with the same"
    return check.removeprefix("dtype").strip("()'\"") or check


def _row(frame: pd.DataFrame, place: int, suite: dict[str, Any]) -> dict[str, Any]:
    """A failing row by the names of the suite, its values as short texts."""
    names = [*suite["unique"], *suite["columns"]]
    row = frame.iloc[place]
    return {"place": place, **{name: _short(row[name]) for name in dict.fromkeys(names)}}


def _short(value: object) -> str:
    return "" if pd.isna(value) else str(value)[:LONGEST]  # type: ignore[call-overload]  # a scalar
