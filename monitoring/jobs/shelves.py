"""Profiles as rows: what was counted is added to what is there.

Every writer holds the lock of its model (`locked_model`), so rows are changed by one job at a time
and in one order.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection
from django.db.models.functions import Now

from monitoring.jobs.counting import Cell
from monitoring.models import Profile as Row
from monitoring.stats import storage
from monitoring.stats.profiles import Profile, merge
from registry.models import Model

AT_ONCE = 500


def locked_model(model_id: int) -> Model:
    """The lock that serialises what is added to a model's profiles; held until the commit."""
    return Model.objects.select_for_update(no_key=True).get(pk=model_id)


def add_rows(version_id: int, counted: Mapping[Cell, Profile]) -> None:
    """Add counts of prediction rows."""
    there = _there(version_id, counted, "counts")
    rows = []
    for (hour, segment), profile in sorted(counted.items(), key=lambda pair: pair[0]):
        row = there.get((hour, segment))
        total = merge([storage.from_bytes(row.counts), profile]) if row else profile
        rows.append(
            Row(
                version_id=version_id,
                hour=hour,
                segment=segment,
                rows=total.rows,
                counts=storage.to_bytes(total),
                revision=row.revision + 1 if row else 1,
                changed_at=Now(),
            )
        )
    Row.objects.bulk_create(
        rows,
        batch_size=AT_ONCE,
        update_conflicts=True,
        unique_fields=["version", "hour", "segment"],
        update_fields=["rows", "counts", "revision", "changed_at"],
    )


def add_labels(version_id: int, counted: Mapping[Cell, Profile]) -> None:
    """Add counts of rows whose outcome has come to the hours of their predictions."""
    there = _there(version_id, counted, "outcomes")
    there |= _of_other_kinds(version_id, counted, there)
    keys, labelled, contents = [], [], []
    for cell, profile in sorted(counted.items(), key=lambda pair: pair[0]):
        row = there[cell]
        total = merge([storage.from_bytes(row.outcomes), profile]) if row.outcomes else profile
        keys.append(row.pk)
        labelled.append(total.labelled_rows)
        contents.append(storage.to_bytes(total))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE monitoring_profile p SET labelled = n.labelled, outcomes = n.outcomes,"
            " outcomes_revision = outcomes_revision + 1, changed_at = now()"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[]) n(id, labelled, outcomes)"
            " WHERE p.id = n.id",
            [keys, labelled, contents],
        )


def _of_other_kinds(
    version_id: int, counted: Mapping[Cell, Profile], there: Mapping[Cell, Row]
) -> dict[Cell, Row]:
    """Rows for labels that are not of true outcomes; no prediction is counted there."""
    missing = {
        cell: Row(
            version_id=version_id,
            hour=cell[0],
            segment=cell[1],
            counts=storage.to_bytes(Profile(profile.bins)),
        )
        for cell, profile in counted.items()
        if cell not in there
    }
    Row.objects.bulk_create(missing.values(), batch_size=AT_ONCE)
    return missing


def segments_known(version_id: int, field: str) -> list[str]:
    """The values of a field that have profiles, in order."""
    start = f"{field}="
    found = Row.objects.filter(version_id=version_id, segment__startswith=start)
    values = found.order_by("segment").values_list("segment", flat=True).distinct()
    return [value.removeprefix(start) for value in values]


def _there(version_id: int, counted: Mapping[Cell, Profile], content: str) -> dict[Cell, Row]:
    hours: set[datetime] = {hour for hour, _ in counted}
    found = Row.objects.filter(version_id=version_id, hour__in=hours)
    kept = found.only("hour", "segment", "revision", content).order_by("hour", "segment")
    return {(row.hour, row.segment): row for row in kept}
