"""Novelty: rows that the reference says nothing about.

Definition
    novel_share     share of rows with a category that the reference never saw, or a value out of
                    the declared range, in any feature
    distant_share   share of rows, of those with every numeric feature, that lie farther from the
                    reference's centre than 99.9 % of its own rows (Mahalanobis distance, see
                    `joint`)

Both are tested against the reference's own share, which is a sample too.

Example
    >>> nothing = Profile("d", {"novel": np.array([1000, 0, 1000, 1])})
    >>> novelty(nothing, Profile("d", {"novel": np.array([100, 9, 100, 0])}))["novel_share"].value
    0.09

Source
    Mahalanobis (1936), Proceedings of the National Institute of Sciences of India 2:49.
"""

import numpy as np

from monitoring.stats.columns import Counts
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.profiles import Profile
from monitoring.stats.quality import share_change

NOTHING: Counts = np.zeros(4, np.int64)
TOO_FEW_FIELDS = "no row has a value in every numeric feature, or there are fewer than two"


def novelty(reference: Profile, current: Profile) -> dict[str, Finding]:
    """Return both shares of a window, tested against the reference."""
    usual, now = (side.counts.get("novel", NOTHING).tolist() for side in (reference, current))
    found = {"novel_share": share_change("novel_share", now[1], now[0], usual[1], usual[0])}
    if not now[2]:
        found["distant_share"] = undefined("distant_share", n=0, reason=TOO_FEW_FIELDS)
    else:
        found["distant_share"] = share_change("distant_share", now[3], now[2], usual[3], usual[2])
    return found
