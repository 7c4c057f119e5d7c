"""Who has lost telephone and recovery codes: an administrator takes the factors away."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.events import AccountEvent
from accounts.models import User
from accounts.policies import can_administer, require
from accounts.services.codes import locked_person
from accounts.services.people import ONLY_ADMINISTRATORS
from accounts.services.sso import unlink
from audit.record import record


@transaction.atomic
def forget_factors(*, actor: User, user_id: int, identity: bool = False) -> list[str]:
    """Take app, passkeys and recovery codes away; `identity`: the link to single sign-on as well.

    Returns what was taken away. The person comes in by the password alone and sets up new ones.

    Raises:
        Refused: no administrator, or one's own: nobody gets round their own second factor.
    """
    require(can_administer(actor), ONLY_ADMINISTRATORS)
    require(actor.pk != user_id, "Another administrator does this for you.")
    person = locked_person(User.objects.get(pk=user_id))
    rows = Authenticator.objects.filter(user=person)
    gone = sorted(rows.values_list("type", flat=True))
    rows.delete()
    if identity and unlink(person):
        gone.append("single sign-on")
    if gone:
        record(actor, AccountEvent.FACTORS_FORGOTTEN, person, forgotten=gone)
    return gone
