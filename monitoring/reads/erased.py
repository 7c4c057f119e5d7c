"""Which prediction ids were erased: known by salted hashes only."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models import Q, Sum

from monitoring.models import ErasedFile, ErasedId, ErasureSalt

AT_ONCE = 5_000
# Beside the model's id in PostgreSQL's advisory locks: takers share it, an erasure holds it alone.
LOCK = 0x657261


def hashed(salt: str, one: object) -> str:
    return hmac.new(bytes.fromhex(salt), str(one).encode(), hashlib.sha256).hexdigest()


def salt_of(model_id: int) -> str | None:
    return ErasureSalt.objects.filter(model=model_id).values_list("salt", flat=True).first()


def erased_among(model_id: int, ids: Iterable[object]) -> set[object]:
    """Those of the ids that were erased; one query where nothing ever was."""
    salt = salt_of(model_id)
    if salt is None:
        return set()
    by_hash = {hashed(salt, one): one for one in ids}
    keys = list(by_hash)
    found: set[object] = set()
    for place in range(0, len(keys), AT_ONCE):
        rows = ErasedId.objects.filter(model=model_id, hashed__in=keys[place : place + AT_ONCE])
        found.update(by_hash[one] for one in rows.values_list("hashed", flat=True))
    return found


def newest(model_id: int) -> int:
    """Raised by every erasure: whether what was checked is still so."""
    rows = ErasedId.objects.filter(model=model_id).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def hold_for_taking(model_id: int) -> None:
    """In a taker's transaction: an erasure that began is seen, one that begins waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [LOCK, model_id])


def hold_alone(model_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, model_id])


def rows_erased(version_id: int, start: datetime, end: datetime) -> int:
    """Rows taken out of the files of a version that overlap with a window, outcomes included."""
    told = Q(batch__kind="outcomes", batch__model__versions=version_id)
    mine = ErasedFile.objects.filter(
        Q(batch__version=version_id) | told,
        batch__first_at__lt=end,
        batch__last_at__gte=start,
    )
    return mine.aggregate(total=Sum("removed"))["total"] or 0


def erased_on(model_id: int, prediction_id: str) -> datetime | None:
    """When the rows of this prediction were erased; None if they were not."""
    salt = salt_of(model_id)
    if salt is None:
        return None
    row = ErasedId.objects.filter(model=model_id, hashed=hashed(salt, prediction_id))
    found = row.values_list("erasure__finished_at", "erasure__began_at").first()
    return (found[0] or found[1]) if found else None
