"""Clearance by API: a person suspends what is cleared, or reinstates what was suspended."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.requests import visible_version
from governance.api.serializers import ClearanceSerializer, NewClearanceSerializer
from governance.services.clearance import reinstate_clearance, suspend_clearance


class ClearanceView(APIView):
    """Decisions of reviewers and risk officers; no machine decides."""

    @extend_schema(
        operation_id="clearance_decide",
        request=NewClearanceSerializer,
        responses=answers(200, ClearanceSerializer, 400, 409, 415, 422),
    )
    def post(self, request: Request, model: str, version: int) -> Response:
        """Suspend or reinstate in one environment; incidents known by then are considered.

        The status answer says so from this moment on.
        """
        found = visible_version(request, model, version)
        shape = NewClearanceSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        words = dict(shape.validated_data)
        again = words.pop("decision") == "reinstate"
        service = reinstate_clearance if again else suspend_clearance
        with refusals_as_problems():
            row = service(actor=person_of(request), version_id=found.pk, **words)
        return Response(ClearanceSerializer(row).data)
