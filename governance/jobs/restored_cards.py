"""A version that came back from its archive gets the card that was archived with it, as a draft.

Out of the archive and not out of the database: its bytes were compared with what was sealed. What
people signed belongs to the old version; of the new one nothing is published, and its facts and
numbers are its own.
"""

import json

from django.db import transaction

from audit.record import SYSTEM
from governance.card_fields import BY_ID, clean_sections
from governance.jobs.cards import write_revision
from governance.jobs.locks import locked_version
from governance.models import Card
from ledger import claims
from ledger.models import Job
from registry.jobs.verification import checked, sealed_files
from registry.models import Archive, Restore, RestoreState

KIND = "governance.restored_card"
CARD_FILE = "card/card.json"


def follow_restores() -> int:
    """Enqueue the draft of every restored version that had a card, once for ever; how many."""
    known = Job.objects.filter(kind=KIND).values("subject_id")
    found = Restore.objects.filter(
        state=RestoreState.RESTORED, archive__version__card__isnull=False
    ).exclude(pk__in=known)
    return sum(_enqueue(one) for one in found.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _enqueue(restore_id: int) -> bool:
    made = claims.enqueue(kind=KIND, key=str(restore_id), subject_id=restore_id)
    return made is not None


def draft_card(claim: claims.Claim) -> None:
    """Write the archived card's sections into the restored version, unless somebody was quicker.

    Raises:
        ArchiveBroken: the archive is not what was sealed any more; the ledger tries again.
    """
    restore = Restore.objects.select_related("archive__version").get(pk=claim.subject_id)
    _keep(claim, restore, archived_sections(restore.archive))


@transaction.atomic
def _keep(claim: claims.Claim, restore: Restore, sections: dict[str, str]) -> None:
    version = locked_version(restore.version_id or 0)
    claims.finish(claim=claim)
    if not sections or Card.objects.filter(version=version).exists():
        return
    archive = restore.archive
    note = f"As archived with version {archive.version.number} ({archive.digest[:12]})"
    write_revision(actor=SYSTEM, version_id=version.pk, sections=sections, note=note)


def archived_sections(archive: Archive) -> dict[str, str]:
    """People's words as they were archived; empty if there was no card. Sections that there are no
    more stay in the archive.

    Raises:
        ArchiveBroken: naming the file that is not what was sealed.
    """
    for file in sealed_files(archive):
        if file["path"] == CARD_FILE:
            told = json.loads(b"".join(checked(archive.path, file)))["sections"]
            return clean_sections({one["id"]: one["text"] for one in told if one["id"] in BY_ID})
    return {}
