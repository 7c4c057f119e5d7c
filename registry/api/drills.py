"""Drills of archives over the API: those there were, and a new one."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from registry.api.answers import answering, problems
from registry.models import DrillState
from registry.reads.archives import archive_detail
from registry.reads.drills import drills_of, row_of
from registry.services.archives import request_drill


class DrillStepOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    state = serializers.ChoiceField(["passed", "failed", "nothing_to_do"])
    said = serializers.CharField()
    looked_at = serializers.IntegerField(help_text="How many files, packages, rows or answers")
    seconds = serializers.FloatField()


class DrillOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    state = serializers.ChoiceField(DrillState.choices)
    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True, help_text="Time to restore")
    tolerance = serializers.FloatField(help_text="Largest difference that counts as equal")
    error = serializers.CharField()
    steps = DrillStepOutput(many=True)


class DrillListOutput(serializers.Serializer[Any]):
    drills = DrillOutput(many=True)


class DrillsView(APIView):
    @extend_schema(
        operation_id="archives_drills",
        responses={200: DrillListOutput, **problems(401, 404)},
    )
    def get(self, request: Request, archive: int) -> Response:
        """The latest drills of an archive, with each step."""
        found = archive_detail(request.user, archive)
        return Response(DrillListOutput({"drills": drills_of(found.row.id)}).data)

    @extend_schema(
        operation_id="archives_drill",
        request=None,
        responses={202: DrillOutput, **problems(401, 403, 404, 422)},
    )
    def post(self, request: Request, archive: int) -> Response:
        """Have a sealed archive brought back on trial, in the sandbox; nothing is registered.

        A worker does it. Asked again while it waits, the waiting one is the answer.
        """
        found = archive_detail(request.user, archive)
        with answering():
            drill = request_drill(actor=person_of(request), archive_id=found.row.id)
        return Response(DrillOutput(row_of(drill)).data, status=202)
