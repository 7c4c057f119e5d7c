"""Somebody who was told of a retirement does not object; what they say later counts instead."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.retirements import Retirement


class NoObjection(models.Model):
    """One person's answer that they do not object; an objection of theirs takes it back."""

    retirement = models.ForeignKey(
        Retirement, on_delete=models.PROTECT, related_name="no_objections"
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    at = models.DateTimeField(db_default=Now())
    withdrawn_at = models.DateTimeField(null=True, help_text="They object since")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["retirement", "person"],
                condition=Q(withdrawn_at__isnull=True),
                name="no_objection_once_of_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.printed_name} does not object to the {self.retirement}"

    @property
    def audit_team_id(self) -> int:
        return self.retirement.model.team_id
