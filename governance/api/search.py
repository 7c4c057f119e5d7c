"""Search over everything by API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.reads.search import LAST_PAGE, Asked, search
from governance.reads.search_kinds import KINDS


class AskedShape(serializers.Serializer[Any]):
    """What is looked for; every part narrows."""

    q = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text='Words, "a phrase", -without, or a number such as CR-5',
    )
    kind = serializers.ChoiceField(
        choices=[(kind.name, kind.label) for kind in KINDS], required=False, default=""
    )
    person = serializers.CharField(max_length=120, required=False, default="")
    team = serializers.SlugField(max_length=80, required=False, default="")
    model = serializers.SlugField(max_length=80, required=False, default="")
    since = serializers.DateField(required=False, default=None)
    until = serializers.DateField(required=False, default=None, help_text="Its day included")
    page = serializers.IntegerField(min_value=1, max_value=LAST_PAGE, required=False, default=1)


class FacetShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    # A field of this name hides DRF's own label, which is not used here.
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField()
    more = serializers.BooleanField(help_text="There are more than were counted")


class HitShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.IntegerField()
    title = serializers.CharField()
    text = serializers.CharField()
    url = serializers.CharField(help_text="The page it is on")
    model = serializers.CharField()
    person = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)


class ResultsShape(serializers.Serializer[Any]):
    kinds = FacetShape(many=True)
    results = HitShape(many=True)
    page = serializers.IntegerField()
    next_page = serializers.IntegerField(allow_null=True)


class SearchView(APIView):
    @extend_schema(
        operation_id="search",
        parameters=[AskedShape],
        responses=answers(200, ResultsShape, 400, 422),
    )
    def get(self, request: Request) -> Response:
        """Whatever you may see: how many of each kind, and a page of one kind, newest first.

        Without `kind` the newest three of each kind; with it 25 to a page.
        """
        shape = AskedShape(data=request.query_params)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        found = search(person_of(request), Asked(words=said.pop("q").strip(), **said))
        content = {
            "kinds": FacetShape(found.facets, many=True).data,
            "results": HitShape(found.hits, many=True).data,
            "page": found.page,
            "next_page": found.following,
        }
        return Response(content)
