"""The shapes that the registry takes and gives."""

from typing import Any

from rest_framework import serializers

from registry.models import ReferenceKind, RiskTier, TaskType
from registry.states import ArchiveState, DeploymentRole, Stage

STAGES = [stage.value for stage in Stage]
ROLES = [role.value for role in DeploymentRole]


class Strict(serializers.Serializer[Any]):
    """A misspelt field is an error, not something to pass over in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(str(key)[:80] for key in data.keys() - self.fields.keys())
            if unknown:
                known = ", ".join(self.fields)
                raise serializers.ValidationError(
                    {unknown[0]: f"Not a field of this request; known are {known}."}
                )
        return super().to_internal_value(data)


class ModelInput(Strict):
    slug = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=120)
    purpose = serializers.CharField(max_length=5000)
    team = serializers.SlugField(help_text="Slug of the owning team")
    task = serializers.ChoiceField(TaskType.choices)
    risk_tier = serializers.ChoiceField(RiskTier.choices)
    owner = serializers.EmailField(required=False, help_text="E-mail address; you, if left out")
    kpis = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=20, required=False
    )
    requirements = serializers.ListField(
        child=serializers.CharField(max_length=400),
        max_length=20,
        required=False,
        help_text="What the business asks of it",
    )
    components = serializers.ListField(
        child=serializers.CharField(max_length=40),
        max_length=20,
        required=False,
        help_text="Stages of a staged pipeline, first to last",
    )
    outcome_horizon_hours = serializers.IntegerField(
        min_value=1, max_value=24 * 366 * 5, required=False
    )
    mlflow_name = serializers.CharField(
        max_length=256,
        required=False,
        allow_null=True,
        help_text="Name in MLflow; the slug, if left out; null for a model that is not there",
    )


class ModelChanges(Strict):
    name = serializers.CharField(max_length=120, required=False)
    purpose = serializers.CharField(max_length=5000, required=False)
    risk_tier = serializers.ChoiceField(RiskTier.choices, required=False)
    owner = serializers.EmailField(required=False)
    kpis = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=20, required=False
    )
    components = serializers.ListField(
        child=serializers.CharField(max_length=40),
        max_length=20,
        required=False,
        help_text="Stages of a staged pipeline, first to last",
    )
    outcome_horizon_hours = serializers.IntegerField(
        min_value=1, max_value=24 * 366 * 5, required=False
    )
    mlflow_name = serializers.CharField(max_length=256, required=False, allow_null=True)


class RoleOutput(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="Number of the version")
    role = serializers.ChoiceField(ROLES)
    environment = serializers.CharField()


class DriftOutput(serializers.Serializer[Any]):
    what = serializers.CharField(help_text="Alias that was moved outside of Ombud")
    expected = serializers.IntegerField()
    found = serializers.IntegerField()
    message = serializers.CharField()
    noticed_at = serializers.DateTimeField()


class MlflowOutput(serializers.Serializer[Any]):
    """What MLflow said last; asked for by jobs, never by this request."""

    name = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    pushed_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(allow_blank=True, help_text="Why `at` is old; empty: it is not")
    aliases = serializers.DictField(child=serializers.IntegerField())
    drift = DriftOutput(many=True)
    unregistered = serializers.ListField(child=serializers.IntegerField())
    missing = serializers.ListField(child=serializers.IntegerField())


class ModelOutput(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    purpose = serializers.CharField()
    team = serializers.CharField(source="team_slug")
    owner = serializers.EmailField(source="owner_email")
    task = serializers.ChoiceField(TaskType.choices)
    risk_tier = serializers.ChoiceField(RiskTier.choices)
    kpis = serializers.ListField(child=serializers.CharField())
    requirements = serializers.ListField(child=serializers.CharField())
    components = serializers.ListField(child=serializers.CharField())
    outcome_horizon_hours = serializers.IntegerField()
    versions = serializers.IntegerField()
    champion = serializers.IntegerField(allow_null=True)
    roles = RoleOutput(many=True)
    mlflow = MlflowOutput(allow_null=True)
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()


class VersionInput(Strict):
    mlflow_version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    run_id = serializers.CharField(max_length=64, required=False)
    artifact_path = serializers.CharField(max_length=300, required=False)
    number = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    summary = serializers.CharField(max_length=300, required=False, allow_blank=True)


class VersionOutput(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    stage = serializers.ChoiceField(STAGES)
    stage_since = serializers.DateTimeField()
    summary = serializers.CharField()
    mlflow_version = serializers.IntegerField(allow_null=True)
    artifact_digest = serializers.CharField(help_text="Empty until the bytes have been hashed")
    inspect_error = serializers.CharField(help_text="Why they could not be hashed")
    parent = serializers.IntegerField(allow_null=True)  # type: ignore[assignment]  # our word
    registered_by = serializers.CharField()
    created_at = serializers.DateTimeField()


class FieldOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    dtype = serializers.ChoiceField(["number", "integer", "string", "boolean", "timestamp"])
    role = serializers.CharField()
    minimum = serializers.FloatField(required=False)
    maximum = serializers.FloatField(required=False)
    categories = serializers.ListField(child=serializers.CharField(), required=False)
    unit = serializers.CharField(required=False)
    nullable = serializers.BooleanField(required=False)
    positive_label = serializers.CharField(required=False)


class SchemaInput(serializers.Serializer[Any]):
    """The fields are checked by the registry itself, which says everything that is wrong."""

    fields = FieldOutput(many=True)  # type: ignore[assignment]  # the API's word, not DRF's


class SchemaOutput(serializers.Serializer[Any]):
    digest = serializers.CharField()
    fields = FieldOutput(many=True)  # type: ignore[assignment]  # the API's word, not DRF's
    set_at = serializers.DateTimeField()


class ReferenceOutput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(ReferenceKind.choices)
    digest = serializers.CharField()
    rows = serializers.IntegerField()
    set_at = serializers.DateTimeField()
    frozen_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when its bins are frozen; null: not yet"
    )
    error = serializers.CharField(source="freeze_error", help_text="Why its bins cannot be frozen")


class ReferenceFactsOutput(ReferenceOutput):
    error = serializers.CharField()


class FileOutput(serializers.Serializer[Any]):
    path = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class PeriodOutput(serializers.Serializer[Any]):
    environment = serializers.CharField()
    role = serializers.ChoiceField(ROLES)
    traffic_share = serializers.DecimalField(max_digits=5, decimal_places=4)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class VersionDetailOutput(VersionOutput):
    mlflow_run_id = serializers.CharField()
    artifact_uri = serializers.CharField()
    inspected_at = serializers.DateTimeField(allow_null=True)
    first_prediction_at = serializers.DateTimeField(allow_null=True)
    files = FileOutput(many=True)
    pickled = serializers.ListField(
        child=serializers.CharField(),
        help_text='What would run code when loaded; empty means "no known pattern"',
    )
    lineage = serializers.DictField()
    schema = FieldOutput(many=True)
    schema_digest = serializers.CharField()
    reference = ReferenceFactsOutput(allow_null=True)
    periods = PeriodOutput(many=True)
    archive = serializers.IntegerField(source="archive_id", allow_null=True)


class KeepingOutput(serializers.Serializer[Any]):
    kept_until = serializers.DateField(allow_null=True, help_text="Last day of its retention")
    locked_until = serializers.DateField(allow_null=True, help_text="By the store's object lock")
    monthly_cost = serializers.DecimalField(
        max_digits=20, decimal_places=6, help_text="By the declared price, in its currency"
    )
    holds = serializers.ListField(child=serializers.CharField(), help_text="Cases that hold it")
    drill_state = serializers.CharField(help_text="How the last drill went; empty if none was")
    drilled_at = serializers.DateTimeField(allow_null=True)
    purge = serializers.IntegerField(allow_null=True, help_text="Its latest purge, if any")


class ArchiveOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    model = serializers.CharField(source="model_slug")
    version = serializers.IntegerField(source="number")
    state = serializers.ChoiceField([state.value for state in ArchiveState])
    digest = serializers.CharField(help_text="SHA-256 of the manifest; empty until sealed")
    size = serializers.IntegerField()
    files = serializers.IntegerField()
    requested_by = serializers.CharField()
    requested_at = serializers.DateTimeField()
    sealed_at = serializers.DateTimeField(allow_null=True)
    verified_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField()
    keeping = KeepingOutput()


class RestoreOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    state = serializers.CharField()
    version = serializers.IntegerField(source="number", allow_null=True)
    requested_by = serializers.CharField()
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    checked_files = serializers.IntegerField()
    error = serializers.CharField()


class ArchiveDetailOutput(serializers.Serializer[Any]):
    archive = ArchiveOutput(source="row")
    path = serializers.CharField()
    artifact_digest = serializers.CharField()
    files = FileOutput(many=True)
    restores = RestoreOutput(many=True)
