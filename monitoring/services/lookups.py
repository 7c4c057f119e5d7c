"""One prediction and its outcome, found in the logs by its id: bounded, and it says where it ends.

Logs are files: an id alone is looked for in the newest rows; a time narrows the search to two days.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from monitoring.gateways import duckdb
from monitoring.models import Batch, BatchKind
from monitoring.reads.baselines import schema_of
from monitoring.reads.erased import erased_on
from registry.models import Model, Version

MOST_ROWS = 3_000_000
MOST_FILES = 500
AROUND = timedelta(days=1)
MOST_FOUND = 20
PREDICTION_ID = "prediction_id"


@dataclass(frozen=True)
class Logged:
    """A prediction as a version logged it."""

    version_id: int
    version: int
    at: datetime
    row: dict[str, Any]


@dataclass(frozen=True)
class Lookup:
    """What was found, and whether every file was looked at."""

    predictions: tuple[Logged, ...]
    outcomes: tuple[dict[str, Any], ...]
    everywhere: bool
    files: int
    around: datetime | None = field(default=None)
    erased_on: datetime | None = None


def find_prediction(
    *, actor: User, model_id: int, prediction_id: str, at: datetime | None = None
) -> Lookup:
    """Look for an id in the prediction and outcome logs of a model that the actor may see.

    Versions that answered the same row (a champion and its shadow) are all found, oldest first.
    """
    model = Model.objects.visible_to(actor).get(pk=model_id)
    batches, all_of_them = _batches(model, BatchKind.PREDICTIONS, at)
    found = sorted(_logged(batches, prediction_id), key=lambda one: (one.at, one.version))
    told, all_told = _batches(model, BatchKind.OUTCOMES, None)
    names = [batch.path for batch in told]
    outcomes = duckdb.rows_of(names, column=PREDICTION_ID, value=prediction_id, most=MOST_FOUND)
    return Lookup(
        tuple(found[:MOST_FOUND]),
        tuple(outcomes),
        all_of_them and all_told,
        len(batches) + len(told),
        at,
        None if found else erased_on(model.pk, prediction_id),
    )


def _batches(model: Model, kind: str, at: datetime | None) -> tuple[list[Batch], bool]:
    """The newest batches as far as the bounds allow, and whether these are all."""
    rows = Batch.objects.filter(model=model, kind=kind)
    if at is not None:
        rows = rows.filter(first_at__lte=at + AROUND, last_at__gte=at - AROUND)
    chosen: list[Batch] = []
    total = 0
    for batch in rows.order_by("-last_at", "-pk")[: MOST_FILES + 1]:
        total += batch.rows
        if len(chosen) == MOST_FILES or (chosen and total > MOST_ROWS):
            return chosen, False
        chosen.append(batch)
    return chosen, True


def _logged(batches: Iterable[Batch], prediction_id: str) -> Iterable[Logged]:
    paths: dict[int, list[str]] = defaultdict(list)
    for batch in batches:
        paths[batch.version_id or 0].append(batch.path)
    versions = Version.objects.filter(pk__in=paths).select_related("schema", "model")
    for version in versions:
        schema = schema_of(version)
        if schema is None:
            continue
        rows = duckdb.rows_of(
            paths[version.pk], column=schema.id.name, value=prediction_id, most=MOST_FOUND
        )
        for row in rows:
            yield Logged(version.pk, version.number, row[schema.timestamp.name], row)
