"""Units of a card's numbers, and how a change between two of them is said. Pure."""

from dataclasses import dataclass

from governance.numbers import PREFIXES
from monitoring.metrics import METRICS

FACTS = {"artifact.size": "bytes", "artifact.files": "files", "reference.rows": "rows"}
UNITS = {metric.name: metric.unit for metrics in METRICS.values() for metric in metrics}
ORIGINS = ("measured_", "recorded_")
PRINTED = {"answer": "in the unit of the answer", "sd": "standard deviations", "%": "points"}

ONES = frozenset({*FACTS.values(), "%"})
TIMES = 10  # from here on a percentage is hard to read


@dataclass(frozen=True)
class Change:
    """From one number to another; `relative` is None where it was nothing before."""

    before: float
    after: float
    unit: str

    @property
    def absolute(self) -> float:
        return self.after - self.before

    @property
    def relative(self) -> float | None:
        return self.absolute / abs(self.before) if self.before else None

    @property
    def words(self) -> str:
        """Absolute with its unit, then in relation to what it was: +0.0213 (+3.0%)."""
        if self.absolute == 0:
            return "no change"
        share = self.unit == "share"
        value = self.absolute * 100 if share else self.absolute
        unit = "percentage points" if share else PRINTED.get(self.unit, self.unit)
        if abs(value) == 1:
            unit = unit.removesuffix("s") if self.unit in ONES else unit
        said = f"{signed(value)} {unit}".strip()
        return f"{said} ({self._share})" if self._share else said

    @property
    def _share(self) -> str:
        """In relation to what it was; what is a percentage already has none."""
        if self.relative is None or self.unit == "%":
            return ""
        if self.relative > TIMES - 1 and self.before > 0:
            return f"{self.after / self.before:,.0f} times as much"
        return f"{self.relative:+,.1%}"


def change_of(before: float, after: float, unit: str) -> Change:
    return Change(before, after, unit)


def signed(value: float) -> str:
    """With its sign, and as many digits as tell something."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):+,}"
    return f"{value:+,.4g}" if abs(value) < 1000 else f"{value:+,.1f}"


def unit_of_claim(key: str, label: str) -> str:
    """A claim's key is its origin, its metric and its label."""
    metric = key.removesuffix(f"_{label}")
    for prefix in (*ORIGINS, *PREFIXES):
        metric = metric.removeprefix(prefix)
    return UNITS.get(metric, "")


def unit_of_fact(path: str) -> str:
    return FACTS.get(path, "")
