from typing import Any

from django.conf import settings
from django.db import models

from audit.querysets import EventQuerySet


class Event(models.Model):
    """One thing that happened. Rows are only ever added: triggers refuse everything else.

    Names are copied as text, and the keys to people and teams are not enforced, so that the
    history outlives what it speaks of.
    """

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    event = models.CharField(max_length=80, help_text="app.subject.past_verb")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
    )
    actor_name = models.CharField(max_length=200)
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=60)
    subject_name = models.CharField(max_length=300)
    team_id = models.BigIntegerField(null=True, db_index=True)
    request_id = models.CharField(max_length=40, blank=True)
    data = models.JSONField(default=dict)
    previous = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32, unique=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-sequence"]
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "-sequence"], name="event_subject"),
            models.Index(fields=["event", "-sequence"], name="event_kind"),
            models.Index(fields=["actor", "-sequence"], name="event_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.event} {self.subject_name}"

    @property
    def digest_hex(self) -> str:
        return bytes(self.digest).hex()

    def content(self) -> dict[str, Any]:
        """What the digest covers, besides the sequence number and the previous digest."""
        return {
            "at": self.at,
            "event": self.event,
            "actor_id": self.actor_id,
            "actor_name": self.actor_name,
            "subject_type": self.subject_type,
            "subject_id": self.subject_id,
            "subject_name": self.subject_name,
            "team_id": self.team_id,
            "request_id": self.request_id,
            "data": self.data,
        }
