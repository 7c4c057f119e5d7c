from typing import TYPE_CHECKING, Any, Self

from django.db import models

from accounts.querysets import of_teams

if TYPE_CHECKING:
    from monitoring.models import (
        Alert,
        Batch,
        Experiment,
        Incident,
        Measurement,
        Monitor,
        Outlook,
        Run,
    )


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class MonitorQuerySet(models.QuerySet["Monitor"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "monitor__model__team_id"))


class MeasurementQuerySet(models.QuerySet["Measurement"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "monitor__model__team_id"))


class OutlookQuerySet(models.QuerySet["Outlook"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "monitor__model__team_id"))


class AlertQuerySet(models.QuerySet["Alert"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "run__monitor__model__team_id"))


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class ExperimentQuerySet(models.QuerySet["Experiment"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))
