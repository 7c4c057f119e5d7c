"""Seals: committed volume events become leaves of a Merkle tree.

A number that a sequence gave out earlier may be committed later, so "what is newer than the last
one" would lose rows. What was taken is remembered in rows of its own, and whatever is committed and
not taken is due. Each row knows its transaction's number, so that the past need not be searched:
below the number that was settled (below the snapshot's xmin) when the last seal was made, nothing
can appear any more. Transaction numbers do not survive a dump; after one, all is looked through. A
long transaction delays its own rows and loses none.
"""

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Max

from audit import merkle
from audit.events import AuditEvent
from audit.models import Seal, SealMember
from audit.record import SYSTEM, record
from ledger import claims
from ledger.models import Job, JobState

KIND = "audit.seal"
MOST = 10_000
UNSEALED = """
SELECT e.id, e.digest, e.xid::text::numeric FROM audit_volumeevent e
WHERE e.xid >= %(floor)s::xid8
  AND NOT EXISTS (SELECT 1 FROM audit_sealmember m WHERE m.event_id = e.id)
ORDER BY e.xid, e.id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Taken:
    """The next leaves in their order, and the transaction number below which nothing is left."""

    ids: list[int]
    leaves: list[bytes]
    settled_before: int


def seal_due() -> None:
    """Have the next seal made if a row waits for one; any number of beats may ask."""
    if take(most=1).ids:
        with transaction.atomic():
            _ask(_next_number())


def _ask(number: int) -> None:
    """One job per seal; one that found nothing to seal is asked again, once there is something."""
    if claims.enqueue(kind=KIND, key=str(number), subject_id=number) is not None:
        return
    done = Job.objects.filter(kind=KIND, key=str(number), state=JobState.DONE).exists()
    if done and not Seal.objects.filter(pk=number).exists():
        claims.again(kind=KIND, key=str(number), subject_id=number)


def make_seal(claim: claims.Claim) -> None:
    """Make the seal of this number over at most 10,000 rows; a second time changes nothing."""
    with transaction.atomic():
        claims.finish(claim=claim)
        number = _next_number()
        taken = take(most=MOST) if number == claim.subject_id else Taken([], [], 0)
        if taken.ids:
            _write(number, taken)
        if len(taken.ids) == MOST:
            _ask(number + 1)


def take(*, most: int) -> Taken:
    """Rows that wait for a seal and may have it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::numeric")
        settled = int(cursor.fetchone()[0])
        cursor.execute(UNSEALED, {"floor": str(_floor(settled)), "most": most})
        rows = cursor.fetchall()
    if len(rows) == most:
        settled = min(settled, int(rows[-1][2]))
    return Taken([row[0] for row in rows], [bytes(row[1]) for row in rows], settled)


def _floor(settled: int) -> int:
    """Where to begin looking: below the last seal's number nothing waits, in the same cluster."""
    last = Seal.objects.values_list("settled_before", flat=True).first() or 0
    return last if last <= settled else 0


def _next_number() -> int:
    return int(Seal.objects.aggregate(last=Max("number"))["last"] or 0) + 1


def _write(number: int, taken: Taken) -> None:
    """Members first, the chain last: its lock is held until the transaction ends."""
    SealMember.objects.bulk_create(
        [SealMember(seal_id=number, index=at, event_id=pk) for at, pk in enumerate(taken.ids)],
        batch_size=2000,
    )
    seal = Seal(
        number=number,
        root=merkle.root(taken.leaves),
        events=len(taken.ids),
        settled_before=taken.settled_before,
    )
    told = record(
        SYSTEM, AuditEvent.SEALED, seal, seal=number, root=bytes(seal.root), events=seal.events
    )
    seal.sequence, seal.sealed_at = told.sequence, told.at
    seal.save(force_insert=True)
