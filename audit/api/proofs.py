"""Checkpoints, proofs and exports of the trail over the API."""

from typing import Any, cast

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.generics import ListAPIView
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.spreadsheets import SpreadsheetPages, SpreadsheetRenderer
from audit.models import Checkpoint, Event
from audit.policies import can_export_trail
from audit.proofs import NotProvable, prove_consistency, prove_event
from audit.record import Actor
from audit.services.export import export_trail, zipped

CHECKPOINT = OpenApiParameter(
    "checkpoint", OpenApiTypes.INT, description="Events of the checkpoint; default: the newest"
)
FORMAT = OpenApiParameter(
    "format", OpenApiTypes.STR, enum=["json", "txt"], description="txt: one C2SP tlog-proof file"
)
NOT_YET = OpenApiResponse(description="No such checkpoint, or it is older than the event")


class NotProvableNow(exceptions.APIException):
    status_code = 409
    default_code = "not_provable"


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    """A signed statement of how many events there are and what their tree's head is."""

    # A field of this name hides DRF's shortcut to the outermost serializer, which is not used here.
    root = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="Head of the RFC 6962 tree, in hex"
    )
    chain_head = serializers.SerializerMethodField(help_text="Digest of the last event, in hex")

    class Meta:
        model = Checkpoint
        fields = ["size", "root", "chain_head", "at", "key_id", "keys", "note"]

    def get_root(self, checkpoint: Checkpoint) -> str:
        return checkpoint.root_hex

    def get_chain_head(self, checkpoint: Checkpoint) -> str:
        return bytes(checkpoint.chain_head).hex()


class EventProofSerializer(serializers.Serializer[Any]):
    """That an event is in the trail; `clients/ombud_verify.py` checks it offline."""

    format = serializers.CharField()
    event = serializers.DictField(help_text="The event with all that its digest covers")
    index = serializers.IntegerField(help_text="Leaf of the tree: sequence number less one")
    size = serializers.IntegerField(help_text="Events in the checkpoint")
    path = serializers.ListField(child=serializers.CharField(), help_text="Hashes in base 64")
    checkpoint = serializers.CharField(help_text="The signed checkpoint")
    keys = serializers.ListField(child=serializers.CharField(), help_text="Public keys")


class EndSerializer(serializers.Serializer[Any]):
    size = serializers.IntegerField()
    checkpoint = serializers.CharField()


class ConsistencyProofSerializer(serializers.Serializer[Any]):
    """That one checkpoint continues another: nothing between them was changed or removed."""

    format = serializers.CharField()
    to = EndSerializer()
    path = serializers.ListField(child=serializers.CharField(), help_text="Hashes in base 64")
    keys = serializers.ListField(child=serializers.CharField(), help_text="Public keys")

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": EndSerializer()}


class PlainText(BaseRenderer):
    """A proof as one file; problems stay problem+json."""

    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return data.encode() if isinstance(data, str) else JSONRenderer().render(data)


class NewestCheckpointsFirst(SpreadsheetPages):
    ordering = "-id"


class CheckpointListView(ListAPIView[Checkpoint]):
    """The signed checkpoints, newest first. They tell numbers and hashes, nothing of the events."""

    serializer_class = CheckpointSerializer
    pagination_class = NewestCheckpointsFirst
    renderer_classes = (JSONRenderer, SpreadsheetRenderer)
    queryset = Checkpoint.objects.all()

    @extend_schema(
        operation_id="audit_checkpoints_list",
        responses={
            (200, "application/json"): CheckpointSerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request) -> Response:
        return self.list(request)


class EventProofView(APIView):
    """The proof that one event is in the trail, for people who do not trust this server."""

    renderer_classes = (JSONRenderer, PlainText)

    @extend_schema(
        operation_id="audit_event_proof",
        parameters=[CHECKPOINT, FORMAT],
        responses={
            (200, "application/json"): EventProofSerializer,
            (200, "text/plain"): OpenApiTypes.STR,
            409: NOT_YET,
        },
    )
    def get(self, request: Request, sequence: int) -> Response:
        event = get_object_or_404(Event.objects.visible_to(request.user), pk=sequence)
        size = _number(request, "checkpoint", required=False)
        try:
            proof = prove_event(event=event, size=size)
        except NotProvable as error:
            raise NotProvableNow(str(error)) from error
        if request.accepted_renderer.format != PlainText.format:
            return Response(proof.content())
        name = f'attachment; filename="event-{sequence}.tlog-proof"'
        return Response(proof.text(), headers={"Content-Disposition": name})


class ConsistencyView(APIView):
    """The proof that one checkpoint continues another."""

    @extend_schema(
        operation_id="audit_consistency_proof",
        parameters=[
            OpenApiParameter("from", OpenApiTypes.INT, required=True, description="Events then"),
            OpenApiParameter("to", OpenApiTypes.INT, required=True, description="Events later"),
        ],
        responses={200: ConsistencyProofSerializer, 409: NOT_YET},
    )
    def get(self, request: Request) -> Response:
        old, new = _number(request, "from"), _number(request, "to")
        try:
            return Response(prove_consistency(old=old or 0, new=new or 0))
        except NotProvable as error:
            raise NotProvableNow(str(error)) from error


class ExportView(APIView):
    """The whole trail up to the newest checkpoint, as a zip that proves itself."""

    audits = True

    @extend_schema(
        operation_id="audit_export",
        request=None,
        responses={(200, "application/zip"): OpenApiTypes.BINARY, 409: NOT_YET},
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        if not can_export_trail(request.user):
            raise exceptions.PermissionDenied("Auditors and administrators export the trail.")
        try:
            export = export_trail(actor=cast("Actor", request.user))
        except NotProvable as error:
            raise NotProvableNow(str(error)) from error
        name = f"ombud-audit-{export.newest.size}.zip"
        answer = StreamingHttpResponse(zipped(export), content_type="application/zip")
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer


def _number(request: Request, name: str, *, required: bool = True) -> int | None:
    """A whole number of the query, at most what the database can count.

    Raises:
        ValidationError: it is missing or none.
    """
    said = request.query_params.get(name)
    if said is None and not required:
        return None
    if said is None or not (said.isascii() and said.isdigit() and 0 < int(said[:19]) < 2**63):
        raise exceptions.ValidationError({name: "A whole number of events, from 1."})
    return int(said[:19])
