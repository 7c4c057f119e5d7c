"""Cards: made, revised by people, and refreshed with today's facts and numbers."""

from collections.abc import Mapping

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from governance.bound_numbers import bind
from governance.card_fields import BadSections, clean_sections
from governance.jobs.cards import write_revision
from governance.jobs.locks import locked_version
from governance.models import CardRevision
from governance.policies import can_edit_card
from governance.reads.card_facts import latest_revision
from governance.refusals import CardChanged
from registry.models import Contribution, ContributionKind, Version

ONLY_BUILDERS = "Only developers and validators of the owning team write the card."


@transaction.atomic
def ensure_card(*, actor: User, version_id: int) -> CardRevision:
    """The card's newest revision; a first one with facts and claims if there is no card yet."""
    found = latest_revision(version_id)
    if found is not None:
        return found
    _editable(actor, version_id)
    return write_revision(actor=actor, version_id=version_id, sections={}, note="First facts")


@transaction.atomic
def revise_card(
    *,
    actor: User,
    version_id: int,
    sections: Mapping[str, object],
    note: str,
    expected_revision: int,
) -> CardRevision:
    """Replace the sections that are named (an empty text removes one) and keep the others.

    Raises:
        BadSections: an unknown section, or something that is not text.
        CardChanged: the newest revision is not the expected one (0: no card yet).
        Refused: not a developer or validator of the owning team.
    """
    version = _editable(actor, version_id)
    last = latest_revision(version_id)
    _expect(last, expected_revision)
    kept = last.sections if last else {}
    changed = clean_sections({**kept, **sections})
    if last is not None and changed == last.sections:
        return last
    Contribution.objects.get_or_create(version=version, person=actor, kind=ContributionKind.CARD)
    return write_revision(actor=actor, version_id=version_id, sections=changed, note=note)


@transaction.atomic
def bind_number(
    *, actor: User, version_id: int, section: str, shown: str, name: str, expected_revision: int
) -> CardRevision:
    """Bind a number in a section's words to what was measured: from then on it is a claim.

    Raises:
        BadSections: there is no such free number in the section, or no such measure's name.
        CardChanged, Refused: as in `revise_card`.
    """
    _editable(actor, version_id)
    last = latest_revision(version_id)
    text = (last.sections if last else {}).get(section, "")
    bound = bind(text, shown, name)
    if bound == text:
        raise BadSections({section: f"{shown} does not stand unbound in this section any more."})
    return revise_card(
        actor=actor,
        version_id=version_id,
        sections={section: bound},
        note=f"{shown} is bound to {name.replace('_', ' ')}",
        expected_revision=expected_revision,
    )


@transaction.atomic
def refresh_card(*, actor: User, version_id: int) -> CardRevision:
    """Facts and claims anew; people's sections stay. The words are nobody's new work, so this is
    not a hand in the version."""
    _editable(actor, version_id)
    return write_revision(
        actor=actor, version_id=version_id, sections=None, note="Facts and numbers refreshed"
    )


def _editable(actor: User, version_id: int) -> Version:
    version = locked_version(version_id)
    require(can_edit_card(actor, version), ONLY_BUILDERS)
    return version


def _expect(last: CardRevision | None, expected: int) -> None:
    number = last.number if last else 0
    if number != expected:
        raise CardChanged(
            f"The card is at revision {number}, you changed revision {expected}. Read the newest "
            "revision and repeat your change."
        )
