"""The discussion of a change request by API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.requests import visible_request
from governance.models import EntryKind, RequestEntry
from governance.services.discussion import say


class RequestEntryShape(serializers.ModelSerializer[RequestEntry]):
    name = serializers.CharField(source="printed_name")
    about = serializers.IntegerField(source="about_id", allow_null=True)

    class Meta:
        model = RequestEntry
        fields = ["id", "kind", "about", "name", "role", "text", "at"]


class NewRequestEntryShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=EntryKind.choices, default=EntryKind.COMMENT)
    about = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        help_text="For retraction, answer and settled: the entry that it is about",
    )
    text = serializers.CharField(max_length=4000, help_text="Markdown")


class DiscussionView(ListAPIView[RequestEntry]):
    """What was said about a change request, in order; POST adds to it."""

    serializer_class = RequestEntryShape
    queryset = RequestEntry.objects.none()

    def get_queryset(self) -> Any:
        return visible_request(self.request, self.kwargs["pk"]).entries.all()

    @extend_schema(
        operation_id="change_requests_say",
        request=NewRequestEntryShape,
        responses=answers(201, RequestEntryShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, pk: int) -> Response:
        """Comment, ask for a change as who may sign, answer one, or settle it."""
        found = visible_request(request, pk)
        shape = NewRequestEntryShape(data=request.data)
        shape.is_valid(raise_exception=True)
        words = dict(shape.validated_data)
        with refusals_as_problems():
            entry = say(
                actor=person_of(request), request_id=found.pk, about_id=words.pop("about"), **words
            )
        return Response(RequestEntryShape(entry).data, status=201)
