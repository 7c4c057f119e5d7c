"""Replays: what a new version says of the latest days goes into its prediction log.

The door is that of every batch, so ids that were erased stay away and rows are checked.
"""

from collections.abc import Iterator

import pyarrow as pa
from django.db import transaction

from ledger import claims
from monitoring.gateways.parquet import written
from monitoring.gateways.snapshots import LATEST
from monitoring.jobs.retraining.answered import answered_part
from monitoring.jobs.retraining.replaying import key_of
from monitoring.jobs.retraining.work import StepFailed, actor_of, desk, tell
from monitoring.models import RetrainingStep
from monitoring.reads.baselines import schema_of
from monitoring.services.ingest import accept_predictions

PARQUET = "application/vnd.apache.parquet"
AT_ONCE = 50_000  # rows


def replay(claim: claims.Claim) -> None:
    """Log the answers in batches; a second time finds those that are there.

    Raises:
        Refused: whoever switched the policy on may not send for the model.
        UploadRefused: a row does not fit the schema.
    """
    step = RetrainingStep.objects.select_related(
        "retraining__model", "retraining__version", "retraining__policy__switched_on_by"
    ).get(pk=claim.subject_id)
    rows = _log(step)
    with transaction.atomic():
        claims.finish(claim=claim)
        tell(step, f"{rows:,} rows of the latest days answered again.")


def _log(step: RetrainingStep) -> int:
    retraining = step.retraining
    version = retraining.version
    schema = schema_of(version) if version is not None else None
    if version is None or schema is None:
        raise StepFailed("There is no new version to answer with.")
    with desk() as folder:
        table = answered_part(step, schema, folder, LATEST)
    logged = [field.name for field in schema.logged]
    table = table.select([name for name in table.column_names if name in logged])
    for number, part in enumerate(_parts(table)):
        accept_predictions(
            actor=actor_of(retraining),
            version_id=version.pk,
            key=f"{key_of(retraining)}{number}",
            body=written(part),
            content_type=PARQUET,
        )
    return int(table.num_rows)


def _parts(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, AT_ONCE):
        yield table.slice(start, AT_ONCE)
