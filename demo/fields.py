"""The fields of a prediction log, as the API wants to hear them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """One field of a version's schema."""

    name: str
    dtype: str
    role: str
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()
    unit: str = ""

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.name, "dtype": self.dtype, "role": self.role}
        if self.low is not None or self.high is not None:
            found["range"] = [self.low, self.high]
        if self.categories:
            found["categories"] = list(self.categories)
        if self.unit:
            found["unit"] = self.unit
        return found


def number(
    name: str, low: float | None = None, high: float | None = None, *, unit: str = ""
) -> Field:
    return Field(name, "float", "feature", low, high, unit=unit)


def category(name: str, categories: tuple[str, ...] = ()) -> Field:
    return Field(name, "string", "feature", categories=categories)


def identity(name: str = "prediction_id") -> Field:
    return Field(name, "string", "id")


def moment(name: str = "event_time") -> Field:
    return Field(name, "timestamp", "timestamp")
