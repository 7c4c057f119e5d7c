"""Fairness: do groups get the same decisions, and the same errors?

`fairness` gives every gap between groups, `by_group` every group's own numbers, `impact` the
impact ratios. `rates`, `gaps`, `ratios` and `means` hold the measures with definitions and
sources, `sampling` what chance does to them.
"""

from monitoring.stats.fairness.gaps import TOO_FEW, odds, parity
from monitoring.stats.fairness.means import calibration_gap, calibration_rates, error_gaps
from monitoring.stats.fairness.overview import by_group, fairness, impact
from monitoring.stats.fairness.rates import MINIMUM_N, GroupRate, group_rates, selection_rates
from monitoring.stats.fairness.ratios import impact_ratios, scored_impact_ratios
from monitoring.stats.fairness.sampling import RESAMPLES, smallest_detectable

__all__ = [
    "MINIMUM_N",
    "RESAMPLES",
    "TOO_FEW",
    "GroupRate",
    "by_group",
    "calibration_gap",
    "calibration_rates",
    "error_gaps",
    "fairness",
    "group_rates",
    "impact",
    "impact_ratios",
    "odds",
    "parity",
    "scored_impact_ratios",
    "selection_rates",
    "smallest_detectable",
]
