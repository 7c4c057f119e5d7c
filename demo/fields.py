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
    positive: str = ""

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.name, "dtype": self.dtype, "role": self.role}
        optional = {
            "minimum": self.low,
            "maximum": self.high,
            "categories": list(self.categories) or None,
            "unit": self.unit or None,
            "positive_label": self.positive or None,
        }
        return found | {key: value for key, value in optional.items() if value is not None}


def number(
    name: str, low: float | None = None, high: float | None = None, *, unit: str = ""
) -> Field:
    return Field(name, "number", "feature", low, high, unit=unit)


def category(name: str, categories: tuple[str, ...] = ()) -> Field:
    return Field(name, "string", "feature", categories=categories)


def identity(name: str = "prediction_id") -> Field:
    return Field(name, "string", "id")


def moment(name: str = "event_time") -> Field:
    return Field(name, "timestamp", "timestamp")
