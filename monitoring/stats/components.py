"""Components: which stage of a staged pipeline failed.

Definition
    Of the rows whose outcome has arrived, the share that names a stage as the one that failed, with
    Wilson's interval, tested against the reference's share.

Example
    >>> from monitoring.stats.reference import Schema, Task
    >>> bins = Bins(Schema(Task.BINARY, (), components=("speech", "intent")))
    >>> failed = Profile("d", {"failed": np.array([5, 1, 94])})
    >>> component_errors(bins, Profile("d"), failed)["speech"].value
    0.05

Source
    Agresti, Categorical Data Analysis, 3rd ed., section 3.5.
"""

import numpy as np

from monitoring.stats.findings import Finding
from monitoring.stats.profiles import Profile
from monitoring.stats.quality import share_change
from monitoring.stats.reference import Bins

MEASURE = "component_errors"


def component_errors(bins: Bins, reference: Profile, current: Profile) -> dict[str, Finding]:
    """Return the share of failures of each declared stage, first to last."""
    stages = bins.schema.components
    nothing = np.zeros(len(stages) + 1, np.int64)
    usual, now = (side.counts.get("failed", nothing) for side in (reference, current))
    return {
        stage: share_change(
            MEASURE, int(now[place]), int(now.sum()), int(usual[place]), int(usual.sum())
        )
        for place, stage in enumerate(stages)
    }
