"""Structure: faults of whole columns and of identities, beside those of single values.

Definitions
    schema change   a declared field that a window lacks or sends only empty, a field that nobody
                    declared, a field whose type is another: 1 where it changed, else 0
    pattern share   texts that do not match the declared regular expression, of those not null
    type share      texts that are not numbers although a number is declared, of those not null
    duplicates      rows whose identity was seen before, of all rows
    freshness       age of the newest row in seconds; p = exp(-age / usual gap), which takes
                    arrivals as independent

Example
    >>> freshness(60.0, usual_gap=60.0).effect
    1.0
"""

import math
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from monitoring.stats.findings import Finding, undefined
from monitoring.stats.quality import share_change

NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"


def schema_changes(
    declared: Mapping[str, str], seen: Mapping[str, str], *, rows: int, nulls: Mapping[str, int]
) -> dict[str, Finding]:
    """Return one finding per field, declared or seen; both map names to types.

    `nulls` counts the nulls of each seen field; a field of nulls only has disappeared.
    """
    names = list(dict.fromkeys([*declared, *seen]))
    if not rows:
        return {name: undefined("schema_change", n=0, reason="no rows") for name in names}
    found = {}
    for name in names:
        change = _change(name, declared, seen, empty=nulls.get(name, 0) >= rows)
        found[name] = Finding(
            "schema_change",
            float(bool(change)),
            rows,
            baseline=0.0,
            effect=float(bool(change)),
            parameters={
                "change": change,
                "declared": declared.get(name),
                "seen": seen.get(name),
            },
        )
    return found


def pattern_misses(text: pa.Array, pattern: str) -> tuple[int, int]:
    """Return how many texts do not match anywhere, and how many are not null.

    ValueError for a pattern that RE2 does not take; RE2 needs time linear in the text.
    """
    kept = text.drop_null()
    try:
        matches = pc.match_substring_regex(kept.cast(pa.string()), pattern)
    except pa.ArrowInvalid as error:
        raise ValueError(f"The pattern {pattern!r} is no regular expression: {error}") from error
    return len(kept) - int(pc.sum(matches).as_py() or 0), len(kept)


def pattern_share(text: pa.Array, reference: pa.Array, pattern: str) -> Finding:
    """Return the share of texts off the pattern, tested against the reference's."""
    usual, current = pattern_misses(reference, pattern), pattern_misses(text, pattern)
    return share_change("pattern_share", *current, *usual)


def type_share(text: pa.Array, reference: pa.Array) -> Finding:
    """Return the share of texts that are no numbers, tested against the reference's."""
    usual, current = pattern_misses(reference, NUMBER), pattern_misses(text, NUMBER)
    return share_change("type_share", *current, *usual)


def duplicates(distinct: int, rows: int, usual_distinct: int, usual_rows: int) -> Finding:
    """Return the share of rows whose identity was seen before, against the reference's."""
    return share_change(
        "duplicate_share", rows - distinct, rows, usual_rows - usual_distinct, usual_rows
    )


def freshness(age: float | None, *, usual_gap: float | None, n: int = 1) -> Finding:
    """Return the age of the newest row in seconds; the effect is in usual gaps."""
    if age is None or not math.isfinite(age):
        return undefined("freshness", n=0, reason="no row has arrived yet")
    if usual_gap is None or not usual_gap > 0:
        return Finding("freshness", age, n, reason="the usual gap between rows is not known")
    gaps = max(age, 0.0) / usual_gap
    return Finding("freshness", age, n, p_value=math.exp(-gaps), baseline=usual_gap, effect=gaps)


def _change(name: str, declared: Mapping[str, str], seen: Mapping[str, str], *, empty: bool) -> str:
    if name not in declared:
        return "appeared"
    if name not in seen:
        return "disappeared"
    if empty:
        return "empty"
    return "" if seen[name] == declared[name] else "type"
