"""Experiments: challenger against champion, at a planned end or at any look; and shadows.

`arms` compares at the planned end and checks the traffic, `sequences` holds at every look,
`shadow` compares two versions on the same rows; each module with its definitions and sources.
"""

from monitoring.stats.experiments.arms import (
    Moments,
    moments,
    ratio_evidence,
    sample_ratio_mismatch,
    two_proportions,
    welch,
)
from monitoring.stats.experiments.sequences import (
    difference_sequence,
    equality_evidence,
    log_evidence,
    mean_difference_sequence,
    mixing,
    mixture_evidence,
    share_sequence,
)
from monitoring.stats.experiments.shadow import (
    agreement,
    agreement_table,
    disagreement_by_segment,
    mcnemar,
    paired_difference,
)

__all__ = [
    "Moments",
    "agreement",
    "agreement_table",
    "difference_sequence",
    "disagreement_by_segment",
    "equality_evidence",
    "log_evidence",
    "mcnemar",
    "mean_difference_sequence",
    "mixing",
    "mixture_evidence",
    "moments",
    "paired_difference",
    "ratio_evidence",
    "sample_ratio_mismatch",
    "share_sequence",
    "two_proportions",
    "welch",
]
