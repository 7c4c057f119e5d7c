"""How retraining looks over the API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from monitoring.models import DataSuite, RetrainingRefusal
from monitoring.reads.retrainings import PolicySeen, RetrainingSeen, StepSeen
from registry.api.serializers import Strict


class ReasonInput(Strict):
    reason = serializers.CharField(max_length=500)


class PolicyInput(Strict):
    """A retraining policy, as docs/lifecycle/retraining.md describes its terms."""

    terms = serializers.DictField(
        help_text="triggers (schedule, performance, drift, outcomes), combine (any, all), kind"
        " (complete, incremental, recalibration), cool_down_days, runs_per_month,"
        " processor_minutes, window_days, minimum_rows, entry_point, runner, parameters, search,"
        " shadow_days, replay, watch_days, ask"
    )
    reason = serializers.CharField(max_length=500)


class SuiteInput(Strict):
    """What data must look like: rows, unique, columns. Words and numbers, never code."""

    checks = serializers.DictField()
    reason = serializers.CharField(max_length=500)


class PolicyOutput(serializers.Serializer[PolicySeen]):
    id = serializers.IntegerField(source="policy.pk")
    model = serializers.CharField(source="policy.model.slug")
    number = serializers.IntegerField(source="policy.number")
    state = serializers.CharField(source="policy.state", help_text="draft, asked, on or off")
    says = serializers.CharField(source="sentence")
    terms = serializers.DictField(source="policy.terms")
    digest = serializers.CharField(source="policy.digest")
    reason = serializers.CharField(source="policy.reason")
    written_by = serializers.CharField(source="policy.written_by.name")
    written_at = serializers.DateTimeField(source="policy.written_at")
    switched_on_by = serializers.CharField(
        source="policy.switched_on_by.name", allow_null=True, default=None
    )
    approved_by = serializers.CharField(
        source="policy.approved_by.name", allow_null=True, default=None
    )
    on_since = serializers.DateTimeField(source="policy.on_since", allow_null=True)
    off_since = serializers.DateTimeField(source="policy.off_since", allow_null=True)


class RefusalOutput(serializers.Serializer[RetrainingRefusal]):
    policy = serializers.IntegerField(source="policy.number")
    cause = serializers.CharField(help_text="under_way, cool_down, runs or minutes")
    text = serializers.CharField()
    at = serializers.DateTimeField()


class SuiteOutput(serializers.Serializer[DataSuite]):
    number = serializers.IntegerField()
    checks = serializers.DictField()
    digest = serializers.CharField()
    reason = serializers.CharField()
    written_by = serializers.CharField(source="written_by.name")
    written_at = serializers.DateTimeField()


class StepOutput(serializers.Serializer[StepSeen]):
    name = serializers.CharField(source="step.name")
    state = serializers.CharField(source="step.state")
    message = serializers.CharField(source="step.message")
    attempts = serializers.IntegerField(source="step.attempts")
    started_at = serializers.DateTimeField(source="step.started_at", allow_null=True)
    ended_at = serializers.DateTimeField(source="step.ended_at", allow_null=True)
    processor_seconds = serializers.FloatField(source="step.seconds")
    numbers = serializers.DictField(source="step.numbers")
    files = serializers.DictField(source="step.files", help_text="SHA-256 by file")
    log = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_log(self, seen: StepSeen) -> list[str]:
        return [line.text for line in seen.lines]


class RetrainingOutput(serializers.Serializer[RetrainingSeen]):
    id = serializers.IntegerField(source="retraining.pk")
    model = serializers.CharField(source="retraining.model.slug")
    policy = serializers.IntegerField(source="retraining.policy.number")
    retrained_from = serializers.IntegerField(source="retraining.parent.number")
    version = serializers.IntegerField(
        source="retraining.version.number", allow_null=True, default=None
    )
    state = serializers.CharField(source="retraining.state")
    step = serializers.SerializerMethodField(help_text="Where it is")
    reasons = serializers.ListField(
        source="retraining.reasons", child=serializers.CharField(), help_text="What fired"
    )
    asked_by = serializers.CharField(
        source="retraining.asked_by.name",
        allow_null=True,
        default=None,
        help_text="Null: the policy",
    )
    up_to = serializers.DateTimeField(source="retraining.up_to")
    started_at = serializers.DateTimeField(source="retraining.started_at")
    ended_at = serializers.DateTimeField(source="retraining.ended_at", allow_null=True)
    processor_seconds = serializers.FloatField(source="retraining.processor_seconds")
    note = serializers.CharField(source="retraining.note")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_step(self, seen: RetrainingSeen) -> str | None:
        return seen.now.name if seen.now else None


class RetrainingDetailOutput(RetrainingOutput):
    steps = serializers.SerializerMethodField()

    @extend_schema_field(StepOutput(many=True))
    def get_steps(self, seen: RetrainingSeen) -> list[dict[str, Any]]:
        return [dict(StepOutput(one).data) for one in seen.steps]


class CallbackInput(Strict):
    """What a runner says of a run that it was asked for."""

    id = serializers.CharField(max_length=200, help_text="As the runner named its run")
    state = serializers.ChoiceField(["running", "done", "failed"])
    log = serializers.ListField(
        child=serializers.CharField(max_length=1_000, allow_blank=True),
        max_length=200,
        required=False,
    )
    outputs = serializers.DictField(
        child=serializers.CharField(max_length=300),
        required=False,
        help_text="run_id and artifact_path of the model in MLflow",
    )
    message = serializers.CharField(max_length=300, required=False, allow_blank=True)
