"""Collect: the log with mature outcomes up to a time, kept as one file with its digest."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from monitoring.gateways import snapshots
from monitoring.gateways.retraining_files import SNAPSHOT
from monitoring.gateways.snapshots import Question, Snapshot
from monitoring.jobs.retraining.work import Done, StepFailed, desk, keep, tell, terms_of
from monitoring.models import Batch, BatchKind, OutcomeKind, Retraining, RetrainingStep
from monitoring.reads.baselines import schema_of
from monitoring.retraining_terms import RetrainingKind
from registry.models import Schema, Version
from registry.schemas import FieldRole, PredictionSchema

HOLD_OUT_PERCENT = 20
LATEST_SHARE = 5  # the latest fifth of the time is held back to evaluate on
MOST_FILES = 20_000
USED = (
    FieldRole.ID,
    FieldRole.TIMESTAMP,
    FieldRole.FEATURE,
    FieldRole.GROUP,
    FieldRole.SEGMENT,
    FieldRole.WEIGHT,
)


def collect(step: RetrainingStep) -> Done:
    """Write the snapshot; a second time writes the same bytes to the same place."""
    retraining = step.retraining
    schema = schema_of(retraining.parent)
    if schema is None or schema.outcome is None:
        raise StepFailed("The champion's schema names no outcome, so there is nothing to learn.")
    question = _question(retraining, schema)
    with desk() as folder:
        path = folder / SNAPSHOT
        found = snapshots.write_snapshot(question, path)
        _check(found, terms_of(retraining).minimum_rows)
        size = path.stat().st_size
        files = keep(step, SNAPSHOT, path)
    tell(step, f"{sum(found.rows.values()):,} rows with outcomes, {size:,} bytes.")
    return Done(_numbers(found, question, size), files)


def _question(retraining: Retraining, schema: PredictionSchema) -> Question:
    terms, model = terms_of(retraining), retraining.model
    predictions = _predictions(retraining, schema)
    newest = snapshots.newest(predictions, schema.timestamp.name)
    if newest is None:
        raise StepFailed("The champion has logged nothing yet.")
    horizon = timedelta(hours=model.outcome_horizon_hours)
    mature = min(retraining.up_to - horizon, newest + timedelta(microseconds=1))
    window = timedelta(days=terms.window_days)
    return Question(
        predictions=predictions,
        outcomes=_outcomes(model.pk, retraining.up_to),
        id_column=schema.id.name,
        at_column=schema.timestamp.name,
        columns=[field.name for field in schema.logged],
        outcome_column=schema.outcome.name if schema.outcome else "",
        start=mature - window,
        mature=mature,
        up_to=retraining.up_to,
        hold_out_percent=HOLD_OUT_PERCENT,
        latest_from=mature - window / LATEST_SHARE,
    )


def _predictions(retraining: Retraining, schema: PredictionSchema) -> Sequence[str]:
    """Files of every version that logged the champion's features, the champion's own first.

    A map is learnt from the champion's scores, so a recalibration takes the champion's own only.
    """
    champion = retraining.parent
    alone = terms_of(retraining).kind == RetrainingKind.RECALIBRATION
    same = [champion.pk] if alone else _alike(champion, schema)
    found = Batch.objects.filter(
        version__in=same, kind=BatchKind.PREDICTIONS, received_at__lte=retraining.up_to
    )
    rows = found.order_by("pk").values_list("version_id", "path")[:MOST_FILES]
    ordered = sorted(rows, key=lambda row: row[0] != champion.pk)
    return [path for _, path in ordered]


def _alike(champion: Version, schema: PredictionSchema) -> list[int]:
    needed = {field.name for field in schema.features}
    return [
        one.version_id
        for one in Schema.objects.filter(version__model=champion.model_id)
        if needed <= {field["name"] for field in one.fields}
    ]


def _outcomes(model_id: int, up_to: datetime) -> Sequence[tuple[str, datetime]]:
    found = Batch.objects.filter(
        model_id=model_id,
        kind=BatchKind.OUTCOMES,
        outcome_kind=OutcomeKind.TRUE,
        received_at__lte=up_to,
    )
    rows = list(found.order_by("received_at", "pk").values_list("path", "received_at")[:MOST_FILES])
    if not rows:
        raise StepFailed("No outcome has come in yet, so there is nothing to learn.")
    return rows


def _check(found: Snapshot, minimum: int) -> None:
    numbers = {"rows": found.rows, "without_outcome": found.without_outcome}
    if found.rows[snapshots.TRAIN] < minimum:
        message = f"Only {found.rows[snapshots.TRAIN]:,} rows with mature outcomes are there to"
        raise StepFailed(f"{message} train on; the policy asks for {minimum:,}.", numbers)
    for part, words in ((snapshots.HOLD_OUT, "held out"), (snapshots.LATEST, "of the latest days")):
        if not found.rows[part]:
            raise StepFailed(f"No row {words} is left to evaluate on.", numbers)
    if found.categories < 2:
        raise StepFailed("All outcomes are the same, so there is nothing to learn.", numbers)


def _numbers(found: Snapshot, question: Question, size: int) -> dict[str, Any]:
    def told(moment: datetime | None) -> str:
        return moment.isoformat() if moment else ""

    return {
        "rows": found.rows,
        "without_outcome": found.without_outcome,
        "from": told(found.first_at),
        "until": told(found.last_at),
        "latest_from": told(question.latest_from),
        "files": len(question.predictions) + len(question.outcomes),
        "bytes": size,
    }
