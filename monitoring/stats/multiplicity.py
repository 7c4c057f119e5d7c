"""Multiplicity: many fields, many windows, one declared number of false alarms.

Definition
    Within a run the p-values are adjusted by Benjamini and Hochberg. Over time, the budget (one
    false alarm per model per 90 days, over all its monitors together) is shared equally among the
    monitors and, within a monitor, equally among its runs:

        alpha = false_alarms / (monitors * runs of this monitor in the period).

    A monitor that opens an alarm only after k of n windows may judge each of them at a larger alpha
    (`sequential.alpha_per_look`). A monitor that runs for several versions counts once for each.

    By linearity of expectation the sum of all alphas bounds the expected number of false alarms,
    however the windows depend on each other. Under "nothing has changed" an adjusted p-value is
    below alpha in at most a share alpha of runs.

Example
    >>> split_budget({"drift": 1.0, "quality": 24.0})["drift"]
    0.005555555555555556

Source
    Benjamini and Hochberg (1995), JRSS B 57:289; Benjamini and Yekutieli (2001), Annals of
    Statistics 29:1165, on dependence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.stats import sequential


@dataclass(frozen=True)
class Budget:
    """How many false alarms a model may raise in how many days, over all its monitors."""

    false_alarms: float = 1.0
    days: float = 90.0


DEFAULT_BUDGET = Budget()


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the adjusted p-values, in the given order; None (nothing tested) stays None."""
    tested = [place for place, p_value in enumerate(p_values) if p_value is not None]
    raw = np.array([p_values[place] for place in tested], dtype=np.float64)
    adjusted: list[float | None] = [None] * len(p_values)
    order = np.argsort(raw, kind="stable")[::-1]
    ranks = np.arange(raw.size, 0, -1)
    stepped = np.minimum.accumulate(raw[order] * raw.size / ranks)
    for place, value in zip(order, stepped, strict=True):
        adjusted[tested[place]] = min(1.0, float(value))
    return adjusted


def split_budget(
    runs_per_day: Mapping[str, float],
    budget: Budget = DEFAULT_BUDGET,
    *,
    open_after: Mapping[str, sequential.OpenAfter] | None = None,
    correlated: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return the alpha of one run of each monitor, at most 0.05; monitors that never run get 0.

    `open_after` (k of n, one window where a monitor is not named) and `correlated` (see
    `sequential.correlation`; where not named windows count as one, which allows nothing more).
    """
    active = [monitor for monitor, rate in runs_per_day.items() if rate > 0]
    share = budget.false_alarms / max(len(active), 1)
    return {
        monitor: sequential.alpha_per_look(
            share,
            rate * budget.days,
            open_after=(open_after or {}).get(monitor, sequential.AT_ONCE),
            correlated=(correlated or {}).get(monitor, 1.0),
        )
        for monitor, rate in runs_per_day.items()
    }


def expected_false_alarms(
    alphas: Mapping[str, float], runs_per_day: Mapping[str, float], days: float = 90.0
) -> float:
    """Return the bound on the expected number of false alarms in a period."""
    return sum(alpha * runs_per_day[monitor] * days for monitor, alpha in alphas.items())
