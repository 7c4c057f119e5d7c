"""Purges by API: asked for, confirmed by another person, refused, and what is left."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem
from accounts.sessions import person_of
from audit.proofs import NotProvable
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.proving import SignedSerializer
from governance.api.retirement_shapes import TombstoneShape
from governance.api.serializers import ReasonSerializer
from governance.reads.purges import visible
from governance.reads.tombstones import proof_of_purge
from governance.services.purges import ask_to_purge, confirm_purge, refuse_purge
from registry.models import Archive, Purge


class PurgeShape(serializers.ModelSerializer[Purge]):
    model = serializers.CharField(source="archive.version.model.slug")
    version = serializers.IntegerField(source="archive.version.number")
    asked_by = serializers.CharField(source="asked_name")
    decided_by = serializers.CharField(source="decided_name")
    tombstone = serializers.DictField(allow_null=True, help_text="What is left; null until done")

    class Meta:
        model = Purge
        fields = [
            "id",
            "archive",
            "model",
            "version",
            "state",
            "reason",
            "kept_until",
            "digest",
            "asked_by",
            "asked_at",
            "decided_by",
            "decided_at",
            "decided_because",
            "began_at",
            "tombstone",
            "tombstone_digest",
            "finished_at",
        ]


class PurgeConfirmShape(SignedSerializer):
    reason = serializers.CharField(max_length=1000)
    digest = serializers.CharField(max_length=64, help_text="Of the request that you read")


@extend_schema_view(get=extend_schema(operation_id="purges_list"))
class PurgeListView(ListAPIView[Purge]):
    """Every purge, the latest first."""

    serializer_class = PurgeShape
    queryset = Purge.objects.none()

    def get_queryset(self) -> QuerySet[Purge]:
        return visible(self.request.user)


class ArchivePurgeView(APIView):
    @extend_schema(
        operation_id="archives_purge",
        request=ReasonSerializer,
        responses=answers(201, PurgeShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, archive: int) -> Response:
        """Ask that an archive whose retention is over is removed; another person confirms it."""
        found = get_object_or_404(Archive.objects.visible_to(request.user), pk=archive)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = ask_to_purge(
                actor=person_of(request), archive_id=found.pk, **shape.validated_data
            )
        return _told(request, row.pk, 201)


class PurgeView(APIView):
    @extend_schema(operation_id="purges_retrieve", responses=answers(200, PurgeShape))
    def get(self, request: Request, purge: int) -> Response:
        """One purge; when it is done, with its tombstone."""
        return _told(request, purge)


class PurgeTombstoneView(APIView):
    @extend_schema(operation_id="purges_tombstone", responses=answers(200, TombstoneShape, 409))
    def get(self, request: Request, purge: int) -> Response:
        """What is kept of a purged archive, with the proof that it stands on the audit trail.

        `clients/ombud_verify.py` checks the answer without this server.
        """
        row = get_object_or_404(visible(request.user), pk=purge)
        try:
            told = proof_of_purge(row)
        except NotProvable as error:
            raise Problem(409, "not_provable_yet", str(error)) from error
        return Response(told)


class PurgeConfirmView(APIView):
    @extend_schema(
        operation_id="purges_confirm",
        request=PurgeConfirmShape,
        responses=answers(200, PurgeShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, purge: int) -> Response:
        """Sign that the archive is removed for good; never by who asked for it."""
        row = get_object_or_404(visible(request.user), pk=purge)
        shape = PurgeConfirmShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            confirm_purge(actor=person_of(request), purge_id=row.pk, **shape.validated_data)
        return _told(request, purge)


class PurgeRefuseView(APIView):
    @extend_schema(
        operation_id="purges_refuse",
        request=ReasonSerializer,
        responses=answers(200, PurgeShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, purge: int) -> Response:
        """Keep the archive, and say why; who asked takes it back in the same way."""
        row = get_object_or_404(visible(request.user), pk=purge)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            refuse_purge(actor=person_of(request), purge_id=row.pk, **shape.validated_data)
        return _told(request, purge)


def _told(request: Request, pk: int, status: int = 200) -> Response:
    row = get_object_or_404(visible(request.user), pk=pk)
    return Response(PurgeShape(row).data, status=status)
