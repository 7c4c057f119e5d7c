"""Auditors' samples by API: drawn, read, noted on, concluded."""

from dataclasses import asdict
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.models import Conclusion, FindingSeverity, Population, Sample, SampleEntry
from governance.models import SampleItem as Item
from governance.reads.bundles import sample_json
from governance.reads.samples import ItemPage, item_page
from governance.sample_querysets import SampleQuerySet
from governance.services import samples as work
from registry.models import RiskTier


class SampleShape(serializers.ModelSerializer[Sample]):
    drawn_by = serializers.CharField(source="drawn_by_name")

    class Meta:
        model = Sample
        fields = [
            "id",
            "title",
            "population",
            "filters",
            "since",
            "until",
            "seed",
            "size",
            "algorithm",
            "population_size",
            "population_digest",
            "drawn_by",
            "drawn_at",
        ]


class SampleDrawnShape(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    number = serializers.IntegerField()
    key = serializers.CharField(help_text="SHA-256 of algorithm, seed and the item's name")
    # A field of this name hides DRF's own label, which is not used here.
    label = serializers.CharField()  # type: ignore[assignment]
    model = serializers.CharField()


class WholeSampleShape(serializers.Serializer[Any]):
    """Enough to draw the sample again: `clients/ombud_sample.py` does."""

    number = serializers.IntegerField()
    title = serializers.CharField()
    population = serializers.CharField()
    kind = serializers.CharField(help_text="What an item's name begins with")
    filters = serializers.DictField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    seed = serializers.CharField()
    size = serializers.IntegerField()
    algorithm = serializers.CharField()
    population_size = serializers.IntegerField()
    population_digest = serializers.CharField()
    numbers = serializers.ListField(child=serializers.IntegerField())
    drawn_by = serializers.CharField()
    drawn_at = serializers.DateTimeField()
    items = SampleDrawnShape(many=True)


class NewSampleShape(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=120)
    population = serializers.ChoiceField(choices=Population.choices)
    since = serializers.DateField()
    until = serializers.DateField(help_text="Its day included")
    size = serializers.IntegerField(min_value=1, max_value=work.LARGEST)
    seed = serializers.CharField(max_length=80)
    model = serializers.SlugField(max_length=80, required=False, default="")
    team = serializers.SlugField(max_length=80, required=False, default="")
    tier = serializers.ChoiceField(choices=RiskTier.choices, required=False, default="")


class SampleEntryShape(serializers.ModelSerializer[SampleEntry]):
    name = serializers.CharField(source="printed_name")

    class Meta:
        model = SampleEntry
        fields = ["at", "name", "conclusion", "text", "shared", "finding"]


class NewSampleEntryShape(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=4000)
    conclusion = serializers.ChoiceField(
        choices=Conclusion.choices, required=False, default="", help_text="Left out: a note"
    )
    shared = serializers.BooleanField(
        required=False, default=False, help_text="The model's team reads it too"
    )


class NewExceptionShape(serializers.Serializer[Any]):
    severity = serializers.ChoiceField(choices=FindingSeverity.choices)
    text = serializers.CharField(max_length=4000)
    due_on = serializers.DateField(required=False, default=None)


class WalkthroughShape(serializers.Serializer[Any]):
    # A field of this name hides DRF's own label, which is not used here.
    label = serializers.CharField()  # type: ignore[assignment]
    facts = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    evidence = serializers.ListField(child=serializers.DictField())
    gates = serializers.ListField(child=serializers.DictField())
    signatures = serializers.ListField(child=serializers.DictField())
    execution = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    clearances = serializers.ListField(child=serializers.DictField())
    story = serializers.ListField(child=serializers.DictField())
    events = serializers.ListField(child=serializers.DictField())
    links = serializers.ListField(child=serializers.DictField())
    not_found = serializers.ListField(child=serializers.CharField())


class SampleItemShape(serializers.Serializer[Any]):
    sample = serializers.IntegerField()
    position = serializers.IntegerField()
    of = serializers.IntegerField()
    key = serializers.CharField()
    model = serializers.CharField()
    conclusion = serializers.CharField()
    walkthrough = WalkthroughShape()
    entries = SampleEntryShape(many=True)


@extend_schema_view(
    get=extend_schema(operation_id="samples_list", responses=answers(200, SampleShape(many=True)))
)
class SampleListView(ListAPIView[Sample]):
    """Samples, newest first, for auditors; POST draws one."""

    audits = True

    serializer_class = SampleShape
    queryset = Sample.objects.none()

    def get_queryset(self) -> SampleQuerySet:
        return Sample.objects.visible_to(self.request.user).defer("numbers")

    @extend_schema(
        operation_id="samples_draw",
        request=NewSampleShape,
        responses=answers(201, WholeSampleShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        shape = NewSampleShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        filters = {name: said.pop(name) for name in ("model", "team", "tier")}
        with refusals_as_problems():
            draw = work.Draw(**said, filters=filters)
            row = work.draw_sample(actor=person_of(request), draw=draw)
        return Response(_whole(row), status=201, headers={"Location": f"/api/v1/samples/{row.pk}"})


class SampleView(APIView):
    @extend_schema(operation_id="samples_read", responses=answers(200, WholeSampleShape))
    def get(self, request: Request, sample: int) -> Response:
        """One sample with its whole population, so that it can be drawn again."""
        rows = Sample.objects.visible_to(person_of(request))
        return Response(_whole(get_object_or_404(rows, pk=sample)))


class SampleItemView(APIView):
    @extend_schema(operation_id="samples_item", responses=answers(200, SampleItemShape))
    def get(self, request: Request, sample: int, position: int) -> Response:
        """One item: its walkthrough, and what you may read of the notes."""
        return _item(item_page(person_of(request), sample, position))


class SampleEntryView(APIView):
    audits = True

    @extend_schema(
        operation_id="samples_write",
        request=NewSampleEntryShape,
        responses=answers(201, SampleItemShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, sample: int, position: int) -> Response:
        """A note, or a conclusion; kept as written."""
        item = _visible(request, sample, position)
        shape = NewSampleEntryShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        service = work.conclude_item if said["conclusion"] else work.note_item
        if not said["conclusion"]:
            said.pop("conclusion")
        with refusals_as_problems():
            service(actor=person_of(request), item_id=item.pk, **said)
        return _item(item_page(person_of(request), sample, position), 201)


class SampleExceptionView(APIView):
    audits = True

    @extend_schema(
        operation_id="samples_exception",
        request=NewExceptionShape,
        responses=answers(201, SampleItemShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, sample: int, position: int) -> Response:
        """An exception: concluded, and raised as a finding that the model's owner owns."""
        item = _visible(request, sample, position)
        shape = NewExceptionShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            work.raise_exception(actor=person_of(request), item_id=item.pk, **shape.validated_data)
        return _item(item_page(person_of(request), sample, position), 201)


def _visible(request: Request, sample: int, position: int) -> Item:
    rows = Item.objects.visible_to(person_of(request))
    return get_object_or_404(rows, sample=sample, position=position)


def _whole(row: Sample) -> dict[str, Any]:
    return sample_json(row, list(row.items.select_related("model").order_by("position")))


def _item(page: ItemPage, status: int = 200) -> Response:
    item = page.item
    content = {
        "sample": item.sample_id,
        "position": item.position,
        "of": page.of,
        "key": item.key,
        "model": item.model.slug,
        "conclusion": page.conclusion,
        "walkthrough": asdict(page.walk),
        "entries": SampleEntryShape(page.entries, many=True).data,
    }
    return Response(content, status=status)
