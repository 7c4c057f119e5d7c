"""What was made of a concluded experiment."""

from django.db import models
from django.db.models.functions import Now

from governance.models.requests import ChangeRequest
from monitoring.models import Experiment


class WinnerProposal(models.Model):
    """One for each concluded experiment: promote, end, or nothing, and what came of it."""

    experiment = models.OneToOneField(Experiment, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(
        max_length=10, choices=[(o, o) for o in ("promote", "end", "nothing")]
    )
    why = models.CharField(max_length=1000)
    request = models.ForeignKey(
        ChangeRequest, on_delete=models.PROTECT, null=True, related_name="+"
    )
    refusal = models.CharField(max_length=1000, blank=True, help_text="Why nothing was asked for")
    proposed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.outcome} after {self.experiment}"

    @property
    def audit_team_id(self) -> int:
        return self.experiment.model.team_id
