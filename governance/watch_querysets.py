from typing import TYPE_CHECKING, Any, Self

from django.db import models

from accounts.querysets import of_teams

if TYPE_CHECKING:
    from governance.models import RollBack, Watch


class WatchQuerySet(models.QuerySet["Watch"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class RollBackQuerySet(models.QuerySet["RollBack"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))
