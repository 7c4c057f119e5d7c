"""Where runners call back. No token: the signature over the whole body is the credential."""

import json

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Conflict, Problem
from monitoring.api.retraining_shapes import CallbackInput
from monitoring.gateways.runners import signing
from monitoring.jobs.retraining.callbacks import (
    Replayed,
    SignatureInvalid,
    UnknownRun,
    believed,
    take_callback,
)
from registry.api.answers import problems

LARGEST = 256 * 1024
HEADERS = [
    OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True)
    for name in (signing.ID, signing.STAMP, signing.SIGNATURE)
]


class RunnerCallbackView(APIView):
    """A runner says how far a run is: 204 taken, 401 not believed, 404 unknown, 409 a replay."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="runner_callback",
        auth=[],
        parameters=HEADERS,
        request=CallbackInput,
        responses={204: None, **problems(400, 401, 404, 409, 413)},
    )
    def post(self, request: Request, runner: str) -> Response:
        body = request._request.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise Problem(413, "too_large", "A callback has at most 256 kB.")
        try:
            delivery = believed(runner=runner, body=body, headers=request.headers)
            said = _said(body)
            take_callback(runner=runner, delivery=delivery, said=said)
        except SignatureInvalid as error:
            raise Problem(401, "signature_invalid", str(error)) from error
        except UnknownRun as error:
            raise Problem(404, "unknown_run", "No run of ours that waits for this.") from error
        except Replayed as error:
            raise Conflict("replayed", str(error)) from error
        return Response(status=204)


def _said(body: bytes) -> dict[str, object]:
    try:
        sent = CallbackInput(data=json.loads(body))
        sent.is_valid(raise_exception=True)
    except (ValueError, RecursionError, ValidationError) as error:
        raise Problem(400, "malformed", "This is no callback; see the API's schema.") from error
    return dict(sent.validated_data)
