from typing import TYPE_CHECKING, Any, Self

from django.db import models

from accounts.querysets import of_teams

if TYPE_CHECKING:
    from monitoring.models import (
        Alert,
        Batch,
        DataSuite,
        Erasure,
        Experiment,
        Explanation,
        ExplanationPolicy,
        Importance,
        Incident,
        Measurement,
        Monitor,
        Outlook,
        Retraining,
        RetrainingPolicy,
        Rollout,
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


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class RetrainingPolicyQuerySet(models.QuerySet["RetrainingPolicy"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class RolloutQuerySet(models.QuerySet["Rollout"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class DataSuiteQuerySet(models.QuerySet["DataSuite"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class RetrainingQuerySet(models.QuerySet["Retraining"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class ImportanceQuerySet(models.QuerySet["Importance"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "version__model__team_id"))


class ExplanationQuerySet(models.QuerySet["Explanation"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "version__model__team_id"))


class ExplanationPolicyQuerySet(models.QuerySet["ExplanationPolicy"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))
