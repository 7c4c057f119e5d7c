"""Experiments: a challenger held against the champion, declared before its numbers are seen."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from monitoring.querysets import ExperimentQuerySet
from registry.models import Model, Version


class ExperimentKind(models.TextChoices):
    SPLIT = "split", "split traffic"
    SHADOW = "shadow", "shadow"


class Experiment(models.Model):
    """Two versions of one model compared over a declared time, on a declared endpoint."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="experiments")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=ExperimentKind)
    champion = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    challenger = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    endpoint = models.CharField(max_length=40, help_text="What decides")
    challenger_share = models.FloatField(
        null=True, help_text="Share of the traffic that the challenger is meant to get (split)"
    )
    planned_rows = models.PositiveBigIntegerField(help_text="Of both versions together")
    confidence = models.FloatField(default=0.95)
    margin = models.FloatField(
        null=True, help_text="Not worse by more than this is enough; null: it must be better"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="The planned end")
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="experiments"
    )
    declared_at = models.DateTimeField(db_default=Now())
    stopped_at = models.DateTimeField(null=True, help_text="Ended before its planned end")
    stop_reason = models.CharField(max_length=500, blank=True)
    concluded_at = models.DateTimeField(
        null=True, help_text="The time is over and all outcomes were due: no further look is taken"
    )

    objects = ExperimentQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(champion=F("challenger")), name="experiment_of_two_versions"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="experiment_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ExperimentKind.values), name="experiment_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(kind="shadow", challenger_share__isnull=True)
                | Q(kind="split", challenger_share__gt=0, challenger_share__lt=1),
                name="experiment_share_where_traffic_is_split",
            ),
            models.UniqueConstraint(
                fields=["champion", "challenger", "kind"],
                condition=Q(concluded_at__isnull=True),
                name="experiment_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class ExperimentLook(models.Model):
    """What an experiment said up to a moment; late outcomes renew it."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="looks")
    as_of = models.DateTimeField()
    champion_rows = models.BigIntegerField()
    challenger_rows = models.BigIntegerField()
    findings = models.JSONField(help_text="{endpoint, about, finding …}, as computed")
    state = models.JSONField(
        help_text="Digests and revisions of what it was computed from, and the seed"
    )
    data_revision = models.BigIntegerField()
    library_version = models.CharField(max_length=20)
    looked_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["as_of"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "as_of"], name="experiment_look_once")
        ]

    def __str__(self) -> str:
        return f"{self.experiment} {self.as_of:%Y-%m-%d}"
