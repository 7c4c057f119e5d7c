"""The machine asks for a change, as a person would: gates asked, evidence frozen, people decide."""

from django.db import transaction

from accounts.models import User, UserKind
from governance.jobs.requesting import PENDING, submit_change
from governance.models import ChangeRequest
from governance.reads.evidence import Change
from registry.models import Version

ADDRESS = "ombud@machine.invalid"


def machine() -> User:
    """Ombud as the one who asks: a service account without password, team or role."""
    found = User.objects.filter(email=ADDRESS).first()
    if found is not None:
        return found
    with transaction.atomic():
        made, _ = User.objects.get_or_create(
            email=ADDRESS, defaults={"name": "Ombud", "kind": UserKind.SERVICE}
        )
        if made.has_usable_password():
            made.set_unusable_password()
            made.save(update_fields=["password"])
    return made


@transaction.atomic
def ask_by_machine(version: Version, change: Change) -> ChangeRequest:
    """A change request of Ombud's own; the model is locked by the caller.

    A pending one that asks for the same is answered as it is.

    Raises:
        Unable: there is no policy, or a gate that prevents does not pass.
    """
    there = ChangeRequest.objects.filter(
        version=version, kind=change.kind, environment=change.environment, state__in=PENDING
    ).first()
    return there or submit_change(actor=machine(), version=version, change=change)
