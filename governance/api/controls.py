"""Controls of a model by API: read, assessed, and with evidence attached."""

from typing import Any

from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem
from accounts.policies import require
from accounts.sessions import person_of
from governance.api.control_shapes import (
    AssessmentShape,
    ControlCellShape,
    EvidenceShape,
    ModelControlsShape,
    NewAssessmentShape,
    NewEvidenceShape,
    ScopeShape,
)
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.documents import ENDINGS
from governance.models import AttachedEvidence, Control
from governance.policies import can_attach
from governance.reads.controls import STATES, compliance, control_page, current_control
from governance.services.controls import (
    LARGEST,
    ONLY_PEOPLE,
    Judgement,
    assess,
    attach_evidence,
    set_scope,
)
from registry.gateways import store
from registry.gateways.store import StoreError
from registry.models import Model

# What a form adds to a file: names of fields and boundaries.
WRAPPING = 1024 * 1024


class ModelControlsView(APIView):
    @extend_schema(
        operation_id="model_controls_list",
        parameters=[
            OpenApiParameter("framework", str, description="Id of one framework"),
            OpenApiParameter("state", str, enum=list(STATES)),
        ],
        responses=answers(200, ModelControlsShape, 422),
    )
    def get(self, request: Request, model: str) -> Response:
        """Every control that concerns the model, with rules, judgement and waiver."""
        asked = request.query_params
        state, framework = asked.get("state", ""), asked.get("framework", "")
        if state and state not in STATES:
            raise Problem(422, "invalid", f"state: one of {', '.join(STATES)}.")
        found = compliance(request.user, model)
        cells = [
            cell
            for share in found.shares
            for cell in share.cells
            if (not state or cell.state == state) and (not framework or cell.framework == framework)
        ]
        content: dict[str, Any] = {
            "model": found.model.slug,
            "jurisdictions": found.jurisdictions,
            "purposes": found.purposes,
            "frameworks": found.shares,
            "controls": cells,
        }
        return Response(ModelControlsShape(content).data)


class ScopeView(APIView):
    @extend_schema(
        operation_id="model_scope_set",
        request=ScopeShape,
        responses=answers(200, ScopeShape, 400, 415, 422),
    )
    def put(self, request: Request, model: str) -> Response:
        """Say where the model is used and for what: which controls concern it follows."""
        found = visible_model(request, model)
        shape = ScopeShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = set_scope(actor=person_of(request), model_id=found.pk, **shape.validated_data)
        return Response(ScopeShape(row).data)


class ModelControlView(APIView):
    @extend_schema(operation_id="model_control_read", responses=answers(200, ControlCellShape))
    def get(self, request: Request, model: str, framework: str, control: str) -> Response:
        """One control of the model."""
        page = control_page(request.user, model, framework, control)
        return Response(ControlCellShape(page.cell).data)


class AssessmentView(APIView):
    @extend_schema(
        operation_id="model_control_assess",
        request=NewAssessmentShape,
        responses=answers(201, AssessmentShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, model: str, framework: str, control: str) -> Response:
        """Judge a control, with the evidence of this moment; your name stays with it."""
        found, rule = _both(request, model, framework, control)
        shape = NewAssessmentShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        judgement = Judgement(expected_digest=said.pop("digest"), **said)
        with refusals_as_problems():
            row = assess(actor=person_of(request), model_id=found.pk, control=rule, said=judgement)
        return Response(AssessmentShape(row).data, status=201)


class EvidenceListView(APIView):
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="model_control_attach",
        request={"multipart/form-data": NewEvidenceShape},
        responses=answers(201, EvidenceShape, 400, 409, 413, 415, 422),
    )
    def post(self, request: Request, model: str, framework: str, control: str) -> Response:
        """Attach a document or a note; the kind is told by the bytes, their SHA-256 is answered."""
        found, rule = _both(request, model, framework, control)
        require(can_attach(person_of(request), found), ONLY_PEOPLE)
        length = request.headers.get("Content-Length", "")
        if length.isdigit() and int(length) > LARGEST + WRAPPING:
            raise Problem(413, "too_large", f"At most {LARGEST // 2**20} MiB.")
        shape = NewEvidenceShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        file = said.pop("file", None)
        with refusals_as_problems():
            row = attach_evidence(
                actor=person_of(request),
                model_id=found.pk,
                control=rule,
                raw=file.read(LARGEST + 1) if file else b"",
                **said,
            )
        return Response(EvidenceShape(row).data, status=201)


class EvidenceView(APIView):
    @extend_schema(
        operation_id="evidence_download",
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            **{code: body for code, body in answers(200, None).items() if code != 200},
        },
    )
    def get(self, request: Request, evidence: int) -> HttpResponse | FileResponse:
        """The bytes of an attached document, as a download."""
        return document_response(request, evidence)


def document_response(request: Any, evidence: int) -> HttpResponse:
    """An attached document as a download that no browser interprets.

    Raises:
        Problem: the store has lost the file.
    """
    rows = AttachedEvidence.objects.visible_to(request.user).exclude(path="")
    row = get_object_or_404(rows, pk=evidence)
    try:
        raw = store.read(row.path)
    except StoreError as error:
        raise Problem(404, "not_found", "The store does not have this document.") from error
    answer = HttpResponse(raw, content_type="application/octet-stream")
    name = f"evidence-{row.pk}.{ENDINGS.get(row.media_type, 'bin')}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Digest"] = f"sha-256={row.sha256}"
    return answer


def visible_model(request: Request, slug: str) -> Model:
    rows = Model.objects.visible_to(request.user).select_related("team", "owner")
    return get_object_or_404(rows, slug=slug)


def _both(request: Request, model: str, framework: str, control: str) -> tuple[Model, Control]:
    found = visible_model(request, model)
    return found, current_control(request.user, framework, control)
