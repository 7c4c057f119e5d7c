"""Cards: what is written about a version, and the numbers it claims."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from governance.querysets import CardQuerySet
from registry.models import Version


class Card(models.Model):
    """The documentation of a version; its text and numbers live in revisions."""

    version = models.OneToOneField(Version, on_delete=models.PROTECT, related_name="card")
    created_at = models.DateTimeField(db_default=Now())

    objects = CardQuerySet.as_manager()

    def __str__(self) -> str:
        return f"card of {self.version}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id


class CardRevision(models.Model):
    """One state of a card, whole; revisions are only ever added."""

    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    sections = models.JSONField(help_text="People's text by section, as Markdown")
    facts = models.JSONField(help_text="Filled from the registry and measurements")
    digest = models.CharField(max_length=64, help_text="SHA-256 of sections, facts and claims")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["card", "number"], name="card_revision_once")
        ]

    def __str__(self) -> str:
        return f"{self.card}, revision {self.number}"


class Claim(models.Model):
    """A number in a card, bound to the measurement it was taken from."""

    revision = models.ForeignKey(CardRevision, on_delete=models.CASCADE, related_name="claims")
    key = models.CharField(max_length=80)
    label = models.CharField(max_length=120)
    value = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    n = models.BigIntegerField(null=True)
    tolerance = models.FloatField(null=True)
    measurement_id = models.BigIntegerField(null=True, help_text="Measurement it is bound to")
    source = models.CharField(max_length=200, help_text="Where the number comes from, in words")
    as_of = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["revision", "key"], name="claim_once")]

    def __str__(self) -> str:
        return f"{self.label}: {self.value}"
