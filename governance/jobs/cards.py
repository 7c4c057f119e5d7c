"""Revisions of cards: written whole, never changed; facts and claims filled in anew each time."""

from typing import Any

from django.db import transaction

from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs.locks import locked_version
from governance.models import Card, CardRevision, ChangeRequest, Claim
from governance.numbers import IMPORTED, Number
from governance.reads.card_facts import CardContent, content_of, latest_revision
from governance.states import RequestState


@transaction.atomic
def write_revision(
    *, actor: Any, version_id: int, sections: dict[str, str] | None, note: str
) -> CardRevision:
    """Add a revision of the card with these sections (None: the sections as they are).

    The card is made if it is not there. Nothing is added when nothing would change.
    """
    version = locked_version(version_id)
    card, _ = Card.objects.get_or_create(version=version)
    last = latest_revision(version_id)
    kept = last.sections if last else {}
    content = content_of(version, kept if sections is None else sections)
    if last is not None and last.digest == content.digest:
        return last
    revision = _save(card, last.number + 1 if last else 1, content, actor, note)
    record(
        actor,
        GovernanceEvent.CARD_REVISED,
        card,
        revision=revision.number,
        digest=revision.digest,
        note=note,
    )
    return revision


def refresh_as_system(version_id: int, note: str) -> None:
    """Facts and claims anew, by the machine: nobody's hand in the version.

    Not while people sign a request over the card as it is: their signatures would become stale
    although nobody changed anything.
    """
    pending = ChangeRequest.objects.filter(
        version=version_id, state__in=[RequestState.OPEN, RequestState.APPROVED]
    )
    if not pending.exists():
        write_revision(actor=SYSTEM, version_id=version_id, sections=None, note=note)


def _save(card: Card, number: int, content: CardContent, actor: Any, note: str) -> CardRevision:
    revision = CardRevision.objects.create(
        card=card,
        number=number,
        sections=content.sections,
        facts=content.facts,
        digest=content.digest,
        author_id=actor.pk,
        note=note[:200],
    )
    Claim.objects.bulk_create(_claim(revision, number) for number in content.numbers)
    return revision


def _claim(revision: CardRevision, number: Number) -> Claim:
    origin = "measured" if number.measurement_id else "recorded"
    if number.key:
        return _claim_of(revision, number, number.key)
    if number.source == IMPORTED:
        # By its label alone: it may come to be bound to a measurement, and stays the same claim.
        return _claim_of(revision, number, f"imported_{number.label}")
    return _claim_of(revision, number, f"{origin}_{number.metric}_{number.label}")


def _tolerance(number: Number) -> float | None:
    if number.tolerance is not None or number.low is None:
        return number.tolerance
    return abs(number.value - number.low)


def _claim_of(revision: CardRevision, number: Number, key: str) -> Claim:
    return Claim(
        revision=revision,
        key=key[:80],
        label=number.label[:120],
        value=number.value,
        low=number.low,
        high=number.high,
        n=number.n,
        tolerance=_tolerance(number),
        measurement_id=number.measurement_id,
        source=number.source,
        as_of=number.as_of,
    )
