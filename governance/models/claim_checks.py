"""What became of the numbers in cards: a row for each change of a claim's state."""

from django.db import models
from django.db.models.functions import Now

from governance.claim_states import ClaimState
from governance.models.cards import Claim


class ClaimCheck(models.Model):
    """A claim came into a state; rows are only ever added, the newest one holds."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="checks")
    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in ClaimState])
    reason = models.CharField(max_length=200)
    value = models.FloatField(null=True, help_text="What was measured")
    measurement_id = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=[s.value for s in ClaimState]),
                name="claim_state_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.claim}: {self.state}"

    @property
    def audit_team_id(self) -> int:
        return self.claim.revision.card.audit_team_id
