"""Exact sums: floating-point totals that merge to the same bits in any order.

Definition
    Floating-point addition depends on the order of its terms. Every finite float is a dyadic
    rational `mantissa * 2**exponent`, and those add exactly as integers. A batch is summed once by
    NumPy; from then on totals are only added exactly.

Example
    >>> float(exact(0.1) + exact(0.2) + exact(-0.1)) == float(exact(-0.1) + exact(0.2) + exact(0.1))
    True
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

LARGEST = 1e145  # values are clipped here, so that their squares still add up below 1e308


@dataclass(frozen=True)
class Exact:
    """The number `mantissa * 2**exponent`; the mantissa is odd, or both are zero."""

    mantissa: int = 0
    exponent: int = 0

    def __add__(self, other: Exact) -> Exact:
        if not self.mantissa or not other.mantissa:
            return self if self.mantissa else other
        low = min(self.exponent, other.exponent)
        total = (self.mantissa << (self.exponent - low)) + (
            other.mantissa << (other.exponent - low)
        )
        return normal(total, low)

    def __float__(self) -> float:
        try:
            return float(Fraction(self.mantissa) * Fraction(2) ** self.exponent)
        except OverflowError:
            return math.copysign(math.inf, self.mantissa)


def normal(mantissa: int, exponent: int) -> Exact:
    """Return the one canonical form of a number, so that equal numbers compare equal."""
    if not mantissa:
        return Exact()
    shift = (mantissa & -mantissa).bit_length() - 1
    return Exact(mantissa >> shift, exponent + shift)


def exact(number: float) -> Exact:
    """Return a finite float as an exact number; raises ValueError for NaN and infinity."""
    if not math.isfinite(number):
        raise ValueError(f"An exact sum takes finite numbers, not {number}.")
    numerator, denominator = float(number).as_integer_ratio()
    return normal(numerator, 1 - denominator.bit_length())


def to_hex(number: float | None) -> str | None:
    """Return a float as hexadecimal text, which no database and no JSON reader rounds."""
    return None if number is None else float(number).hex()


def from_hex(text: str | None) -> float | None:
    """Return the float that `to_hex` wrote."""
    return None if text is None else float.fromhex(text)
