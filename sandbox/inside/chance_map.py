"""A calibration map: from the score of a model to the chance that it stands for. Numbers only.

Three forms, all rising: `isotonic` (straight lines between steps, flat outside), `platt` (a line of
log odds) and `beta` (log odds of the beta family). `clients/ombud_calibration.py` does the same for
serving systems, with the standard library alone.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

FORM = 1
NEAREST = 1e-6  # scores nearer to 0 or 1 are taken as this near
Floats = np.ndarray[Any, np.dtype[np.float64]]


class NoMap(Exception):
    """The file is no calibration map that is known here."""

    refused = True


def chance_map(told: Mapping[str, Any]) -> Callable[[Floats], Floats]:
    """The map as a function of scores.

    Raises:
        NoMap: another form, a method that is not known, or numbers that do not rise.
    """
    if not isinstance(told, dict) or told.get("form") != FORM:
        raise NoMap("The calibration map is of another form than is known here.")
    maker = MAKERS.get(str(told.get("method")))
    if maker is None:
        raise NoMap(f"The calibration map knows no method {str(told.get('method'))[:40]!r}.")
    try:
        return maker(told)
    except (KeyError, TypeError, ValueError) as error:
        raise NoMap(f"The calibration map is damaged: {error}") from error


def _isotonic(told: Mapping[str, Any]) -> Callable[[Floats], Floats]:
    scores, chances = np.asarray(told["scores"], float), np.asarray(told["chances"], float)
    if scores.size < 1 or scores.shape != chances.shape or not _rises(scores, chances):
        raise ValueError("scores and chances are not as long as each other, or do not rise")
    return lambda given: np.interp(given, scores, chances)


def _rises(scores: Floats, chances: Floats) -> bool:
    inside = bool((chances >= 0).all() and (chances <= 1).all())
    return inside and bool((np.diff(scores) > 0).all() and (np.diff(chances) >= 0).all())


def _platt(told: Mapping[str, Any]) -> Callable[[Floats], Floats]:
    return _line(_positive(told["slope"]), _positive(told["slope"]), float(told["intercept"]))


def _beta(told: Mapping[str, Any]) -> Callable[[Floats], Floats]:
    return _line(_positive(told["a"]), _positive(told["b"]), float(told["c"]))


def _positive(number: Any) -> float:
    if not float(number) >= 0:
        raise ValueError("a slope is below zero")
    return float(number)


def _line(a: float, b: float, c: float) -> Callable[[Floats], Floats]:
    def chances(given: Floats) -> Floats:
        kept = np.clip(np.asarray(given, np.float64), NEAREST, 1 - NEAREST)
        odds = a * np.log(kept) - b * np.log1p(-kept) + c
        return np.asarray(1 / (1 + np.exp(-odds)), np.float64)

    return chances


MAKERS = {"isotonic": _isotonic, "platt": _platt, "beta": _beta}
