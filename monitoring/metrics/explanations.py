"""Metrics of what answers rest on, from explanations that are drawn and stored."""

from monitoring.metrics.metric import SHARE, UP, Metric

EXPLANATION = (
    Metric(
        "importance_shift",
        "shift of importance",
        "How much of the answers' importance lies on other features than in the reference: 0 is"
        " none, 1 is all of it.",
        UP,
        SHARE,
    ),
    Metric(
        "rank_shift",
        "shift of ranks",
        "How far the order of the features by importance has changed: 0 is the same order, 1 the"
        " reverse.",
        UP,
    ),
)
