from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from accounts.querysets import of_teams
from accounts.roles import Role

if TYPE_CHECKING:
    from registry.models import (
        Archive,
        Deployment,
        Deviation,
        Model,
        RestoreDrill,
        SandboxHost,
        Version,
    )


class ModelQuerySet(models.QuerySet["Model"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "team_id"))


class VersionQuerySet(models.QuerySet["Version"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class ArchiveQuerySet(models.QuerySet["Archive"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "version__model__team_id"))


class DeviationQuerySet(models.QuerySet["Deviation"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def lasting(self) -> Self:
        return self.filter(gone_at__isnull=True)


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def at(self, moment: datetime) -> Self:
        """Deployments in force at that moment (start included, end not)."""
        return self.filter(started_at__lte=moment).filter(
            Q(ended_at__isnull=True) | Q(ended_at__gt=moment)
        )


class DrillQuerySet(models.QuerySet["RestoreDrill"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "archive__version__model__team_id"))


class SandboxHostQuerySet(models.QuerySet["SandboxHost"]):
    def visible_to(self, user: Any) -> Self:
        """For those who run this installation and those who audit it."""
        return self if {Role.ADMINISTRATOR, Role.AUDITOR} & user.roles else self.none()
