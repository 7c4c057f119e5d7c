"""Who was reminded of a change request that waits, of what, and when."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.requests import ChangeRequest


class ReminderKind(models.TextChoices):
    SOON = "soon", "falls due soon"
    DUE = "due", "falls due today"
    OVERDUE = "overdue", "is overdue"


class Reminder(models.Model):
    """One person is told once of one day; made before any mail is sent."""

    request = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="reminders")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=ReminderKind)
    due_on = models.DateField(help_text="The day it was due when this was told")
    text = models.CharField(max_length=400)
    at = models.DateTimeField(db_default=Now())
    mailed_at = models.DateTimeField(null=True, help_text="Taken by the mail server")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "person", "kind", "due_on"], name="reminder_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ReminderKind.values), name="reminder_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.text
