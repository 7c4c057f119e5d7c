"""A model's answers as numbers over rows coded as numbers: what explanations are computed from."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sandbox.inside.models import Loaded, ModelRefused

Floats = np.ndarray[Any, np.dtype[np.float64]]
BINARY, MULTICLASS, REGRESSION = "binary", "multiclass", "regression"


@dataclass(frozen=True)
class Coding:
    """Rows as numbers and back: texts and booleans by their place among the values seen."""

    columns: tuple[str, ...]
    levels: dict[str, list[Any]]
    dtypes: dict[str, Any]

    @classmethod
    def of(cls, *frames: pd.DataFrame) -> "Coding":
        """The coding of the values in these frames, which have the same columns."""
        both = pd.concat(frames, ignore_index=True)
        levels = {
            name: sorted(both[name].dropna().unique().tolist(), key=str)
            for name in both.columns
            if not pd.api.types.is_numeric_dtype(both[name])
            or pd.api.types.is_bool_dtype(both[name])
        }
        return cls(tuple(both.columns), levels, {name: both[name].dtype for name in both.columns})

    @property
    def numeric(self) -> bool:
        return not self.levels

    def numbers(self, frame: pd.DataFrame) -> Floats:
        return np.column_stack([self._coded(name, frame[name]) for name in self.columns])

    def frame(self, numbers: Floats) -> pd.DataFrame:
        coded = {name: numbers[:, n] for n, name in enumerate(self.columns)}
        return pd.DataFrame({name: self._decoded(name, one) for name, one in coded.items()})

    def spelled(self, numbers: Floats) -> str:
        """Rows as text that does not depend on which other rows the coding was made from."""
        frame = self.frame(numbers)
        columns = [
            [
                str(one)
                for one in (frame[name] if name in self.levels else frame[name].astype(float))
            ]
            for name in self.columns
        ]
        return "\n".join("\t".join(row) for row in zip(*columns, strict=True))

    def _coded(self, name: str, values: pd.Series) -> Floats:
        if name not in self.levels:
            return np.asarray(values, np.float64)
        codes = {level: float(n) for n, level in enumerate(self.levels[name])}
        return np.array([codes.get(one, np.nan) for one in values], np.float64)

    def _decoded(self, name: str, values: Floats) -> Any:
        if name not in self.levels:
            whole = pd.api.types.is_integer_dtype(self.dtypes[name])
            return values.astype(self.dtypes[name]) if whole else values
        known = np.array([*self.levels[name], None], object)
        found = known[np.where(np.isnan(values), len(known) - 1, values).astype(int)]
        return found.astype(bool) if pd.api.types.is_bool_dtype(self.dtypes[name]) else found


@dataclass(frozen=True)
class Answers:
    """The numbers that a model answers: one chance, one for each class, or a number."""

    model: Loaded
    coding: Coding
    task: str
    many: int = field(default=1)

    @property
    def regression(self) -> bool:
        return self.task == REGRESSION

    @property
    def unit(self) -> str:
        return "answer" if self.regression else "share"

    def of(self, numbers: Floats) -> Floats:
        """Rows × answers."""
        return answers_to(self.model, self.coding.frame(numbers), self.task)


def answers_of(model: Loaded, coding: Coding, task: str, some: pd.DataFrame) -> Answers:
    """The answers of a model; tries it on some rows to know how many there are."""
    return Answers(model, coding, task, answers_to(model, some, task).shape[1])


def answers_to(model: Loaded, rows: pd.DataFrame, task: str) -> Floats:
    """Rows × answers: the positive class's chance, every class's, or the number.

    Raises:
        ModelRefused: a classification that tells no chances cannot be explained in numbers.
    """
    if task == REGRESSION:
        return np.asarray(model.predict(rows), np.float64).reshape(len(rows), -1)[:, -1:]
    chances = model.probabilities(rows)
    if chances is None:
        raise ModelRefused("The model tells classes without chances; there is nothing to add up.")
    return chances[:, -1:] if task == BINARY else chances


def features_of(model: Loaded, wanted: list[str], frame: pd.DataFrame) -> list[str]:
    """The columns that the model reads: its signature's, or the schema's features.

    Raises:
        ModelRefused: the model reads a column that is not logged.
    """
    names = list(model.inputs) or [name for name in wanted if name in frame.columns]
    missing = [name for name in names if name not in frame.columns]
    if missing or not names:
        said = ", ".join(missing[:10]) or "no columns"
        raise ModelRefused(f"The model reads what the log does not have: {said}.")
    return names
