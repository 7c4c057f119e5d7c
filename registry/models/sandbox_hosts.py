"""The machines that models are opened on, and what the sandbox can take away on each."""

from django.db import models
from django.db.models.functions import Now

from registry.querysets import SandboxHostQuerySet


class SandboxHost(models.Model):
    """One host with a worker: what its latest probe found, as the probing child told it."""

    name = models.CharField(max_length=255, unique=True)
    kernel = models.CharField(max_length=255)
    layers = models.JSONField(default=dict, help_text="layer -> whether it held")
    ending = models.CharField(max_length=20, help_text="How the probe ended")
    detail = models.CharField(max_length=500, blank=True)
    seconds = models.FloatField(help_text="How long the probe took")
    looked_at = models.DateTimeField(db_default=Now())
    # Folders that killed workers left behind on this host.
    in_use = models.PositiveIntegerField(default=0)
    swept = models.PositiveBigIntegerField(default=0, help_text="Since the host was first seen")
    swept_at = models.DateTimeField(null=True)

    objects = SandboxHostQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"sandbox on {self.name}"

    @property
    def audit_team_id(self) -> None:
        """It belongs to the installation, to no team."""
        return
