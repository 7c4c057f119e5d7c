from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from accounts.models import ApiToken


def of_teams(user: Any, path: str) -> Q:
    """Rows of the user's teams (found by `path`); all for those who read everything."""
    return Q() if user.reads_everything else Q(**{f"{path}__in": user.team_ids})


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(user=user)

    def live(self) -> Self:
        """Neither revoked nor expired, of somebody who may still sign in."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=Now(), user__is_active=True)
