"""The form of a schema: the fields of a version's prediction log, checked with clear sentences.

Pure. A schema is sent and stored as a list of fields:

    [{"name": "prediction_id", "dtype": "string", "role": "id"},
     {"name": "event_time", "dtype": "timestamp", "role": "timestamp"},
     {"name": "distance", "dtype": "number", "role": "feature", "minimum": 0, "unit": "miles"},
     {"name": "carrier", "dtype": "string", "role": "feature", "categories": ["AA", "UA"]},
     {"name": "late", "dtype": "boolean", "role": "prediction"},
     {"name": "probability", "dtype": "number", "role": "score", "minimum": 0, "maximum": 1},
     {"name": "was_late", "dtype": "boolean", "role": "outcome"}]

A multiclass model may have one score for each class, which `label` names. `pattern` is a regular
expression that texts must match as a whole; `component` names the stage of a staged pipeline that a
field belongs to; `source` the image, text or embedding that derived features were made from. Rows
whose `exploration` is true were decided at random: their outcomes were not shaped by the model.

`nullable` is true unless said otherwise, except for id, timestamp and prediction, which every row
has: a missing feature is counted by data-quality monitors, it is no reason to lose the row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from audit.chain import sha256_of


class Dtype(StrEnum):
    NUMBER = "number"
    INTEGER = "integer"
    STRING = "string"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


class FieldRole(StrEnum):
    ID = "id"
    TIMESTAMP = "timestamp"
    FEATURE = "feature"
    PREDICTION = "prediction"
    SCORE = "score"
    OUTCOME = "outcome"
    GROUP = "group"
    SEGMENT = "segment"
    LATENCY = "latency"
    ERROR = "error"
    WEIGHT = "weight"
    VALUE = "value"
    EXPLORATION = "exploration"
    BYTES = "bytes"
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"


NUMERIC = frozenset({Dtype.NUMBER, Dtype.INTEGER})
ALWAYS_THERE = frozenset({FieldRole.ID, FieldRole.TIMESTAMP, FieldRole.PREDICTION})


@dataclass(frozen=True)
class Field:
    """One column of the prediction log (or, with the role outcome, of the outcomes).

    `minimum` and `maximum` are inclusive. `categories` and `positive_label` are text, spelled as
    columns are counted: an integer 1 and a boolean true are both "1".
    """

    name: str
    dtype: Dtype
    role: FieldRole
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    unit: str = ""
    nullable: bool = True
    positive_label: str = ""
    label: str = ""
    component: str = ""
    source: str = ""
    pattern: str = ""

    @property
    def is_numeric(self) -> bool:
        """Counted in bins of numbers; a number with categories is counted by category."""
        return self.dtype in NUMERIC and not self.categories

    @property
    def is_categorical(self) -> bool:
        return not self.is_numeric and self.dtype != Dtype.TIMESTAMP

    def as_json(self) -> dict[str, Any]:
        """The field as it is sent and stored, without what is not said."""
        found: dict[str, Any] = {"name": self.name, "dtype": str(self.dtype)}
        found |= {"role": str(self.role), "nullable": self.nullable}
        optional = {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "categories": list(self.categories) or None,
            "unit": self.unit or None,
            "positive_label": self.positive_label or None,
            "label": self.label or None,
            "component": self.component or None,
            "source": self.source or None,
            "pattern": self.pattern or None,
        }
        return found | {key: value for key, value in optional.items() if value is not None}


@dataclass(frozen=True)
class Problem:
    """What is wrong with which field, and how to mend it; field "" means the whole schema."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class SchemaInvalid(ValueError):
    """The schema cannot be accepted; `problems` says everything that is wrong, not the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class PredictionSchema:
    """A valid schema with its fields by role; made by `registry.schema_checks.parse`."""

    fields: tuple[Field, ...]

    @classmethod
    def from_json(cls, fields: Sequence[Mapping[str, Any]]) -> "PredictionSchema":
        """A stored schema, which was valid when it was stored."""
        return cls(tuple(_stored(field) for field in fields))

    @cached_property
    def by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical form: equal for equal schemas, in any spelling of JSON."""
        return sha256_of({"fields": self.as_json()})

    def as_json(self) -> list[dict[str, Any]]:
        return [field.as_json() for field in self.fields]

    def having(self, *roles: FieldRole) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.role in roles)

    def _only(self, role: FieldRole) -> Field:
        return self.having(role)[0]

    def _maybe(self, role: FieldRole) -> Field | None:
        return next(iter(self.having(role)), None)

    @property
    def id(self) -> Field:
        return self._only(FieldRole.ID)

    @property
    def timestamp(self) -> Field:
        return self._only(FieldRole.TIMESTAMP)

    @property
    def prediction(self) -> Field:
        return self._only(FieldRole.PREDICTION)

    @property
    def score(self) -> Field | None:
        return self._maybe(FieldRole.SCORE)

    @property
    def outcome(self) -> Field | None:
        return self._maybe(FieldRole.OUTCOME)

    @property
    def latency(self) -> Field | None:
        return self._maybe(FieldRole.LATENCY)

    @property
    def error(self) -> Field | None:
        return self._maybe(FieldRole.ERROR)

    @property
    def weight(self) -> Field | None:
        return self._maybe(FieldRole.WEIGHT)

    @property
    def value(self) -> Field | None:
        return self._maybe(FieldRole.VALUE)

    @property
    def scores(self) -> tuple[Field, ...]:
        return self.having(FieldRole.SCORE)

    @property
    def exploration(self) -> Field | None:
        return self._maybe(FieldRole.EXPLORATION)

    @property
    def features(self) -> tuple[Field, ...]:
        return self.having(FieldRole.FEATURE)

    @property
    def groups(self) -> tuple[Field, ...]:
        return self.having(FieldRole.GROUP)

    @property
    def segments(self) -> tuple[Field, ...]:
        return self.having(FieldRole.SEGMENT)

    @property
    def logged(self) -> tuple[Field, ...]:
        """The columns of the prediction log: everything except the outcome, which comes later."""
        return tuple(field for field in self.fields if field.role != FieldRole.OUTCOME)


def _stored(field: Mapping[str, Any]) -> Field:
    known = {**field, "dtype": Dtype(field["dtype"]), "role": FieldRole(field["role"])}
    return Field(**{**known, "categories": tuple(field.get("categories", ()))})
