"""Performance: how well predictions agree with the outcomes that have arrived.

`performance` gives every finding of the task; `decisions`, `scores`, `gains`, `classes` and
`residuals` hold the measures, each with its definition and source.
"""

from monitoring.stats.performance.classes import averages, by_class, one_vs_rest
from monitoring.stats.performance.decisions import (
    Confusion,
    classification,
    confusion_matrix,
    confusion_of,
)
from monitoring.stats.performance.gains import GainCurve, gain, gain_curve, lift
from monitoring.stats.performance.means import NO_OUTCOMES
from monitoring.stats.performance.overview import compare, performance
from monitoring.stats.performance.residuals import (
    error_quantiles,
    regression,
    regression_by_group,
)
from monitoring.stats.performance.scores import (
    ONE_CLASS,
    gini,
    ks,
    losses,
    pr_auc,
    roc_auc,
    scored,
)

__all__ = [
    "NO_OUTCOMES",
    "ONE_CLASS",
    "Confusion",
    "GainCurve",
    "averages",
    "by_class",
    "classification",
    "compare",
    "confusion_matrix",
    "confusion_of",
    "error_quantiles",
    "gain",
    "gain_curve",
    "gini",
    "ks",
    "lift",
    "losses",
    "one_vs_rest",
    "performance",
    "pr_auc",
    "regression",
    "regression_by_group",
    "roc_auc",
    "scored",
]
