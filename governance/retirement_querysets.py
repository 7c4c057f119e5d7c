from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from accounts.policies import is_auditor
from accounts.querysets import of_teams
from accounts.roles import Role
from governance.retirement_states import RUNNING

if TYPE_CHECKING:
    from governance.models import LifeFact, Registration, Retirement


class RetirementQuerySet(models.QuerySet["Retirement"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def running(self) -> Self:
        return self.filter(state__in=sorted(RUNNING))


class LifeFactQuerySet(models.QuerySet["LifeFact"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def in_force(self) -> Self:
        return self.filter(replaced_at__isnull=True)


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def to_update(self, user: Any) -> Self:
        """What waits for this person: the owner, and whoever answers for risk in the team."""
        if is_auditor(user) or user.kind != "person":
            return self.none()
        teams = [team for team, role in user.held if role == Role.RISK_OFFICER]
        mine = Q(model__owner=user.pk) | Q(model__team_id__in=teams)
        return self.filter(Q() if None in teams else mine, state="update_due")
