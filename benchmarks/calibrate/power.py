"""Something changes: is it found within two windows?

The changed field is one of 25 and has to be named by an alarm of a default monitor, at the alpha
that the model's whole budget leaves. The other 24 fields do not change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.calibrate.fields import Field, categorical_field, numeric_field, windows
from benchmarks.calibrate.monitors import INPUTS, MONITORS, auc_alarm, run, scores
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.intervals import wilson
from monitoring.stats.multiplicity import split_budget

OTHERS = 24
WINDOW = 10_000
RARE = 0.02
LEVELS = 20
ALPHA = split_budget(dict.fromkeys(MONITORS, 1 / 7))

# From the true shares of the changed field (cells,) to those after the change.
Change = Callable[[np.random.Generator, Floats], Floats]


@dataclass(frozen=True)
class Planted:
    """One change, the kind of field it happens to, and the measures that found it."""

    name: str
    numeric: bool
    change: Change


@dataclass(frozen=True)
class Power:
    """In how many of the runs a change was found, in the first and within two windows."""

    name: str
    reference: int
    runs: int
    first: int
    second: int
    by_measure: dict[str, int]

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.second, self.runs)


def normal(shift: float, ratio: float) -> Change:
    """A normal field that moves by `shift` deviations and widens by `ratio`."""
    return _moved(stats.norm, shift, ratio)


def heavy(shift: float, ratio: float) -> Change:
    """The same with the tails of Student's t with three degrees of freedom."""
    return _moved(stats.t(3), shift * float(stats.t(3).std()), ratio)


def _moved(curve: stats.rv_continuous, shift: float, ratio: float) -> Change:
    def change(_: np.random.Generator, shares: Floats) -> Floats:
        cuts = curve.ppf(np.clip(np.cumsum(shares[:-1])[:-1], 0, 1))
        below = np.concatenate([[0.0], curve.cdf((cuts - shift) / ratio), [1.0]])
        moved: Floats = np.append(np.diff(below), 0.0)
        return moved

    return change


def sentinel(rng: np.random.Generator, shares: Floats) -> Floats:
    """One row in a hundred gets the same value, which may lie in any bin."""
    changed: Floats = shares * 0.99
    changed[rng.integers(shares.size - 1)] += 0.01
    return changed


def emptied(_: np.random.Generator, shares: Floats) -> Floats:
    """Three rows in ten become null."""
    changed: Floats = shares * 0.7
    changed[-1] += 0.3
    return changed


def halved(_: np.random.Generator, shares: Floats) -> Floats:
    """The category that holds 2 % holds 1 %; the others share the rest."""
    place = int(np.argmin(np.abs(shares - RARE)))
    changed: Floats = shares * (1 - RARE / 2) / (1 - shares[place])
    changed[place] = RARE / 2
    return changed


PLANTED = (
    Planted("mean + 0.1 sd, normal", numeric=True, change=normal(0.1, 1.0)),
    Planted("mean + 0.1 sd, heavy tails", numeric=True, change=heavy(0.1, 1.0)),
    Planted("sd × 1.15, normal", numeric=True, change=normal(0.0, 1.15)),
    Planted("sd × 1.15, heavy tails", numeric=True, change=heavy(0.0, 1.15)),
    Planted("category 2 % → 1 %", numeric=False, change=halved),
    Planted("1 % sentinels", numeric=True, change=sentinel),
    Planted("30 % null", numeric=True, change=emptied),
)


def powers(*, runs: int, references: Sequence[int]) -> list[Power]:
    """The power of every planted change at every size of the reference."""
    found = [power(one, m, runs) for m in references for one in PLANTED]
    return found + [auc_power(m, runs) for m in references]


def power(planted: Planted, m: int, runs: int) -> Power:
    """In how many of `runs` models the change is found."""
    first = second = 0
    by_measure: dict[str, int] = {}
    for seed in range(runs):
        seen = _two_windows(planted, m, seed)
        first, second = first + bool(seen[0]), second + bool(seen[0] | seen[1])
        for measure in seen[0] | seen[1]:
            by_measure[measure] = by_measure.get(measure, 0) + 1
    return Power(planted.name, m, runs, first, second, by_measure)


def _two_windows(planted: Planted, m: int, seed: int) -> list[set[str]]:
    """Which monitors name the changed field, in each of two windows."""
    rng = np.random.default_rng([m, seed])
    fields = [_changing(rng, planted, m), *(_other(rng, m, place) for place in range(OTHERS))]
    references = [one.reference[0] for one in fields]
    after = planted.change(rng, fields[0].shares[0])
    seen: list[set[str]] = []
    for _ in range(2):
        changed: Counts = rng.multinomial(WINDOW, after / after.sum()).astype(np.int64)
        currents = [changed, *(windows(rng, one, WINDOW, 1)[0] for one in fields[1:])]
        said = {
            measure: run(measure, fields, references, currents, alpha=ALPHA[measure])
            for measure in INPUTS
        }
        seen.append({measure for measure, one in said.items() if 0 in one.alarms})
    return seen


def _changing(rng: np.random.Generator, planted: Planted, m: int) -> Field:
    if planted.numeric:
        return numeric_field(rng, m)
    usual = 1 / np.arange(1, LEVELS)
    return categorical_field(
        rng, m, LEVELS, shares=np.append(usual / usual.sum() * (1 - RARE), RARE)
    )


def _other(rng: np.random.Generator, m: int, place: int) -> Field:
    return categorical_field(rng, m, LEVELS) if place % 2 else numeric_field(rng, m)


def auc_power(m: int, runs: int) -> Power:
    """The AUC falls from 0.76 by 0.03; 10,000 outcomes, a fifth of them positive."""
    before, after = (2**0.5 * float(stats.norm.ppf(auc)) for auc in (0.76, 0.73))
    first = second = 0
    for seed in range(runs):
        rng = np.random.default_rng([m, seed])
        known = scores(rng, m, before)
        seen = [
            bool(auc_alarm(known, scores(rng, WINDOW, after), alpha=ALPHA["roc_auc"]).alarms)
            for _ in range(2)
        ]
        first, second = first + seen[0], second + any(seen)
    return Power("AUC − 0.03", m, runs, first, second, {"roc_auc": second})
