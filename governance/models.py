"""What is allowed: cards, policies, change requests, sign-offs, clearance and the status answer."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.querysets import CardQuerySet, ChangeRequestQuerySet, StatusRowQuerySet
from governance.states import ClearanceState, GateMode, RequestKind, RequestState
from registry.models import Model, RiskTier, Version


class Card(models.Model):
    """The documentation of a version; its text and numbers live in revisions."""

    version = models.OneToOneField(Version, on_delete=models.PROTECT, related_name="card")
    created_at = models.DateTimeField(db_default=Now())

    objects = CardQuerySet.as_manager()

    def __str__(self) -> str:
        return f"card of {self.version}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id


class CardRevision(models.Model):
    """One state of a card, whole; revisions are only ever added."""

    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    sections = models.JSONField(help_text="People's text by section, as Markdown")
    facts = models.JSONField(help_text="Filled from the registry and measurements")
    digest = models.CharField(max_length=64, help_text="SHA-256 of sections, facts and claims")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["card", "number"], name="card_revision_once")
        ]

    def __str__(self) -> str:
        return f"{self.card}, revision {self.number}"


class Claim(models.Model):
    """A number in a card, bound to the measurement it was taken from."""

    revision = models.ForeignKey(CardRevision, on_delete=models.CASCADE, related_name="claims")
    key = models.CharField(max_length=80)
    label = models.CharField(max_length=120)
    value = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    n = models.BigIntegerField(null=True)
    tolerance = models.FloatField(null=True)
    measurement_id = models.BigIntegerField(null=True, help_text="Measurement it is bound to")
    source = models.CharField(max_length=200, help_text="Where the number comes from, in words")
    as_of = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["revision", "key"], name="claim_once")]

    def __str__(self) -> str:
        return f"{self.label}: {self.value}"


class ApprovalPolicy(models.Model):
    """Who must sign and which gates are asked, by kind of change and risk tier; versioned."""

    kind = models.CharField(max_length=12, choices=[(k, k.replace("_", " ")) for k in RequestKind])
    risk_tier = models.CharField(max_length=10, choices=RiskTier)
    number = models.PositiveIntegerField(default=1)
    quorum = models.JSONField(help_text="role -> number of signatures")
    gates = models.JSONField(help_text="list of {gate, mode, parameters}")
    current = models.BooleanField(default=True)
    valid_from = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["kind", "risk_tier", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "risk_tier", "number"], name="policy_once"),
            models.UniqueConstraint(
                fields=["kind", "risk_tier"], condition=Q(current=True), name="policy_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of a {self.risk_tier}-risk model, policy {self.number}"

    @property
    def audit_team_id(self) -> None:
        return None


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
    quorum = models.JSONField(help_text="Copied from the policy when submitted")
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
        constraints = [models.UniqueConstraint(fields=["request", "gate"], name="gate_result_once")]

    def __str__(self) -> str:
        return f"{self.title}: {'passed' if self.passed else 'not passed'}"


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
    request = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["person", "-at"], name="failed_proof_recent")]

    def __str__(self) -> str:
        return f"{self.person} {self.at:%Y-%m-%d %H:%M}"


class Clearance(models.Model):
    """Whether a version may serve in an environment, and why; closed rows are its history."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="clearances")
    environment = models.SlugField(max_length=40)
    state = models.CharField(max_length=12, choices=[(s, s) for s in ClearanceState])
    reasons = models.JSONField(default=list)
    incident_id = models.BigIntegerField(null=True, help_text="Incident that suspended it")
    considered = models.JSONField(
        default=list, help_text="Incidents that were open when a person reinstated it"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    since = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-since"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "environment"],
                condition=Q(until__isnull=True),
                name="clearance_one_in_force",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} is {self.state} in {self.environment}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id


class StatusRow(models.Model):
    """The prepared answer to "may it serve?"; rows are added, so that the past can be asked."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="status_rows")
    environment = models.SlugField(max_length=40)
    valid_from = models.DateTimeField(db_default=Now())
    answer = models.JSONField()
    etag = models.CharField(max_length=64)

    objects = StatusRowQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["model", "environment", "-valid_from"], name="status_latest")
        ]

    def __str__(self) -> str:
        return f"{self.model} in {self.environment}"
