"""Draws predictions to be explained: a share by policy, bounded by day, the same ones each time.

A prediction is drawn if the hash of its id lies below the share, so that who sends cannot choose,
and whoever looks again finds the same. Where a day has more of them than the policy allows, those
with the lowest hashes of a batch come first.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef
from django.db.models.functions import TruncDate

from audit.record import SYSTEM, record
from monitoring.events import MonitoringEvent
from monitoring.jobs import logs
from monitoring.jobs.explaining import importances, local
from monitoring.models import (
    Batch,
    BatchKind,
    Explanation,
    ExplanationDraw,
    ExplanationOrigin,
    ExplanationPolicy,
)
from monitoring.reads.baselines import schema_of
from monitoring.reads.erased import erased_among, hold_for_taking
from registry.models import Version

AT_ONCE = 50
WHOLE = 2**64
Drawn = tuple[int, str, datetime]  # hash, id, time


def look_after() -> None:
    """New versions get their importance, new batches are drawn from; any number of beats may."""
    importances.begin_new()
    draw_new()


def draw_new() -> int:
    """Draw from every folded batch that came since its model's policy is on."""
    mine = ExplanationPolicy.objects.filter(model=OuterRef("model"), enabled=True)
    batches = Batch.objects.filter(
        Exists(mine.filter(on_since__lte=OuterRef("received_at"))),
        kind=BatchKind.PREDICTIONS,
        folded_at__isnull=False,
        explanation_draw__isnull=True,
        version__schema__isnull=False,
        version__reference__frozen_at__isnull=False,
    ).exclude(version__artifact_digest="")
    return sum(_draw(batch) for batch in batches.order_by("pk")[:AT_ONCE])


def _draw(batch: Batch) -> int:
    policy = ExplanationPolicy.objects.get(model=batch.model_id)
    version = Version.objects.select_related("model", "schema").get(pk=batch.version_id or 0)
    found = sorted(_hit(batch, version, policy.share))
    try:
        return _keep(batch, version, policy, found)
    except IntegrityError:
        return 0  # another beat has drawn from it


def _hit(batch: Batch, version: Version, share: float) -> Iterator[Drawn]:
    schema = schema_of(version)
    if schema is None:
        return
    table = logs.table_of(batch.path)
    ids, times = table.column(schema.id.name), table.column(schema.timestamp.name)
    for one, at in zip(ids.to_pylist(), times.to_pylist(), strict=True):
        place = hash_of(version.model_id, str(one))
        if place < share * WHOLE:
            yield place, str(one), at


def hash_of(model_id: int, prediction_id: str) -> int:
    """Where a prediction lies between 0 and 2^64."""
    text = f"ombud-explanation:{model_id}:{prediction_id}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


@transaction.atomic
def _keep(batch: Batch, version: Version, policy: ExplanationPolicy, found: list[Drawn]) -> int:
    ExplanationDraw.objects.create(batch=batch, chosen=0)
    ExplanationPolicy.objects.select_for_update(no_key=True).get(pk=policy.pk)
    hold_for_taking(batch.model_id)
    gone = erased_among(batch.model_id, [one for _, one, _ in found])
    kept = list(_bounded(version, policy.per_day, [one for one in found if one[1] not in gone]))
    made = Explanation.objects.bulk_create(
        (
            Explanation(version=version, prediction_id=one, at=at, origin=ExplanationOrigin.SAMPLED)
            for _, one, at in kept
        ),
        ignore_conflicts=True,
    )
    left = len(found) - len(gone) - len(kept)
    ExplanationDraw.objects.filter(batch=batch).update(chosen=len(made), left_out=left)
    if made:
        local.enqueue(version.pk)
        facts = {"batch": batch.pk, "chosen": len(made), "left_out": left}
        record(SYSTEM, MonitoringEvent.EXPLANATIONS_DRAWN, version, share=policy.share, **facts)
    return len(made)


def _bounded(version: Version, per_day: int, found: Iterable[Drawn]) -> Iterator[Drawn]:
    """As many of each day as its bound still allows."""
    by_day: dict[date, list[Drawn]] = defaultdict(list)
    for one in found:
        by_day[one[2].date()].append(one)
    used = _used(version.model_id, by_day)
    for day, rows in by_day.items():
        yield from rows[: max(0, per_day - used[day])]


def _used(model_id: int, days: Iterable[date]) -> Counter[date]:
    wanted = list(days)
    if not wanted:
        return Counter()
    rows = Explanation.objects.filter(
        version__model=model_id,
        origin=ExplanationOrigin.SAMPLED,
        at__date__gte=min(wanted),
        at__date__lt=max(wanted) + timedelta(days=1),
    )
    counted = rows.annotate(day=TruncDate(F("at"))).values_list("day").annotate(n=Count("pk"))
    return Counter(dict(counted))
