"""Sign-offs, and proofs of identity that failed."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from governance.models.requests import ChangeRequest


class Decision(models.TextChoices):
    APPROVE = "approve", "approve"
    REJECT = "reject", "reject"


class SignOff(models.Model):
    """One person's re-authenticated signature over the digest of what was signed."""

    request = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="signoffs")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="signoffs"
    )
    printed_name = models.CharField(max_length=120)
    role = models.CharField(max_length=20)
    round = models.PositiveSmallIntegerField(default=1, help_text="In which it was given")
    decision = models.CharField(max_length=8, choices=Decision)
    meaning = models.CharField(max_length=200)
    reason = models.TextField()
    signed_digest = models.CharField(max_length=64)
    method = models.CharField(max_length=20, help_text="How the person proved who they are")
    signed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["signed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "person", "signed_digest"], name="signoff_once_per_digest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.printed_name}: {self.decision}"

    @property
    def audit_team_id(self) -> int:
        return self.request.model.team_id


class FailedProof(models.Model):
    """A wrong password at a signature: counted, so that nobody guesses on."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    request = models.ForeignKey(
        ChangeRequest,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text="Empty: something else was to be signed",
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["person", "-at"], name="failed_proof_recent")]

    def __str__(self) -> str:
        return f"{self.person} {self.at:%Y-%m-%d %H:%M}"
