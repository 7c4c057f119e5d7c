"""Checks what somebody sent as a schema, and says everything that is wrong with it. Pure."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from registry.schemas import (
    ALWAYS_THERE,
    NUMERIC,
    Dtype,
    Field,
    FieldRole,
    PredictionSchema,
    Problem,
    SchemaInvalid,
)

MAX_FIELDS = 1_000
MAX_NAME = 120
MAX_CATEGORIES = 1_000
MAX_LABEL = 200
KEYS = (
    "name",
    "dtype",
    "role",
    "minimum",
    "maximum",
    "categories",
    "unit",
    "nullable",
    "positive_label",
    "label",
    "component",
    "source",
    "pattern",
)
TEXTS = {"unit": 40, "component": 40, "source": 120, "pattern": 300}
BITS = frozenset({Dtype.BOOLEAN, Dtype.INTEGER})
LABELS = frozenset({Dtype.BOOLEAN, Dtype.INTEGER, Dtype.STRING})
DTYPES: dict[FieldRole, frozenset[Dtype]] = {
    FieldRole.ID: frozenset({Dtype.STRING}),
    FieldRole.TIMESTAMP: frozenset({Dtype.TIMESTAMP}),
    FieldRole.FEATURE: NUMERIC | LABELS,
    FieldRole.PREDICTION: NUMERIC | LABELS,
    FieldRole.SCORE: frozenset({Dtype.NUMBER}),
    FieldRole.OUTCOME: NUMERIC | LABELS,
    FieldRole.GROUP: LABELS,
    FieldRole.SEGMENT: LABELS,
    FieldRole.LATENCY: NUMERIC,
    FieldRole.ERROR: frozenset({Dtype.BOOLEAN, Dtype.STRING, Dtype.INTEGER}),
    FieldRole.WEIGHT: NUMERIC,
    FieldRole.VALUE: NUMERIC,
    FieldRole.EXPLORATION: frozenset({Dtype.BOOLEAN}),
    FieldRole.BYTES: NUMERIC,
    FieldRole.CPU: NUMERIC,
    FieldRole.MEMORY: NUMERIC,
    FieldRole.DISK: NUMERIC,
}
MANY = frozenset({FieldRole.FEATURE, FieldRole.GROUP, FieldRole.SEGMENT, FieldRole.SCORE})
ANSWERS = (FieldRole.PREDICTION, FieldRole.OUTCOME)


def parse(sent: Any, *, task: str) -> PredictionSchema:
    """The schema that was sent, for a model of this task (binary, multiclass or regression).

    Raises:
        SchemaInvalid: with every problem found, each naming its field and how to mend it.
    """
    if not isinstance(sent, list) or not all(isinstance(item, dict) for item in sent):
        raise SchemaInvalid([Problem("", "Send a list of fields, each an object with a name.")])
    if not 1 <= len(sent) <= MAX_FIELDS:
        raise SchemaInvalid([Problem("", f"Send 1 to {MAX_FIELDS} fields, not {len(sent)}.")])
    problems = [problem for place, item in enumerate(sent) for problem in _form(item, place)]
    if problems:
        raise SchemaInvalid(problems)
    fields = tuple(_spelled_out(_field(item), task) for item in sent)
    problems = [*_names(fields), *(p for f in fields for p in _content(f)), *_roles(fields, task)]
    if problems:
        raise SchemaInvalid(problems)
    return PredictionSchema(fields)


def _form(item: Mapping[str, Any], place: int) -> Iterator[Problem]:
    """Is every value of the type that it must have?"""
    name = item.get("name")
    where = name if isinstance(name, str) and name else f"field {place + 1}"
    where = where[:MAX_NAME]
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
        yield Problem(where, f"Give it a name of 1 to {MAX_NAME} characters.")
    for key in item.keys() - set(KEYS):
        yield Problem(where, f"{str(key)[:40]!r} is not known; known are {', '.join(KEYS)}.")
    for key, kind in (("dtype", Dtype), ("role", FieldRole)):
        if item.get(key) not in list(kind):
            yield Problem(where, f"{key} must be one of {', '.join(kind)}.")
    yield from _value_form(item, where)


def _value_form(item: Mapping[str, Any], where: str) -> Iterator[Problem]:
    for key in ("minimum", "maximum"):
        if not _is_number(item.get(key, 0)):
            yield Problem(where, f"{key} must be a finite number.")
    if not isinstance(item.get("nullable", True), bool):
        yield Problem(where, "nullable must be true or false.")
    categories = item.get("categories", [])
    if not isinstance(categories, list) or not all(_is_label(one) for one in categories):
        yield Problem(where, f"categories must be a list of texts up to {MAX_LABEL} characters.")
    elif len(categories) > MAX_CATEGORIES:
        yield Problem(where, f"At most {MAX_CATEGORIES} categories; {len(categories)} were sent.")
    yield from _text_form(item, where)


def _text_form(item: Mapping[str, Any], where: str) -> Iterator[Problem]:
    for key, longest in TEXTS.items():
        if not isinstance(item.get(key, ""), str) or len(item.get(key, "")) > longest:
            yield Problem(where, f"{key} must be text of at most {longest} characters.")
    for key in ("positive_label", "label"):
        if not _is_label(item.get(key, "")):
            yield Problem(where, f"{key} must be a label: text, a whole number or a boolean.")


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value is None
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _is_label(value: Any) -> bool:
    return isinstance(value, bool | int) or (isinstance(value, str) and len(value) <= MAX_LABEL)


def _label(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool | int) else str(value)


def _field(item: Mapping[str, Any]) -> Field:
    role = FieldRole(item["role"])
    minimum, maximum = item.get("minimum"), item.get("maximum")
    return Field(
        name=unicodedata.normalize("NFC", item["name"]),
        dtype=Dtype(item["dtype"]),
        role=role,
        minimum=None if minimum is None else float(minimum),
        maximum=None if maximum is None else float(maximum),
        categories=tuple(_label(one) for one in item.get("categories", ())),
        unit=item.get("unit", ""),
        nullable=item.get("nullable", role not in ALWAYS_THERE),
        positive_label=_label(item.get("positive_label", "")),
        label=_label(item.get("label", "")),
        component=item.get("component", ""),
        source=item.get("source", ""),
        pattern=item.get("pattern", ""),
    )


def _spelled_out(field: Field, task: str) -> Field:
    """A binary answer of 0 and 1, or false and true, means what everybody expects."""
    if task != "binary" or field.role not in ANSWERS or field.dtype not in BITS:
        return field
    if field.dtype == Dtype.INTEGER and not field.categories:
        field = replace(field, categories=("0", "1"))
    if field.positive_label or set(field.categories or ("0", "1")) != {"0", "1"}:
        return field
    return replace(field, positive_label="1")


def _names(fields: Sequence[Field]) -> Iterator[Problem]:
    # Folded, because DuckDB and most warehouses do not tell "Age" from "age".
    seen = Counter(unicodedata.normalize("NFC", field.name.casefold()) for field in fields)
    for field in fields:
        if seen[unicodedata.normalize("NFC", field.name.casefold())] > 1:
            yield Problem(field.name, "Another field has this name, or one that looks the same.")
        if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Cn"} for sign in field.name):
            yield Problem(field.name, "Names may not hold control, invisible or unknown signs.")
        if field.name != field.name.strip():
            yield Problem(field.name, "Names may not begin or end with a space.")
        if "=" in field.name and field.role in {FieldRole.SEGMENT, FieldRole.GROUP}:
            yield Problem(field.name, "Names of groups and segments may not hold the sign '='.")


def _content(field: Field) -> Iterator[Problem]:
    """Do the values of one field go together?"""
    if field.dtype not in DTYPES[field.role]:
        allowed = " or ".join(sorted(DTYPES[field.role]))
        yield Problem(field.name, f"A field with the role {field.role} has the dtype {allowed}.")
    bounded = field.minimum is not None or field.maximum is not None
    if bounded and field.dtype not in NUMERIC:
        yield Problem(field.name, "Only numbers have a minimum or maximum.")
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        yield Problem(field.name, "The minimum is greater than the maximum.")
    if field.nullable and field.role in ALWAYS_THERE:
        yield Problem(field.name, f"Every row has its {field.role}: it cannot be nullable.")
    if field.positive_label and field.role not in ANSWERS:
        yield Problem(field.name, "Only a prediction or an outcome has a positive_label.")
    if field.label and field.role != FieldRole.SCORE:
        yield Problem(field.name, "Only a score has a label: the class that it is the score of.")
    yield from _pattern(field)
    yield from _categories(field)


def _pattern(field: Field) -> Iterator[Problem]:
    """RE2, as Arrow matches it: it takes linear time, whatever was sent."""
    if not field.pattern:
        return
    if field.dtype != Dtype.STRING:
        yield Problem(field.name, "Only the dtype string has a pattern.")
    try:
        pc.match_substring_regex(pa.array([""]), field.pattern)
    except pa.ArrowInvalid as error:
        yield Problem(field.name, f"The pattern is no regular expression (RE2): {error}"[:300])


def _categories(field: Field) -> Iterator[Problem]:
    if field.categories and field.dtype not in {Dtype.STRING, Dtype.INTEGER}:
        yield Problem(field.name, "Only the dtypes string and integer have categories.")
    if field.categories and field.role in {FieldRole.ID, FieldRole.LATENCY, FieldRole.WEIGHT}:
        yield Problem(field.name, f"A field with the role {field.role} has no categories.")
    twice = [label for label, count in Counter(field.categories).items() if count > 1]
    if twice:
        yield Problem(field.name, f"The category {twice[0]!r} is named twice.")
    labels = field.categories or (("0", "1") if field.dtype == Dtype.BOOLEAN else ())
    if field.positive_label and labels and field.positive_label not in labels:
        yield Problem(field.name, f"positive_label must be one of {', '.join(labels[:20])}.")


def _roles(fields: Sequence[Field], task: str) -> Iterator[Problem]:
    count = Counter(field.role for field in fields)
    for role in sorted(ALWAYS_THERE):
        if count[role] != 1:
            yield Problem("", f"Exactly one field has the role {role}; {count[role]} have it.")
    for role in sorted(set(FieldRole) - ALWAYS_THERE - MANY):
        if count[role] > 1:
            yield Problem("", f"At most one field has the role {role}; {count[role]} have it.")
    for field in fields:
        if field.role in ANSWERS:
            yield from _answer(field, task)
    yield from _scores(fields, task)
    yield from _same_answers(fields)


def _scores(fields: Sequence[Field], task: str) -> Iterator[Problem]:
    """Scores are of classes: one for the positive class, or one for each class."""
    scores = [field for field in fields if field.role == FieldRole.SCORE]
    if task == "regression" and scores:
        yield Problem("", "A regression has no score: its prediction is the number.")
    if task == "binary" and len(scores) > 1:
        yield Problem("", f"A binary model has at most one score; {len(scores)} were sent.")
    if task != "multiclass" or not scores:
        return
    classes = {label for field in fields if field.role in ANSWERS for label in field.categories}
    labels = [field.label for field in scores]
    if len(set(labels)) < len(labels) or set(labels) != classes:
        message = "Give every class one score, and name the class as its label"
        yield Problem(scores[0].name, f"{message}: {', '.join(sorted(classes))}.")


def _answer(field: Field, task: str) -> Iterator[Problem]:
    """Prediction and outcome have the form that the model's task asks for."""
    if task == "regression":
        if field.dtype not in NUMERIC or field.categories:
            yield Problem(field.name, "A regression answers with a number, without categories.")
        return
    if field.dtype == Dtype.NUMBER:
        yield Problem(field.name, "A classification answers with a class; give numbers as score.")
    elif task == "multiclass" and len(field.categories) < 2:
        yield Problem(field.name, "Name the classes: a multiclass model has 2 or more categories.")
    elif task == "binary":
        two = len(field.categories) == 2 or field.dtype == Dtype.BOOLEAN
        if not two or not field.positive_label:
            yield Problem(field.name, "Name the two categories and which is the positive_label.")


def _same_answers(fields: Sequence[Field]) -> Iterator[Problem]:
    """An outcome is compared with the prediction, so both must speak of the same classes."""
    found = {field.role: field for field in fields}
    said, true = found.get(FieldRole.PREDICTION), found.get(FieldRole.OUTCOME)
    if said is None or true is None:
        return
    if said.is_numeric != true.is_numeric:
        yield Problem(true.name, f"Its kind differs from the prediction's ({said.name}).")
    if said.categories and true.categories and set(said.categories) != set(true.categories):
        yield Problem(true.name, f"Its categories differ from the prediction's ({said.name}).")
    if said.positive_label and true.positive_label and said.positive_label != true.positive_label:
        yield Problem(true.name, f"Its positive_label differs from the prediction's ({said.name}).")
