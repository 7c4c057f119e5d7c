"""Cards of other tools, imported: a preview first, and what the person confirmed afterwards."""

from collections.abc import Collection
from dataclasses import asdict

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.importing import BadCard, Place, read_card
from governance.jobs.cards import write_revision
from governance.jobs.locks import locked_version
from governance.models import CardImport, CardRevision
from governance.policies import can_edit_card
from governance.reads.card_imports import ImportPlan, plan_of
from governance.refusals import BadImport, CardChanged
from governance.services.cards import ONLY_BUILDERS, revise_card
from registry.models import Version

MOST_LOST = 200


def preview_import(*, actor: User, version_id: int, raw: bytes) -> ImportPlan:
    """What importing this file would do; nothing is written.

    Raises:
        BadImport: the file cannot be taken.
        Refused: not a developer or validator of the owning team.
    """
    version = Version.objects.select_related("model").get(pk=version_id)
    require(can_edit_card(actor, version), ONLY_BUILDERS)
    return _plan(version, raw)


@transaction.atomic
def import_card(
    *,
    actor: User,
    version_id: int,
    raw: bytes,
    take: Collection[str] | None,
    expected_revision: int,
) -> CardRevision:
    """Write what the person confirmed: `take` names sections and numbers of the plan (None: all).

    Raises:
        BadImport: the file cannot be taken.
        CardChanged: the newest revision is not the one the preview was made of.
        Refused: not a developer or validator of the owning team.
    """
    version = locked_version(version_id)
    require(can_edit_card(actor, version), ONLY_BUILDERS)
    plan = _plan(version, raw)
    if plan.expected_revision != expected_revision:
        raise CardChanged(
            f"The card is at revision {plan.expected_revision}, the preview was of "
            f"{expected_revision}. Look at the preview again."
        )
    wanted = plan.keys if take is None else plan.keys & set(take)
    if not wanted:
        nothing = Place("", "Nothing is chosen, or all of it is in the card.", "Choose a field.")
        raise BadImport([nothing])
    texts = {p.section.id: p.text for p in plan.sections if p.section.id in wanted}
    _keep(actor, version, plan, raw, texts, wanted)
    note = f"Imported from a {plan.format} card"
    revise_card(
        actor=actor,
        version_id=version_id,
        sections=texts,
        note=note,
        expected_revision=expected_revision,
    )
    # Where the words stay as they are, the numbers still make a revision.
    return write_revision(actor=actor, version_id=version_id, sections=None, note=note)


def _plan(version: Version, raw: bytes) -> ImportPlan:
    try:
        return plan_of(version, read_card(raw), raw)
    except BadCard as error:
        raise BadImport(error.places) from error


def _keep(
    actor: User,
    version: Version,
    plan: ImportPlan,
    raw: bytes,
    texts: dict[str, str],
    wanted: Collection[str],
) -> None:
    numbers = [asdict(p.stated) for p in plan.numbers if p.key in wanted]
    kept = CardImport.objects.create(
        version=version,
        format=plan.format,
        sha256=plan.sha256,
        size=len(raw),
        sections=sorted(texts),
        numbers=numbers,
        lost=[asdict(lost) for lost in plan.lost[:MOST_LOST]],
        person=actor,
    )
    record(
        actor,
        GovernanceEvent.CARD_IMPORTED,
        kept,
        version=version.number,
        format=plan.format,
        file=plan.sha256,
        sections=sorted(texts),
        numbers={one["label"]: one["value"] for one in numbers},
        lost=len(plan.lost),
    )
