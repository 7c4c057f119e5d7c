"""Who administers now: asked of the database at each act, and never nobody."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.events import AccountEvent
from accounts.models import User
from accounts.policies import can_administer, require
from accounts.roles import Role
from audit.models import Event

ONLY_ADMINISTRATORS = "Only an administrator changes people, teams and roles."
LAST = (
    "This is the last administrator who can sign in: give somebody else the role first, "
    "or nobody could administer any more."
)
TWO_HANDS = timedelta(days=7)


def require_administrator(actor: User) -> None:
    """Refuse whoever is no administrator now, whatever they were when the request began.

    Raises:
        Refused: no administrator, or none any more.
    """
    now = User.objects.filter(pk=actor.pk, is_active=True).first()
    require(now is not None and can_administer(now), ONLY_ADMINISTRATORS)


def lock_administrators() -> None:
    """Whoever takes an administrator away queues here, so that two cannot take the last two."""
    list(_administrators().order_by("pk").select_for_update(no_key=True, of=("self",)))


def require_another(than: User) -> None:
    """Refuse to take `than` away while no other administrator can sign in.

    Raises:
        Refused: they are the last one.
    """
    others = _administrators().filter(_can_come_in()).exclude(pk=than.pk)
    require(others.exists(), LAST)


def is_administrator(person: User) -> bool:
    return _administrators().filter(pk=person.pk).exists()


def require_other_hands(actor: User, person: User, event: AccountEvent, message: str) -> None:
    """Refuse whoever did the other half lately: both halves together are somebody's account.

    Raises:
        Refused: the actor did `event` to the person within a week.
    """
    done = Event.objects.filter(
        event=str(event),
        actor_id=actor.pk,
        subject_type=User._meta.label_lower,
        subject_id=str(person.pk),
        at__gt=Now() - TWO_HANDS,
    )
    require(not done.exists(), message)


def _administrators() -> "models.QuerySet[User]":
    holding = Q(memberships__role=Role.ADMINISTRATOR, memberships__team__isnull=True)
    return User.objects.filter(holding, is_active=True)


def _can_come_in() -> Q:
    """Has chosen a password, or comes by single sign-on."""
    chosen = ~Q(password__startswith="!")  # noqa: S106 - how Django marks that there is none
    return chosen | Q(socialaccount__isnull=False)
