"""Building: count batches of rows over frozen bins.

Definition
    `profile_predictions` counts what is known when a prediction is made: fields, scores, decisions
    by group, novelty, joint moments, operations and value. `profile_outcomes` counts rows joined
    with their outcome: the outcome itself, the cube of prediction x outcome x group, scores by
    outcome, residuals, the failed stage, value. `profile_agreement` counts rows that have a true
    outcome and another kind beside it. All stream: pass any iterable of Arrow record batches or
    tables; only one batch is in memory at a time. Profiles of all kinds add with `profiles.merge`.

Units
    Latency is in milliseconds, gaps in seconds. Scores are probabilities in [0, 1]; others are left
    out of the score histogram, never moved into it.
"""

from collections.abc import Iterable
from typing import TypeAlias

import pyarrow as pa

from monitoring.stats.building.agreeing import agreeing
from monitoring.stats.building.decisions import decisions, scores
from monitoring.stats.building.fields import field, novel
from monitoring.stats.building.joint import joint
from monitoring.stats.building.outcomes import FAILED_COMPONENT, outcomes
from monitoring.stats.building.service import service, value
from monitoring.stats.columns import Batch
from monitoring.stats.profiles import Profile, empty, merge
from monitoring.stats.reference import Bins

__all__ = ["FAILED_COMPONENT", "profile_agreement", "profile_outcomes", "profile_predictions"]

Batches: TypeAlias = Batch | Iterable[Batch]


def profile_predictions(bins: Bins, batches: Batches) -> Profile:
    """Count prediction rows: fields, scores, decisions by group, novelty, operations, value."""
    return merge([empty(bins), *(_predictions(bins, batch) for batch in _each(batches))])


def profile_outcomes(bins: Bins, batches: Batches) -> Profile:
    """Count rows that carry an outcome; rows whose outcome is null are passed over.

    The batches need the outcome and, as the task asks, prediction, score, group and value fields.
    ValueError where the schema declares no outcome, or a regression no prediction.
    """
    return merge([empty(bins), *(outcomes(bins, batch) for batch in _each(batches))])


def profile_agreement(bins: Bins, batches: Batches, other: str) -> Profile:
    """Count rows with a true outcome and another one in the column `other`."""
    return merge([empty(bins), *(agreeing(bins, batch, other) for batch in _each(batches))])


def _each(batches: Batches) -> Iterable[Batch]:
    return [batches] if isinstance(batches, pa.RecordBatch | pa.Table) else batches


def _predictions(bins: Bins, batch: Batch) -> Profile:
    parts = {spec.name: field(bins, batch, spec) for spec in bins.schema.profiled}
    return merge(
        [
            *parts.values(),
            decisions(bins, batch),
            scores(bins, batch),
            joint(bins, batch, novel(bins, batch, parts)),
            service(bins, batch),
            value(bins, batch),
        ]
    )
