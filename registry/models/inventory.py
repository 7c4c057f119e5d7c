"""What exists: models, versions, their schema, reference and bytes, and where they serve."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Team
from registry.querysets import (
    ArchiveQuerySet,
    DeploymentQuerySet,
    DeviationQuerySet,
    ModelQuerySet,
    VersionQuerySet,
)
from registry.states import ArchiveState, DeploymentRole, DeviationKind, Stage


class TaskType(models.TextChoices):
    BINARY = "binary", "binary classification"
    MULTICLASS = "multiclass", "multiclass classification"
    REGRESSION = "regression", "regression"


class RiskTier(models.TextChoices):
    HIGH = "high", "high"
    MEDIUM = "medium", "medium"
    LOW = "low", "low"


class Model(models.Model):
    """A registered model: purpose, owner, team, task type and risk tier."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    purpose = models.TextField()
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="models")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    task = models.CharField(max_length=20, choices=TaskType)
    risk_tier = models.CharField(max_length=10, choices=RiskTier)
    kpis = models.JSONField(default=list, help_text="Declared measures of success, as text")
    requirements = models.JSONField(default=list, help_text="What the business asks of it, as text")
    components = models.JSONField(
        default=list, help_text="Stages of a staged pipeline, first to last"
    )
    outcome_horizon_hours = models.PositiveIntegerField(
        default=24 * 14, help_text="Within this time an outcome is due"
    )
    mlflow_name = models.CharField(max_length=256, unique=True, null=True)  # noqa: DJ001 - unique
    # What MLflow said last, and when: pages show this and never ask MLflow themselves.
    mlflow_seen = models.JSONField(default=dict)
    mlflow_seen_at = models.DateTimeField(null=True)
    mlflow_pushed_at = models.DateTimeField(null=True)
    mlflow_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(task__in=TaskType.values), name="model_task_known"),
            models.CheckConstraint(
                condition=Q(risk_tier__in=RiskTier.values), name="model_tier_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_team_id(self) -> int:
        return self.team_id


class Version(models.Model):
    """One immutable build of a model."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(
        help_text="Equal to MLflow's version number, if it has one"
    )
    stage = models.CharField(
        max_length=10, choices=[(s, s) for s in Stage], default=Stage.CANDIDATE
    )
    summary = models.CharField(max_length=300, blank=True, help_text="What is new, in one line")
    mlflow_version = models.PositiveIntegerField(null=True)
    mlflow_run_id = models.CharField(max_length=64, blank=True)
    artifact_uri = models.CharField(max_length=500, blank=True)
    artifact_digest = models.CharField(
        max_length=64,
        blank=True,
        help_text="SHA-256 over the manifest of files; empty until hashed",
    )
    inspected_at = models.DateTimeField(null=True)
    inspect_error = models.CharField(
        max_length=500, blank=True, help_text="Why its bytes could not be hashed"
    )
    lineage = models.JSONField(
        default=dict, help_text="Run parameters, metrics, training data and code as MLflow has them"
    )
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())
    stage_since = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(
        null=True, help_text="When its bytes were last held against the digest"
    )
    first_prediction_at = models.DateTimeField(
        null=True, help_text="When its first batch of predictions was taken in: the schema is fixed"
    )
    source_removed_at = models.DateTimeField(
        null=True, help_text="Since then MLflow is not expected to have it: a retirement removed it"
    )

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="version_number_once"),
            models.UniqueConstraint(
                fields=["model", "mlflow_version"],
                condition=Q(mlflow_version__isnull=False),
                name="version_mlflow_once",
            ),
            models.CheckConstraint(
                condition=Q(stage__in=[s.value for s in Stage]), name="version_stage_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model.name} {self.number}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class ArtifactFile(models.Model):
    """One file of a version's bytes, hashed at registration."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=500)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(fields=["version", "path"], name="artifact_path_once")
        ]

    def __str__(self) -> str:
        return self.path


class ContributionKind(models.TextChoices):
    REGISTERED = "registered", "registered the version"
    TRAINED = "trained", "trained the version"
    SCHEMA = "schema", "declared the schema"
    REFERENCE = "reference", "supplied the reference"
    CARD = "card", "edited the card"
    REQUESTED = "requested", "requested a change"
    ANSWERED = "answered", "answered ethical guidelines for it"


class Contribution(models.Model):
    """A person had a hand in a version, so that they may not approve it (see governance)."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="contributions")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="contributions"
    )
    kind = models.CharField(max_length=12, choices=ContributionKind)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "person", "kind"], name="contribution_once")
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.get_kind_display()}"


class Schema(models.Model):
    """The fields of a version's prediction log (see registry/schemas.py for their form)."""

    version = models.OneToOneField(Version, on_delete=models.CASCADE, related_name="schema")
    fields = models.JSONField()
    digest = models.CharField(max_length=64)
    set_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"schema of {self.version}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id


class ReferenceKind(models.TextChoices):
    TRAINING = "training", "training data"
    PRODUCTION = "production", "an earlier production window"


class Reference(models.Model):
    """The data that "normal" is judged by, and the bin edges frozen from it."""

    version = models.OneToOneField(Version, on_delete=models.CASCADE, related_name="reference")
    kind = models.CharField(max_length=12, choices=ReferenceKind, default=ReferenceKind.TRAINING)
    path = models.CharField(max_length=300, help_text="Parquet file in the object store")
    digest = models.CharField(max_length=64)
    rows = models.BigIntegerField()
    # Numbers are monitoring's: its job reads the file, freezes the bins and fills these three.
    edges = models.JSONField(null=True, help_text="Frozen bins of every field")
    profile = models.BinaryField(null=True, help_text="Counts of the reference over its own bins")
    frozen_at = models.DateTimeField(null=True)
    freeze_error = models.CharField(
        max_length=300, blank=True, help_text="Why the bins could not be frozen"
    )
    set_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(frozen_at__isnull=True, edges__isnull=True, profile__isnull=True)
                | Q(frozen_at__isnull=False, edges__isnull=False, profile__isnull=False),
                name="reference_frozen_whole",
            )
        ]

    def __str__(self) -> str:
        return f"reference of {self.version}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id


class Deployment(models.Model):
    """A version had a role in an environment from one moment to another."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="deployments")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="deployments")
    environment = models.SlugField(max_length=40, default="production")
    role = models.CharField(max_length=12, choices=[(r, r) for r in DeploymentRole])
    traffic_share = models.DecimalField(
        max_digits=5,
        decimal_places=4,
        default=1,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            # Beside these: deployment_one_champion_at_any_time, an exclusion constraint over
            # periods that migration 0002 writes in SQL.
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("started_at")),
                name="deployment_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(traffic_share__gte=0, traffic_share__lte=1),
                name="deployment_share_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(role__in=[r.value for r in DeploymentRole]),
                name="deployment_role_known",
            ),
            models.UniqueConstraint(
                fields=["version", "environment"],
                condition=Q(ended_at__isnull=True),
                name="deployment_one_role_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} as {self.role} in {self.environment}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class Archive(models.Model):
    """The bytes, card, evidence and environment of a version, hashed file by file."""

    version = models.OneToOneField(Version, on_delete=models.PROTECT, related_name="archive")
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in ArchiveState], default=ArchiveState.REQUESTED
    )
    path = models.CharField(max_length=300, blank=True, help_text="Folder in the object store")
    documents = models.JSONField(
        default=dict, help_text="Card and evidence as text by file name, given at the request"
    )
    manifest = models.JSONField(default=dict, help_text="Every file with size and SHA-256")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the manifest")
    size = models.BigIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    requested_at = models.DateTimeField(db_default=Now())
    sealed_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    kept_until = models.DateField(null=True, help_text="By the rule in force when sealed")
    locked_until = models.DateField(null=True, help_text="By the store's object lock, if any")

    objects = ArchiveQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in ArchiveState]), name="archive_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="sealed")
                | (Q(sealed_at__isnull=False) & ~Q(digest="") & ~Q(path="")),
                name="archive_sealed_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"archive of {self.version}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id


class RestoreState(models.TextChoices):
    REQUESTED = "requested", "requested"
    RESTORED = "restored", "restored"
    FAILED = "failed", "failed"


class Restore(models.Model):
    """One restoration of an archive: verified bit by bit, registered as a new candidate."""

    archive = models.ForeignKey(Archive, on_delete=models.PROTECT, related_name="restores")
    state = models.CharField(max_length=10, choices=RestoreState, default=RestoreState.REQUESTED)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, null=True, related_name="+")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    requested_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    checked_files = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["archive"],
                condition=Q(state="requested"),
                name="restore_one_pending",
            ),
            models.CheckConstraint(
                condition=Q(state__in=RestoreState.values), name="restore_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"restore of {self.archive.version}"

    @property
    def audit_team_id(self) -> int:
        return self.archive.version.model.team_id


class WebhookDelivery(models.Model):
    """A delivery id of MLflow that was seen: a second one is a replay."""

    delivery_id = models.CharField(max_length=64, unique=True)
    entity = models.CharField(max_length=60)
    action = models.CharField(max_length=20)
    received_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.entity}.{self.action} {self.delivery_id}"


class Deviation(models.Model):
    """Something in MLflow that is not as approved changes have made it; rows stay when it is gone.

    `version` is the one whose standing is in doubt: what an alias should name, what lost its bytes.
    """

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="deviations")
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, related_name="deviations"
    )
    kind = models.CharField(max_length=20, choices=[(k, k) for k in DeviationKind])
    what = models.CharField(max_length=300, help_text="An alias, a tag, a path")
    expected = models.CharField(max_length=300, blank=True)
    found = models.CharField(max_length=300, blank=True)
    message = models.CharField(max_length=500)
    environment = models.SlugField(max_length=40, blank=True, help_text="Empty: all of them")
    noticed_at = models.DateTimeField(db_default=Now())
    gone_at = models.DateTimeField(null=True, help_text="When it was as approved again")

    objects = DeviationQuerySet.as_manager()

    class Meta:
        ordering = ["-noticed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "kind", "what"],
                condition=Q(gone_at__isnull=True),
                name="deviation_once_while_it_lasts",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[k.value for k in DeviationKind]), name="deviation_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.message

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


# Models of their own module, found by Django here.
from registry.models.keeping import LegalHold, Purge, RetentionTable  # noqa: E402, F401
