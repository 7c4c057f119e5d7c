"""What people say to each other about a change request; entries are only added."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.requests import ChangeRequest


class EntryKind(models.TextChoices):
    COMMENT = "comment", "comment"
    RETRACTION = "retraction", "took a comment back"
    CHANGE_ASKED = "change_asked", "asked for a change"
    ANSWER = "answer", "answered"
    SETTLED = "settled", "settled"


# What each kind is about: nothing, or an entry of this kind.
ABOUT: dict[str, str] = {
    EntryKind.RETRACTION: EntryKind.COMMENT,
    EntryKind.ANSWER: EntryKind.CHANGE_ASKED,
    EntryKind.SETTLED: EntryKind.CHANGE_ASKED,
}


class RequestEntry(models.Model):
    """A comment, or a step in a request for changes: asked, answered, settled."""

    request = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=12, choices=EntryKind)
    about = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replies")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    role = models.CharField(max_length=20, blank=True, help_text="In which a change was asked for")
    text = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=EntryKind.values), name="request_entry_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=list(ABOUT), about__isnull=False)
                | (~Q(kind__in=list(ABOUT)) & Q(about__isnull=True)),
                name="request_entry_about_something",
            ),
            models.UniqueConstraint(
                fields=["about"], condition=Q(kind="settled"), name="request_entry_settled_once"
            ),
            models.UniqueConstraint(
                fields=["about"],
                condition=Q(kind="retraction"),
                name="request_entry_retracted_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.printed_name} {self.get_kind_display()}"

    @property
    def audit_team_id(self) -> int:
        return self.request.model.team_id
