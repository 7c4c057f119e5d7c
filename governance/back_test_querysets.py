"""Who sees back-tests: a team its own, and who reads everything those of everybody."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models

from accounts.policies import can_administer
from accounts.querysets import of_teams

if TYPE_CHECKING:
    from governance.models import BackTest


class BackTestQuerySet(models.QuerySet["BackTest"]):
    def visible_to(self, user: Any) -> Self:
        return self.all() if can_administer(user) else self.filter(of_teams(user, "team_id"))
