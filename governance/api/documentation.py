"""What the OpenAPI description says about governance's addresses."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.serializers import ProblemSerializer, StatusSerializer

TITLES = {
    400: "Not understood",
    401: "Not signed in",
    403: "Seen, but not allowed",
    404: "Nothing there that you may see",
    409: "Conflicts with what is there",
    413: "Too large",
    415: "This format is not taken",
    412: "Changed since it was read",
    422: "Cannot be accepted; says why",
    428: "Say which state is changed",
    429: "Too many attempts",
}
PROBLEM = ("application/problem+json",)


def answers(status: int, body: Any, *problems: int) -> dict[Any, Any]:
    """The answers of an operation: the good one and its problems."""
    refused = {
        (code, PROBLEM[0]): OpenApiResponse(ProblemSerializer, TITLES[code])
        for code in (401, 403, 404, *problems)
    }
    return {status: body, **refused}


class StatusDescription(APIView):
    """Describes `governance.api.status.model_status`; never called itself."""

    @extend_schema(
        operation_id="models_status_retrieve",
        description=(
            "Which version may serve: champion, clearance with reasons, health, open incidents "
            "and requests. Read from one prepared row. The ETag changes with what is said."
        ),
        parameters=[
            OpenApiParameter("environment", str, description="production, if not named"),
            OpenApiParameter(
                "at", str, description="The answer in force at that time (ISO 8601 with zone)"
            ),
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),
        ],
        responses={**answers(200, StatusSerializer, 422), 304: None},
    )
    def get(self, request: Request, model: str) -> Response:
        raise NotImplementedError("governance.api.status.model_status answers")
