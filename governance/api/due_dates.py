"""Moving a change request's due date by API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.requests import detail, visible_request
from governance.api.serializers import RequestDetailSerializer
from governance.services.due_dates import move_due_date


class DueDateShape(serializers.Serializer[Any]):
    due_on = serializers.DateField(help_text="Today or later, within 180 days")
    reason = serializers.CharField(max_length=4000)


class DueDateView(APIView):
    @extend_schema(
        operation_id="change_requests_move_due_date",
        request=DueDateShape,
        responses=answers(200, RequestDetailSerializer, 400, 409, 415, 422),
    )
    def put(self, request: Request, pk: int) -> Response:
        """Have it decided by another day; people are reminded anew for that day."""
        found = visible_request(request, pk)
        shape = DueDateShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            move_due_date(actor=person_of(request), request_id=found.pk, **shape.validated_data)
        return detail(request, pk)
