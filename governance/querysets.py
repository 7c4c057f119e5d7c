from typing import Any, Self

from django.db import models

from accounts.querysets import of_teams


class CardQuerySet(models.QuerySet["Card"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "version__model__team_id"))


class ChangeRequestQuerySet(models.QuerySet["ChangeRequest"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class StatusRowQuerySet(models.QuerySet["StatusRow"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))
