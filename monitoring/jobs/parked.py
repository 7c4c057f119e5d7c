"""Parked outcomes are tried again in all of a model's files, whatever time they said.

Folding a prediction batch joins the outcomes of its time by itself; what is left here named a wrong
time, or came later than the model's horizon.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
from django.db import transaction
from django.db.models.functions import Now

from monitoring.gateways import duckdb
from monitoring.jobs import logs, shelves
from monitoring.jobs.labels import Counted, labelled_counts, places, with_outcomes
from monitoring.models import Batch, BatchKind, ParkedOutcome
from monitoring.stats.building import FAILED_COMPONENT

AT_ONCE = 5_000
MOST_FILES = 2_000
NOT_BEFORE = timedelta(minutes=1)
NOT_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Found:
    """Labelled counts of one version, and which parked outcomes they came from."""

    labels: Counted
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
    folded = Batch.objects.filter(model_id=model_id, folded_at__isnull=False)
    predictions = folded.filter(kind=BatchKind.PREDICTIONS).order_by("-folded_at", "-pk")
    files: dict[int, list[str]] = {}
    for batch in reversed(predictions[:MOST_FILES]):
        files.setdefault(batch.version_id or 0, []).append(batch.path)
    done: set[int] = set()
    for version_id, names in sorted(files.items()):
        for kind in sorted({one.outcome_kind for one in waiting}):
            of_kind = [one for one in waiting if one.outcome_kind == kind]
            found = _find(version_id, names, of_kind, kind, logs.outcome_files(model_id))
            if found.parked:
                shelves.add_labels(version_id, found.labels)
                done.update(found.parked)
    ParkedOutcome.objects.filter(pk__in=done).delete()
    return len(done)


def _find(
    version_id: int,
    names: list[str],
    waiting: list[ParkedOutcome],
    kind: str,
    outcomes: Sequence[logs.Neighbour],
) -> Found:
    log = logs.log_of(version_id)
    if log is None or log.outcome is None:
        return Found({}, [])
    ids = places(pa.chunked_array([pa.array([one.prediction_id for one in waiting], pa.string())]))
    at, found = duckdb.joined(ids, names, log.schema.id.name, log.labelled_columns)
    if not at:
        return Found({}, [])
    sent = _sent([waiting[place] for place in at])
    labelled = with_outcomes(found, list(range(len(at))), log.outcome, sent)
    labels = labelled_counts(log, labelled, kind, outcomes)
    return Found(labels, [waiting[place].pk for place in at])


def _sent(parked: list[ParkedOutcome]) -> pa.Table:
    failed = [one.row.get(FAILED_COMPONENT) for one in parked]
    return pa.table(
        {
            "outcome": pa.array([one.row["outcome"] for one in parked]),
            FAILED_COMPONENT: pa.array(failed, pa.string()),
        }
    )
