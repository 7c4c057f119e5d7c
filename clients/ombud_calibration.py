"""Applies a calibration map of Ombud's to a score. Standard library only; copy this file.

    from ombud_calibration import calibrated, load_map

    told = load_map("calibration.json")   # beside the model's files, named by its MLmodel
    chance = calibrated(told, model_score)

A map is numbers, nothing is executed. `clients/vectors/calibration.json` has what it must answer.
"""

import json
import math
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORM = 1
NEAREST = 1e-6


def load_map(path: str | Path) -> dict[str, Any]:
    """The map in this file; ValueError where its form is not known."""
    told = json.loads(Path(path).read_text())
    if not isinstance(told, dict) or told.get("form") != FORM:
        raise ValueError("The calibration map is of another form than is known here.")
    return told


def calibrated(told: Mapping[str, Any], score: float) -> float:
    """The chance that a score stands for."""
    method = told["method"]
    if method == "isotonic":
        return _between(told["scores"], told["chances"], float(score))
    if method == "platt":
        return _line(score, told["slope"], told["slope"], told["intercept"])
    if method == "beta":
        return _line(score, told["a"], told["b"], told["c"])
    raise ValueError(f"The calibration map knows no method {method!r}.")


def _between(scores: list[float], chances: list[float], score: float) -> float:
    place = bisect_left(scores, score)
    if place == 0:
        return chances[0]
    if place == len(scores):
        return chances[-1]
    low, high = scores[place - 1], scores[place]
    share = (score - low) / (high - low)
    return chances[place - 1] + share * (chances[place] - chances[place - 1])


def _line(score: float, a: float, b: float, c: float) -> float:
    kept = min(max(float(score), NEAREST), 1 - NEAREST)
    return 1 / (1 + math.exp(-(a * math.log(kept) - b * math.log1p(-kept) + c)))
