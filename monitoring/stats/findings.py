"""Finding: one measured number with what is needed to trust it.

Definition
    A finding carries the value, its interval, the number of rows it rests on, and, where the
    measure compares with a reference, the p-value of "nothing has changed" and the effect (the
    size of the change in the unit of the value).

Bad input never raises and never gives NaN: the value is None and `reason` says why.

Example
    >>> undefined("roc_auc", n=10, reason="only one class").value is None
    True
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

Parameter = str | int | float | bool | None

Parameters = Mapping[str, Parameter]


@dataclass(frozen=True)
class Finding:
    """One number. `low` and `high` bound it at `parameters["confidence"]` (0.95 by default).

    `baseline` is the reference's value of the same measure, `effect` the size of the change that
    a practical minimum is compared with; both are None where nothing is compared.
    """

    measure: str
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    baseline: float | None = None
    effect: float | None = None
    standard_error: float | None = None
    parameters: Parameters = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            object.__setattr__(self, name, finite(getattr(self, name)))
        plain = {key: _plain(value) for key, value in self.parameters.items()}
        object.__setattr__(self, "parameters", plain)
        if self.value is None and not self.reason:
            object.__setattr__(self, "reason", "the value is not a finite number")

    def as_dict(self) -> dict[str, object]:
        """Return plain JSON-able values; no NaN and no infinity is among them."""
        plain = dataclasses.asdict(self)
        plain["parameters"] = dict(self.parameters)
        return plain


def _plain(value: Parameter) -> Parameter:
    """Return a parameter without NumPy types and without NaN, so that JSON can hold it."""
    if isinstance(value, np.generic):
        value = value.item()
    return finite(value) if isinstance(value, float) else value


_NUMBERS = ("value", "low", "high", "p_value", "baseline", "effect", "standard_error")


def finite(number: float | None) -> float | None:
    """Return `number` as a plain float, or None where it is missing, NaN or infinite."""
    if number is None or not math.isfinite(number):
        return None
    return float(number)


def undefined(measure: str, *, n: int, reason: str, **parameters: Parameter) -> Finding:
    """Return the finding of a measure that the data do not define, with the reason."""
    return Finding(measure=measure, value=None, n=int(n), reason=reason, parameters=parameters)
