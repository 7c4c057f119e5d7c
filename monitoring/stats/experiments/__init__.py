"""Experiments: challenger against champion, at a planned end or at any look; and shadows.

`arms` compares at the planned end and checks the traffic, `sequences` holds at every look,
`shadow` compares two versions on the same rows; `endpoints` reads the arms from profiles, `paired`
from rows, whose days are `clusters`. Each module has its definitions and sources.
"""

from monitoring.stats.experiments.arms import (
    Moments,
    moments,
    ratio_evidence,
    sample_ratio_mismatch,
    two_proportions,
    welch,
)
from monitoring.stats.experiments.clusters import clustered
from monitoring.stats.experiments.endpoints import (
    ENDPOINTS,
    Answer,
    Arm,
    Better,
    Compared,
    Endpoint,
    Share,
    Side,
    compared,
    endpoints_of,
    judged,
)
from monitoring.stats.experiments.paired import (
    Pairs,
    disagreements,
    paired_classes,
    paired_numbers,
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
    "ENDPOINTS",
    "Answer",
    "Arm",
    "Better",
    "Compared",
    "Endpoint",
    "Moments",
    "Pairs",
    "Share",
    "Side",
    "agreement",
    "agreement_table",
    "clustered",
    "compared",
    "difference_sequence",
    "disagreement_by_segment",
    "disagreements",
    "endpoints_of",
    "equality_evidence",
    "judged",
    "log_evidence",
    "mcnemar",
    "mean_difference_sequence",
    "mixing",
    "mixture_evidence",
    "moments",
    "paired_classes",
    "paired_difference",
    "paired_numbers",
    "ratio_evidence",
    "sample_ratio_mismatch",
    "share_sequence",
    "two_proportions",
    "welch",
]
