"""Parked outcomes are tried again in all of a model's files, whatever time they said.

Folding a prediction batch joins the outcomes of its time by itself; what is left here named a wrong
time, or came later than the model's horizon.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
from django.db import transaction
from django.db.models.functions import Now

from monitoring.gateways import duckdb
from monitoring.jobs import logs, shelves
from monitoring.jobs.counting import Cell, by_hour
from monitoring.models import Batch, BatchKind, ParkedOutcome
from monitoring.stats.building import profile_outcomes
from monitoring.stats.profiles import Profile

AT_ONCE = 5_000
MOST_FILES = 2_000
NOT_BEFORE = timedelta(minutes=1)
NOT_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Found:
    """Labelled counts of one version, and which parked outcomes they came from."""

    version_id: int
    labels: Mapping[Cell, Profile]
    parked: list[int]


def retry_parked() -> int:
    """Join what can be joined by now; returns how many outcomes. Twice is once.

    Only outcomes parked in the last day are looked for here: predictions that come later find
    their outcomes when they are folded.
    """
    young = ParkedOutcome.objects.filter(
        parked_at__lte=Now() - NOT_BEFORE, parked_at__gte=Now() - NOT_AFTER
    )
    models = young.order_by("model_id").values_list("model_id", flat=True).distinct()
    return sum(_retry(model_id) for model_id in list(models))


@transaction.atomic
def _retry(model_id: int) -> int:
    shelves.locked_model(model_id)
    waiting = list(ParkedOutcome.objects.filter(model_id=model_id).order_by("-pk")[:AT_ONCE])
    files: dict[int, list[str]] = {}
    batches = Batch.objects.filter(
        model_id=model_id, kind=BatchKind.PREDICTIONS, folded_at__isnull=False
    ).order_by("-folded_at", "-pk")[:MOST_FILES]
    for batch in reversed(batches):
        files.setdefault(batch.version_id or 0, []).append(batch.path)
    found = [_find(version_id, names, waiting) for version_id, names in sorted(files.items())]
    done: set[int] = set()
    for one in found:
        if one.parked:
            shelves.add_labels(one.version_id, one.labels)
            done.update(one.parked)
    ParkedOutcome.objects.filter(pk__in=done).delete()
    return len(done)


def _find(version_id: int, names: list[str], waiting: list[ParkedOutcome]) -> Found:
    log = logs.log_of(version_id)
    if log is None or log.outcome is None:
        return Found(version_id, {}, [])
    rows = pa.table(
        {
            "place": pa.array(range(len(waiting)), pa.int64()),
            "id": [one.prediction_id for one in waiting],
        }
    )
    places, found = duckdb.joined(rows, names, log.schema.id.name, log.labelled_columns)
    if not places:
        return Found(version_id, {}, [])
    labelled = found.append_column(
        log.outcome, pa.array([waiting[place].row["outcome"] for place in places])
    )
    labels = by_hour(labelled, log.at, log.segments(labelled), profile_outcomes, log.baseline.bins)
    return Found(version_id, labels, [waiting[place].pk for place in places])
