"""What was taken from a foreign card: the file's digest, and the numbers that it states."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from registry.models import Version


class CardImport(models.Model):
    """One confirmed import; rows are only ever added, the newest one's numbers are stated."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="card_imports")
    format = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64, help_text="Of the file")
    size = models.PositiveIntegerField(help_text="Of the file, in bytes")
    sections = models.JSONField(help_text="Names of the sections that were taken")
    numbers = models.JSONField(help_text="Numbers that were taken: label, value, low, high, path")
    lost = models.JSONField(help_text="Fields that were not taken, each with the reason")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.format} card imported into {self.version}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id
