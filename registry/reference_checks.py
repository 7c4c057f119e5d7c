"""Do the columns of a reference fit the schema that it is to be judged by? Pure."""

from collections.abc import Iterator, Sequence

from registry.schemas import Dtype, Field, FieldRole, PredictionSchema

# What "normal" is judged by; the others describe single answers and may be missing.
NEEDED = frozenset(
    {
        FieldRole.FEATURE,
        FieldRole.PREDICTION,
        FieldRole.SCORE,
        FieldRole.GROUP,
        FieldRole.SEGMENT,
        FieldRole.OUTCOME,
    }
)
TAKEN = {
    Dtype.NUMBER: {"number", "integer"},
    Dtype.INTEGER: {"integer"},
    Dtype.STRING: {"string"},
    Dtype.BOOLEAN: {"boolean"},
    Dtype.TIMESTAMP: {"timestamp"},
}
KEPT_BACK = "was sent and is not in the schema; leave it out, so that nothing is kept for nothing."


def misfits(
    columns: Sequence[tuple[str, str]], schema: PredictionSchema, *, outcome_needed: bool
) -> Iterator[str]:
    """A sentence for everything that does not fit; nothing if all is well."""
    found = dict(columns)
    if len(found) < len(columns):
        yield "Two columns have the same name."
    for name in sorted(found.keys() - schema.by_name.keys()):
        yield f"Column {name[:80]!r} {KEPT_BACK}"
    for field in schema.fields:
        if field.name in found:
            yield from _type_misfit(field, found[field.name])
        elif field.role in NEEDED and (outcome_needed or field.role != FieldRole.OUTCOME):
            yield f"Column {field.name!r} ({field.role}) is missing."


def _type_misfit(field: Field, kind: str) -> Iterator[str]:
    if kind not in TAKEN[field.dtype]:
        zone = " with a time zone" if field.dtype == Dtype.TIMESTAMP else ""
        yield f"Column {field.name!r} must hold values of dtype {field.dtype}{zone}, not {kind}."
