"""Models, versions, schemas, references and archives over the API. Nothing here asks MLflow."""

from datetime import UTC, datetime
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem
from accounts.models import Team, User
from accounts.policies import require
from accounts.sessions import person_of
from registry.api import serializers as shapes
from registry.api.answers import answering, problems
from registry.api.uploads import ParquetParser, body_as_file
from registry.filters import ArchiveFilter, ModelFilter, VersionFilter
from registry.models import Archive, Model, ReferenceKind, Version
from registry.policies import OWNERS_ONLY, can_register
from registry.querysets import ModelQuerySet, VersionQuerySet
from registry.reads import archives, models, versions
from registry.refusals import ModelInvalid
from registry.services import references
from registry.services.archives import request_verification
from registry.services.models import change_model, register_model
from registry.services.schemas import set_schema
from registry.services.versions import register_version

IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The ETag that was read"
)
KIND = OpenApiParameter("kind", OpenApiTypes.STR, enum=ReferenceKind.values, default="training")


class ModelListView(GenericAPIView[Model]):
    """The models that you may see; developers and service accounts of a team register more."""

    serializer_class = shapes.ModelOutput
    filterset_class = ModelFilter
    queryset = Model.objects.none()

    def get_queryset(self) -> ModelQuerySet:
        return Model.objects.visible_to(self.request.user).select_related("team", "owner")

    @extend_schema(
        operation_id="models_list",
        responses={200: shapes.ModelOutput(many=True), **problems(401, 422)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        rows = models.rows_of(page or [])
        return self.get_paginated_response(shapes.ModelOutput(rows, many=True).data)

    @extend_schema(
        operation_id="models_register",
        request=shapes.ModelInput,
        responses={201: shapes.ModelOutput, **problems(400, 401, 403, 409, 415, 422)},
    )
    def post(self, request: Request) -> Response:
        sent = shapes.ModelInput(data=request.data)
        sent.is_valid(raise_exception=True)
        facts = dict(sent.validated_data)
        facts.setdefault("mlflow_name", facts["slug"])
        with answering():
            made = register_model(
                actor=person_of(request), team_id=_team_id(facts.pop("team")), **_owned(facts)
            )
        answer = _model_answer(request, made.slug, 201)
        answer["Location"] = request.build_absolute_uri(f"models/{made.slug}")
        return answer


class ModelView(APIView):
    """One model. Its ETag covers what PATCH changes; send it back as If-Match."""

    @extend_schema(
        operation_id="models_read", responses={200: shapes.ModelOutput, **problems(401, 404)}
    )
    def get(self, request: Request, model: str) -> Response:
        return _model_answer(request, model)

    @extend_schema(
        operation_id="models_change",
        request=shapes.ModelChanges,
        parameters=[IF_MATCH],
        responses={
            200: shapes.ModelOutput,
            **problems(400, 401, 403, 404, 409, 412, 415, 422, 428),
        },
    )
    def patch(self, request: Request, model: str) -> Response:
        found = _model(request, model)
        sent = shapes.ModelChanges(data=request.data)
        sent.is_valid(raise_exception=True)
        with answering():
            change_model(
                actor=person_of(request),
                model_id=found.pk,
                changes=_owned(dict(sent.validated_data)),
                unchanged_since=_read_at(request),
            )
        return _model_answer(request, model)


class VersionListView(GenericAPIView[Version]):
    """The versions of a model, newest first; register more from MLflow."""

    serializer_class = shapes.VersionOutput
    filterset_class = VersionFilter
    queryset = Version.objects.none()

    def get_queryset(self) -> VersionQuerySet:
        found = Version.objects.visible_to(self.request.user).select_related(
            "parent", "registered_by"
        )
        return found.filter(model__slug=self.kwargs.get("model"))

    @extend_schema(
        operation_id="versions_list",
        responses={200: shapes.VersionOutput(many=True), **problems(401, 404, 422)},
    )
    def get(self, request: Request, model: str) -> Response:
        _model(request, model)
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        rows = [models.version_row(version) for version in page or []]
        return self.get_paginated_response(shapes.VersionOutput(rows, many=True).data)

    @extend_schema(
        operation_id="versions_register",
        request=shapes.VersionInput,
        responses={
            201: shapes.VersionDetailOutput,
            **problems(400, 401, 403, 404, 409, 415, 422),
        },
    )
    def post(self, request: Request, model: str) -> Response:
        """Name a version of MLflow, or a run, a path and a number. Hashing follows by a job."""
        found = _model(request, model)
        sent = shapes.VersionInput(data=request.data)
        sent.is_valid(raise_exception=True)
        with answering():
            made = register_version(
                actor=person_of(request), model_id=found.pk, **sent.validated_data
            )
        return _version_answer(request, model, made.number, 201)


class VersionView(APIView):
    @extend_schema(
        operation_id="versions_read",
        responses={200: shapes.VersionDetailOutput, **problems(401, 404)},
    )
    def get(self, request: Request, model: str, version: int) -> Response:
        """One version with files, lineage, schema, reference and periods of serving."""
        return _version_answer(request, model, version)


class SchemaView(APIView):
    @extend_schema(
        operation_id="versions_set_schema",
        request=shapes.SchemaInput,
        responses={200: shapes.SchemaOutput, **problems(400, 401, 403, 404, 409, 415, 422)},
    )
    def put(self, request: Request, model: str, version: int) -> Response:
        """Declare the fields of the prediction log: `{"fields": […]}`. Fixed once it is used."""
        found = _version(request, model, version)
        fields: Any = request.data
        fields = fields.get("fields") if isinstance(fields, dict) else fields
        with answering():
            schema = set_schema(actor=person_of(request), version_id=found.pk, fields=fields)
        shown = {"digest": schema.digest, "fields": schema.fields, "set_at": schema.set_at}
        return Response(shapes.SchemaOutput(shown).data)


class ReferenceView(APIView):
    parser_classes = [ParquetParser]

    @extend_schema(
        operation_id="versions_set_reference",
        request={ParquetParser.media_type: OpenApiTypes.BINARY},
        parameters=[KIND],
        responses={
            200: shapes.ReferenceOutput,
            **problems(400, 401, 403, 404, 413, 415, 422),
        },
    )
    def put(self, request: Request, model: str, version: int) -> Response:
        """Supply the data that "normal" is judged by, as one Parquet file of at most 256 MiB."""
        found = _version(request, model, version)
        require(can_register(person_of(request), found.model.team_id), OWNERS_ONLY)
        kind = request.query_params.get("kind", ReferenceKind.TRAINING)
        with answering(), body_as_file(request, most=references.MAX_BYTES) as source:
            reference = references.set_reference(
                actor=person_of(request), version_id=found.pk, source=source, kind=kind
            )
        return Response(shapes.ReferenceOutput(reference).data)


class ArchiveView(APIView):
    @extend_schema(
        operation_id="archives_read",
        responses={200: shapes.ArchiveDetailOutput, **problems(401, 404)},
    )
    def get(self, request: Request, archive: int) -> Response:
        """One archive with every file of its manifest and its restorations."""
        detail = archives.archive_detail(request.user, archive)
        return Response(shapes.ArchiveDetailOutput(detail).data)


class ArchiveVerificationView(APIView):
    @extend_schema(
        operation_id="archives_verify",
        request=None,
        responses={202: shapes.ArchiveOutput, **problems(401, 403, 404, 422)},
    )
    def post(self, request: Request, archive: int) -> Response:
        """Have every byte of a sealed archive read again.

        A worker does it: `verified_at` moves when all was found as sealed, `error` says what was
        not. Asked again while it waits, nothing more happens.
        """
        found = archives.archive_detail(request.user, archive)
        with answering():
            request_verification(actor=person_of(request), archive_id=found.row.id)
        detail = archives.archive_detail(request.user, archive)
        return Response(shapes.ArchiveOutput(detail.row).data, status=202)


class ArchiveListView(GenericAPIView[Archive]):
    """The archives that you may see. One is asked for by a change request."""

    serializer_class = shapes.ArchiveOutput
    filterset_class = ArchiveFilter
    queryset = Archive.objects.none()

    def get_queryset(self) -> Any:
        return archives.visible(self.request.user)

    @extend_schema(
        operation_id="archives_list",
        responses={200: shapes.ArchiveOutput(many=True), **problems(401, 422)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        rows = archives.rows_of(page or [])
        return self.get_paginated_response(shapes.ArchiveOutput(rows, many=True).data)


def _model(request: Request, slug: str) -> Model:
    return get_object_or_404(Model.objects.visible_to(request.user), slug=slug)


def _version(request: Request, slug: str, number: int) -> Version:
    found = Version.objects.visible_to(request.user).select_related("model")
    return get_object_or_404(found, model__slug=slug, number=number)


def _model_answer(request: Request, slug: str, status: int = 200) -> Response:
    row = models.model_row(request.user, slug)
    answer = Response(shapes.ModelOutput(row).data, status=status)
    answer["ETag"] = f'"{row.changed_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}"'
    return answer


def _version_answer(request: Request, slug: str, number: int, status: int = 200) -> Response:
    detail = versions.version_detail(request.user, slug, number)
    return Response(shapes.VersionDetailOutput(detail).data, status=status)


def _read_at(request: Request) -> datetime:
    """The moment of change that If-Match names."""
    sent = request.headers.get("If-Match")
    if sent is None:
        raise Problem(428, "if_match_missing", "Send the model's ETag as If-Match.")
    try:
        return datetime.strptime(sent, '"%Y%m%dT%H%M%S.%f"').replace(tzinfo=UTC)
    except ValueError as error:
        raise Problem(412, "changed_since", "If-Match is no ETag of this model.") from error


def _team_id(slug: str) -> int:
    """The team's key; 0, which nobody is a member of, if there is no such team."""
    return Team.objects.filter(slug=slug).values_list("pk", flat=True).first() or 0


def _owned(facts: dict[str, Any]) -> dict[str, Any]:
    """The owner's e-mail address as a key."""
    email = facts.pop("owner", None)
    if email is None:
        return facts
    owner = User.objects.filter(email__iexact=email).first()
    if owner is None:
        raise ModelInvalid("owner: nobody has this e-mail address.")
    return facts | {"owner_id": owner.pk}
