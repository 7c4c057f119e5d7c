"""Predictions and outcomes over the API: the body is handed to the service as it came."""

from collections.abc import Mapping
from typing import IO, Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem
from accounts.roles import Scope
from accounts.sessions import person_of
from monitoring.api.answers import answering
from monitoring.api.serializers import BatchAnswer
from monitoring.gateways.decoding import LARGEST_BODY
from monitoring.models import OutcomeKind
from monitoring.services.ingest import Accepted, accept_outcomes, accept_predictions
from registry.api.answers import problems
from registry.models import Model, Version

KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Up to 100 signs; the same key and bytes get the same answer again",
)
ENCODING = OpenApiParameter(
    "Content-Encoding", OpenApiTypes.STR, OpenApiParameter.HEADER, enum=["gzip", "zstd"]
)
MODE = OpenApiParameter(
    "mode", OpenApiTypes.STR, enum=["whole", "partial"], default="whole", required=False
)
OUTCOME_KIND = OpenApiParameter(
    "outcome_kind",
    OpenApiTypes.STR,
    enum=OutcomeKind.values,
    default=OutcomeKind.TRUE,
    required=False,
    description="natural: the user's own act; proxy: a stand-in such as a judge; counted apart",
)
BODIES = {
    "application/json": {
        "type": "object",
        "properties": {"rows": {"type": "array", "items": {"type": "object"}}},
        "required": ["rows"],
    },
    "application/x-ndjson": OpenApiTypes.STR,
    "text/csv": OpenApiTypes.STR,
    "application/vnd.apache.parquet": OpenApiTypes.BINARY,
}


class AsItCame(BaseParser):
    """Takes any media type and parses nothing: the service reads the bytes under budgets."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        return {"body": stream}


class PredictionsView(APIView):
    """A batch of a version's prediction log, in the fields of its schema.

    NDJSON, JSON (`{"rows": […]}`), CSV or Parquet; gzip or zstd; at most 64 MiB, unpacked 512 MiB,
    a million rows. A batch with a bad row is refused whole with the reasons by row; `mode=partial`
    stores the good rows. The answer is given when the batch is durable.
    """

    scope = Scope.INGEST
    parser_classes = (AsItCame,)

    @extend_schema(
        operation_id="predictions_send",
        parameters=[KEY, ENCODING, MODE],
        request=BODIES,
        responses={
            200: BatchAnswer,
            201: BatchAnswer,
            **problems(400, 401, 403, 404, 409, 413, 415, 422),
        },
    )
    def post(self, request: Request, model: str, version: int) -> Response:
        found = get_object_or_404(
            Version.objects.visible_to(request.user), model__slug=model, number=version
        )
        with answering():
            accepted = accept_predictions(
                actor=person_of(request), version_id=found.pk, **_sent(request)
            )
        return _answer(accepted)


class OutcomesView(APIView):
    """Outcomes of a model: `prediction_id`, `outcome`, `prediction_time`, `outcome_time`.

    Of a staged pipeline `failed_component` may name the stage that failed. The times may be left
    out; with `prediction_time` the predictions are found faster. Outcomes may come before their
    predictions. Formats and limits are those of predictions.
    """

    scope = Scope.INGEST
    parser_classes = (AsItCame,)

    @extend_schema(
        operation_id="outcomes_send",
        parameters=[KEY, ENCODING, MODE, OUTCOME_KIND],
        request=BODIES,
        responses={
            200: BatchAnswer,
            201: BatchAnswer,
            **problems(400, 401, 403, 404, 409, 413, 415, 422),
        },
    )
    def post(self, request: Request, model: str) -> Response:
        found = get_object_or_404(Model.objects.visible_to(request.user), slug=model)
        with answering():
            accepted = accept_outcomes(
                actor=person_of(request),
                model_id=found.pk,
                outcome_kind=request.query_params.get("outcome_kind", OutcomeKind.TRUE),
                **_sent(request, "outcome_kind"),
            )
        return _answer(accepted)


def _sent(request: Request, *more: str) -> dict[str, Any]:
    """The body as bytes and what the headers say of it; a body cut short is refused."""
    promised = request.headers.get("Content-Length", "")
    if not promised.isdigit():
        raise Problem(411, "length_required", "Send Content-Length: the size of the body.")
    if int(promised) > LARGEST_BODY:
        raise Problem(413, "body_bytes", "A body has at most 64 MiB; send smaller batches.")
    body = _body(request)
    if len(body) != int(promised):
        raise Problem(400, "body_incomplete", f"{len(body)} of {promised} bytes arrived.")
    unknown = request.query_params.keys() - {"mode", *more}
    if unknown:
        raise Problem(400, "parameter", f"{sorted(unknown)[0][:40]!r} is no parameter here.")
    return {
        "key": request.headers.get("Idempotency-Key", ""),
        "body": body,
        "content_type": request.headers.get("Content-Type", ""),
        "encoding": request.headers.get("Content-Encoding", ""),
        "mode": request.query_params.get("mode", "whole"),
    }


def _body(request: Request) -> bytes:
    stream = request.data.get("body") if isinstance(request.data, Mapping) else None
    try:
        return stream.read(LARGEST_BODY + 1) if stream is not None else b""
    except OSError as error:
        raise Problem(400, "body_incomplete", "The body stopped before its end.") from error


def _answer(accepted: Accepted) -> Response:
    answer = Response(accepted.answer, status=200 if accepted.repeated else 201)
    if accepted.repeated:
        answer["Idempotent-Replay"] = "true"
    return answer
