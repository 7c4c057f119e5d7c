from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.roles import EXCLUSIVE_ROLES

if TYPE_CHECKING:
    from accounts.models import ApiToken, Delegation


def of_teams(user: Any, path: str) -> Q:
    """Rows of the user's teams (found by `path`); all for those who read everything."""
    return Q() if user.reads_everything else Q(**{f"{path}__in": user.team_ids})


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def visible_to(self, user: Any) -> Self:
        """One's own, given and taken, and all for those who read everything."""
        return self if user.reads_everything else self.filter(Q(giver=user) | Q(taker=user))

    def untaken(self) -> Self:
        """Not taken back, and not over."""
        return self.filter(ended_at__isnull=True, ends_on__gte=timezone.now().date())

    def in_force(self) -> Self:
        """What a taker may sign with today: the giver still holds the role, the taker still works
        there, and both may sign in."""
        members = apps.get_model("accounts", "Membership").objects
        there = Q(team=OuterRef("team")) | Q(team__isnull=True)
        gives = members.filter(there, user=OuterRef("giver"), role=OuterRef("role"))
        works = members.filter(there, user=OuterRef("taker")).exclude(role__in=EXCLUSIVE_ROLES)
        return self.untaken().filter(
            Exists(gives),
            Exists(works),
            begins_on__lte=timezone.now().date(),
            giver__is_active=True,
            taker__is_active=True,
        )


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(user=user)

    def live(self) -> Self:
        """Neither revoked nor expired, of somebody who may still sign in."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=Now(), user__is_active=True)
