"""The prepared status answers: a row is added when the answer changed, so the past can be asked."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from audit.chain import moment
from governance.models import StatusRow
from governance.reads.status import answers, etag_of


@transaction.atomic
def rebuild_status(*, model_ids: Collection[int]) -> int:
    """Prepare the answers of these models anew; returns how many changed.

    A fixed number of queries for any number of models; derived rows need no audit event.
    """
    now, last = _now(), _latest(model_ids)
    changed = 0
    for (model_id, environment), answer in answers(model_ids).items():
        etag, before = etag_of(answer), last.get((model_id, environment))
        if before is None or before.etag != etag:
            _add(model_id, environment, {**answer, "as_of": moment(now)}, etag, now)
            changed += 1
        elif before.answer["mlflow"]["seen_at"] != answer["mlflow"]["seen_at"]:
            # The same answer, seen again: no new row of history for every look at MLflow.
            StatusRow.objects.filter(pk=before.pk).update(
                answer={**before.answer, "mlflow": answer["mlflow"], "as_of": moment(now)}
            )
    return changed


def _latest(model_ids: Collection[int]) -> dict[tuple[int, str], StatusRow]:
    rows = StatusRow.objects.filter(model__in=model_ids).latest_rows()
    return {(row.model_id, row.environment): row for row in rows}


def _add(model_id: int, environment: str, answer: dict[str, Any], etag: str, now: datetime) -> None:
    StatusRow.objects.create(
        model_id=model_id, environment=environment, answer=answer, etag=etag, valid_from=now
    )


def _now() -> datetime:
    """The database's time at this moment, not at the transaction's start."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found
