"""Change requests and the results of their gates."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.policies import ApprovalPolicy
from governance.querysets import ChangeRequestQuerySet
from governance.rounds import in_all
from governance.states import GateMode, RequestKind, RequestState
from registry.models import Model, Version


class ChangeRequest(models.Model):
    """A proposed change of a version's life, with its evidence frozen at submission."""

    kind = models.CharField(max_length=12, choices=[(k, k.replace("_", " ")) for k in RequestKind])
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in RequestState], default=RequestState.OPEN
    )
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="change_requests")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="change_requests")
    environment = models.SlugField(max_length=40, default="production")
    role = models.CharField(max_length=12, blank=True, help_text="Role after a promotion")
    traffic_share = models.DecimalField(max_digits=5, decimal_places=4, default=1)
    reason = models.TextField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="change_requests"
    )
    policy = models.ForeignKey(ApprovalPolicy, on_delete=models.PROTECT, related_name="+")
    conditions = models.JSONField(
        default=list, help_text="Under which it is asked for; checked once it is carried out"
    )
    rounds = models.JSONField(help_text="Copied from the policy when submitted")
    round = models.PositiveSmallIntegerField(default=1, help_text="That is being signed now")
    evidence = models.JSONField(help_text="Artifact, card, gates and champion, as submitted")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what is signed")
    submitted_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True)
    executed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    objects = ChangeRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-submitted_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[k.value for k in RequestKind]), name="request_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in RequestState]), name="request_state_known"
            ),
            models.UniqueConstraint(
                fields=["version", "kind", "environment"],
                condition=Q(state__in=["open", "approved"]),
                name="request_one_pending_of_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"CR-{self.pk} {self.kind.replace('_', ' ')} {self.version}"

    @property
    def quorum(self) -> dict[str, int]:
        """Signatures of each role, over all rounds."""
        return in_all(self.rounds)

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class GateResult(models.Model):
    """The answer of one gate when the request was submitted."""

    request = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="gates")
    gate = models.CharField(max_length=40)
    title = models.CharField(max_length=120)
    mode = models.CharField(max_length=10, choices=[(m, m) for m in GateMode])
    passed = models.BooleanField()
    message = models.CharField(max_length=400)
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["request", "gate", "title"], name="gate_result_once")
        ]

    def __str__(self) -> str:
        return f"{self.title}: {'passed' if self.passed else 'not passed'}"
