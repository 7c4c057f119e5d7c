"""The machines that models are opened on, over the API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.policies import require
from accounts.sessions import person_of
from registry.api.answers import problems
from registry.policies import KEEPERS_ONLY, may_see_hosts
from registry.reads.sandbox_hosts import hosts_for


class SandboxLayerOutput(serializers.Serializer[Any]):
    layer = serializers.CharField(source="key")
    takes_away = serializers.CharField()
    needed = serializers.BooleanField(source="required", help_text="Without it no model is opened")
    holds = serializers.BooleanField()
    mend = serializers.CharField(help_text="What to do where it does not hold")


class SandboxHostOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    kernel = serializers.CharField()
    looked_at = serializers.DateTimeField()
    silent = serializers.BooleanField(help_text="No worker has looked for 20 minutes")
    opens_models = serializers.BooleanField(help_text="Every required layer holds")
    detail = serializers.CharField()
    seconds = serializers.FloatField(help_text="How long the probe took")
    layers = SandboxLayerOutput(many=True)
    in_use = serializers.IntegerField(help_text="Folders that errands work in")
    swept = serializers.IntegerField(help_text="Folders of killed workers that were removed")
    swept_at = serializers.DateTimeField(allow_null=True)


class SandboxHostListOutput(serializers.Serializer[Any]):
    hosts = SandboxHostOutput(many=True)


class SandboxHostsView(APIView):
    @extend_schema(
        operation_id="sandbox_hosts",
        responses={200: SandboxHostListOutput, **problems(401, 403)},
    )
    def get(self, request: Request) -> Response:
        """Every machine that models are opened on, and which layers hold there."""
        require(may_see_hosts(person_of(request)), KEEPERS_ONLY)
        return Response(SandboxHostListOutput({"hosts": hosts_for(request.user)}).data)
