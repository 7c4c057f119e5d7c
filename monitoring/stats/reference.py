"""Reference: the frozen bins of all fields of a version, by which "normal" is judged.

Definition
    `freeze` reads reference data once and returns `Bins`: for every profiled field its edges or
    categories, for a regression the scale of the residual histogram. Every profile of the version
    is counted over these bins and names their digest, so that only comparable profiles are added.

Example
    >>> schema = Schema(Task.REGRESSION, (FieldSpec("age", Role.FEATURE, Kind.NUMERIC),))
    >>> bins = freeze(schema, pyarrow.table({"age": [1.0, 2.0, 3.0]}))
    >>> Bins.from_json(bins.as_json()).digest == bins.digest
    True
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow.compute as pc

from monitoring.stats import columns
from monitoring.stats.columns import Floats
from monitoring.stats.edges import Categories, NumericEdges, freeze_categories, freeze_numeric
from monitoring.stats.exact import from_hex, to_hex
from monitoring.stats.joint import Joint, freeze_joint

GROUP_LEVELS = 30
FORMAT = 2


class Task(StrEnum):
    """What the model answers."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Kind(StrEnum):
    """How a field is counted."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class Role(StrEnum):
    """What a field means in the prediction log."""

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


RESOURCES = (Role.BYTES, Role.CPU, Role.MEMORY, Role.DISK)
PROFILED = (Role.FEATURE, Role.PREDICTION, Role.SCORE, Role.GROUP)


@dataclass(frozen=True)
class FieldSpec:
    """One field of the prediction log: its role, how it is counted, and its declared limits.

    `label` is the class that a score is of, `component` the stage of a pipeline that the field
    belongs to, `source` what a derived feature was made from, `pattern` what texts must match.
    """

    name: str
    role: Role
    kind: Kind
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()
    label: str = ""
    component: str = ""
    source: str = ""
    pattern: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "name": self.name,
            "role": self.role.value,
            "kind": self.kind.value,
            "low": to_hex(self.low),
            "high": to_hex(self.high),
            "categories": list(self.categories),
            "label": self.label,
            "component": self.component,
            "source": self.source,
            "pattern": self.pattern,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> FieldSpec:
        """Return the field that `as_json` wrote."""
        return cls(
            plain["name"],
            Role(plain["role"]),
            Kind(plain["kind"]),
            from_hex(plain["low"]),
            from_hex(plain["high"]),
            tuple(plain["categories"]),
            plain["label"],
            plain["component"],
            plain["source"],
            plain["pattern"],
        )


@dataclass(frozen=True)
class Schema:
    """What is counted of a version.

    `classes` are the labels of a classification, the positive one last (binary: negative,
    positive). `components` are the stages of a staged pipeline. `groups` names further fields to
    be treated as groups (fields with the role `group` always are), `pairs` the declared
    intersections of two groups. `threshold` makes a binary decision from the score where no
    prediction field is declared.
    """

    task: Task
    fields: tuple[FieldSpec, ...]
    classes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    threshold: float | None = None
    components: tuple[str, ...] = ()

    @cached_property
    def profiled(self) -> tuple[FieldSpec, ...]:
        """The fields whose distribution is profiled."""
        return tuple(spec for spec in self.fields if spec.role in PROFILED)

    @cached_property
    def frozen(self) -> tuple[FieldSpec, ...]:
        """The fields that get bins: the profiled ones, and the outcome."""
        return tuple(spec for spec in self.fields if spec.role in (*PROFILED, Role.OUTCOME))

    @cached_property
    def score_names(self) -> tuple[str, ...]:
        """The scores: of the positive class, or of every class in the order of `classes`.

        None where a model of several classes does not score all of them.
        """
        scores = {spec.label: spec.name for spec in self.fields if spec.role is Role.SCORE}
        if self.task is Task.MULTICLASS:
            known = all(label in scores for label in self.classes)
            return tuple(scores[label] for label in self.classes) if known else ()
        return tuple(scores.values())[:1]

    @cached_property
    def group_names(self) -> tuple[str, ...]:
        """The fields by which decisions are counted apart."""
        own = [spec.name for spec in self.fields if spec.role is Role.GROUP]
        paired = [name for pair in self.pairs for name in pair]
        return tuple(dict.fromkeys([*own, *self.groups, *paired]))

    def name_of(self, role: Role) -> str | None:
        """Return the name of the first field with this role, or None."""
        return next((spec.name for spec in self.fields if spec.role is role), None)

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "task": self.task.value,
            "fields": [spec.as_json() for spec in self.fields],
            "classes": list(self.classes),
            "groups": list(self.groups),
            "pairs": [list(pair) for pair in self.pairs],
            "threshold": to_hex(self.threshold),
            "components": list(self.components),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Schema:
        """Return the schema that `as_json` wrote."""
        return cls(
            Task(plain["task"]),
            tuple(FieldSpec.from_json(spec) for spec in plain["fields"]),
            tuple(plain["classes"]),
            tuple(plain["groups"]),
            tuple((first, second) for first, second in plain["pairs"]),
            from_hex(plain["threshold"]),
            tuple(plain["components"]),
        )


@dataclass(frozen=True)
class Bins:
    """The frozen bins of a version's reference: what every profile is counted over."""

    schema: Schema
    numeric: Mapping[str, NumericEdges] = field(default_factory=dict)
    categorical: Mapping[str, Categories] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    residual_scale: float = 1.0
    joint: Joint | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def residual_edges(self) -> Floats:
        """Edges of the residual histogram: zero, and both signs log-spaced over five decades."""
        steps = self.residual_scale * np.logspace(-3, 2, 101)
        return np.concatenate([[-np.inf], -steps[::-1], [0.0], steps, [np.inf]])

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values that lose no bit."""
        return {
            "format": FORMAT,
            "schema": self.schema.as_json(),
            "numeric": {name: edges.as_json() for name, edges in self.numeric.items()},
            "categorical": {name: known.as_json() for name, known in self.categorical.items()},
            "levels": {name: list(values) for name, values in self.levels.items()},
            "residual_scale": self.residual_scale.hex(),
            "joint": self.joint.as_json() if self.joint else None,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Bins:
        """Return the bins that `as_json` wrote; ValueError for another format."""
        if plain.get("format") != FORMAT:
            raise ValueError(f"Bins have format {plain.get('format')!r}, expected {FORMAT}.")
        return cls(
            Schema.from_json(plain["schema"]),
            {name: NumericEdges.from_json(edges) for name, edges in plain["numeric"].items()},
            {name: Categories.from_json(known) for name, known in plain["categorical"].items()},
            {name: tuple(values) for name, values in plain["levels"].items()},
            float.fromhex(plain["residual_scale"]),
            Joint.from_json(plain["joint"]) if plain["joint"] else None,
        )


def freeze(schema: Schema, table: columns.Batch) -> Bins:
    """Cut the bins of all profiled fields from reference data (one Arrow table or batch).

    An empty table or an all-null field is allowed: such a field has one single bin.
    """
    numeric = [spec for spec in schema.frozen if spec.kind is Kind.NUMERIC]
    categorical = [spec for spec in schema.frozen if spec.kind is Kind.CATEGORICAL]
    schema = _with_classes(schema, table)
    cut = {spec.name: _numeric(spec, table) for spec in numeric}
    features = [spec.name for spec in numeric if spec.role is Role.FEATURE]
    return Bins(
        schema,
        cut,
        {spec.name: _categories(spec, table) for spec in categorical},
        {name: _levels(schema, name, table) for name in schema.group_names},
        _residual_scale(schema, table),
        freeze_joint(features, {name: edges.centre for name, edges in cut.items()}, table),
    )


def group_key(*names: str) -> str:
    """Return the name of a cube: "" for all rows, a field, or a pair of fields."""
    return json.dumps(names) if len(names) > 1 else "".join(names)


def cube_groups(bins: Bins) -> list[tuple[str, ...]]:
    """Return every way in which decisions are counted: all rows, each group, each pair."""
    singles = [(name,) for name in bins.schema.group_names]
    return [(), *singles, *bins.schema.pairs]


def group_labels(bins: Bins, *names: str) -> list[str]:
    """Return the labels of a cube's last axis, in order; pairs are joined by " * "."""
    axes = [[*bins.levels[name], "(other)", "(null)"] for name in names]
    return [" * ".join(labels) for labels in itertools.product(*axes)] if axes else ["(all)"]


def _numeric(spec: FieldSpec, table: columns.Batch) -> NumericEdges:
    values = columns.numbers(table, spec.name).values
    return freeze_numeric(values, low=spec.low, high=spec.high)


def _categories(spec: FieldSpec, table: columns.Batch) -> Categories:
    return freeze_categories(_counted(table, spec.name), declared=spec.categories)


def _levels(schema: Schema, name: str, table: columns.Batch) -> tuple[str, ...]:
    declared = next((spec.categories for spec in schema.fields if spec.name == name), ())
    found = freeze_categories(_counted(table, name), declared=declared).values
    return found[:GROUP_LEVELS]


def _counted(table: columns.Batch, name: str) -> list[tuple[str, int]]:
    text = columns.labels(table, name).drop_null()
    counted = pc.value_counts(text)
    values, counts = counted.field("values"), counted.field("counts")
    return list(zip(values.to_pylist(), counts.to_pylist(), strict=True))


def _with_classes(schema: Schema, table: columns.Batch) -> Schema:
    """Take the classes from the outcomes and predictions where none are declared."""
    if schema.task is Task.REGRESSION or schema.classes:
        return schema
    names = [schema.name_of(Role.OUTCOME), schema.name_of(Role.PREDICTION)]
    seen = {value for name in names if name for value, _ in _counted(table, name)}
    classes = tuple(sorted(seen)) or (("0", "1") if schema.task is Task.BINARY else ())
    return replace(schema, classes=classes)


def _residual_scale(schema: Schema, table: columns.Batch) -> float:
    """Return the standard deviation of the outcomes, else of the predictions, else 1."""
    for role in (Role.OUTCOME, Role.PREDICTION):
        name = schema.name_of(role)
        if schema.task is Task.REGRESSION and name:
            values = columns.numbers(table, name).values
            values = values[np.isfinite(values)]
            if values.size > 1 and 0 < values.std() < np.inf:
                return float(values.std())
    return 1.0
