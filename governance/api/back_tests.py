"""Back-tests by API: a policy or a monitor's settings tried on the stored past."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Team
from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.back_test_querysets import BackTestQuerySet
from governance.back_test_words import headline
from governance.gate_parameters import MOST_GATES
from governance.models import BackTest
from governance.services import back_tests as work
from governance.services.back_tests import Past, Policy
from governance.states import GateMode, RequestKind
from governance.trials import LONGEST_LOOK
from monitoring.api.serializers import MonitorSettings
from monitoring.models import Monitor
from registry.models import RiskTier


class BackTestLineShape(serializers.ModelSerializer[BackTest]):
    team = serializers.SlugRelatedField[Team](slug_field="slug", read_only=True)
    about = serializers.CharField()
    asked_by = serializers.CharField(source="printed_name")

    class Meta:
        model = BackTest
        fields = [
            "id",
            "subject",
            "about",
            "team",
            "kind",
            "risk_tier",
            "monitor",
            "since",
            "until",
            "within_days",
            "reason",
            "asked_by",
            "asked_at",
            "state",
            "finished_at",
            "error",
        ]


class BackTestShape(BackTestLineShape):
    says = serializers.SerializerMethodField(help_text="The result in a few sentences")
    proposal = serializers.DictField(help_text="What is tried, whole")
    present = serializers.DictField(help_text="What was in force when it was asked for")
    result = serializers.DictField(allow_null=True, help_text="null until the state is `done`")

    class Meta(BackTestLineShape.Meta):
        fields = [
            *BackTestLineShape.Meta.fields,
            "says",
            "proposal",
            "present",
            "input_digest",
            "result_digest",
            "result",
        ]

    def get_says(self, row: BackTest) -> list[str]:
        return headline(row.subject, row.result) if row.result else []


class PastShape(serializers.Serializer[Any]):
    since = serializers.DateField()
    until = serializers.DateField(help_text="Its day included")
    reason = serializers.CharField(max_length=400, required=False, default="")


class GateShape(serializers.Serializer[Any]):
    gate = serializers.CharField(max_length=40)
    mode = serializers.ChoiceField(choices=[(one.value, one.value) for one in GateMode])
    parameters = serializers.DictField(required=False, default=dict)


class PolicyTrialShape(PastShape):
    kind = serializers.ChoiceField(
        choices=[(one.value, one.value.replace("_", " ")) for one in RequestKind]
    )
    risk_tier = serializers.ChoiceField(choices=RiskTier.choices)
    quorum = serializers.DictField(
        child=serializers.IntegerField(min_value=1, max_value=9),
        help_text="role -> number of signatures",
    )
    gates = serializers.ListField(child=GateShape(), max_length=MOST_GATES)
    team = serializers.SlugField(
        max_length=80, required=False, default="", help_text="Whose past; left out: everybody's"
    )
    within_days = serializers.IntegerField(
        min_value=1,
        max_value=LONGEST_LOOK,
        required=False,
        default=30,
        help_text="How long after a change is looked at what became of it",
    )


class MonitorTrialShape(PastShape):
    settings = serializers.DictField(help_text="What is to be different, as when it is changed")

    def validate_settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        shape = MonitorSettings(data=settings, partial=True)
        shape.is_valid(raise_exception=True)
        return dict(shape.validated_data)


def _asked(row: BackTest) -> Response:
    headers = {"Location": f"/api/v1/back-tests/{row.pk}"}
    return Response(BackTestShape(row).data, status=202, headers=headers)


@extend_schema_view(
    get=extend_schema(
        operation_id="back_tests_list", responses=answers(200, BackTestLineShape(many=True))
    )
)
class BackTestListView(ListAPIView[BackTest]):
    """Back-tests, newest first, without their results; POST tries a policy."""

    audits = True

    serializer_class = BackTestLineShape
    queryset = BackTest.objects.none()

    def get_queryset(self) -> BackTestQuerySet:
        rows = BackTest.objects.visible_to(self.request.user).select_related("team", "monitor")
        return rows.defer("result", "proposal", "present")

    @extend_schema(
        operation_id="back_tests_policy",
        request=PolicyTrialShape,
        responses=answers(202, BackTestShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        """Try an approval policy on past change requests; a job computes it."""
        shape = PolicyTrialShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = shape.validated_data
        team = get_object_or_404(Team, slug=said["team"]) if said["team"] else None
        gates = [dict(one) for one in said["gates"]]
        with refusals_as_problems():
            row = work.ask_policy_trial(
                actor=person_of(request),
                policy=Policy(said["kind"], said["risk_tier"], dict(said["quorum"]), gates),
                past=Past(said["since"], said["until"], said["within_days"]),
                team=team,
                reason=said["reason"],
            )
        return _asked(row)


class BackTestView(APIView):
    @extend_schema(operation_id="back_tests_read", responses=answers(200, BackTestShape))
    def get(self, request: Request, back_test: int) -> Response:
        """One back-test with its whole result, once its state is `done`."""
        rows = BackTest.objects.visible_to(person_of(request)).select_related("team", "monitor")
        return Response(BackTestShape(get_object_or_404(rows, pk=back_test)).data)


class MonitorTrialView(APIView):
    audits = True

    @extend_schema(
        operation_id="back_tests_monitor",
        request=MonitorTrialShape,
        responses=answers(202, BackTestShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, monitor: int) -> Response:
        """Try other settings of a monitor on its stored windows; a job computes it."""
        rows = Monitor.objects.visible_to(person_of(request)).select_related("model__team")
        found = get_object_or_404(rows, pk=monitor)
        shape = MonitorTrialShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = shape.validated_data
        with refusals_as_problems():
            row = work.ask_monitor_trial(
                actor=person_of(request),
                monitor=found,
                changes=said["settings"],
                past=Past(said["since"], said["until"]),
                reason=said["reason"],
            )
        return _asked(row)
