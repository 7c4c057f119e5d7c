"""What the dashboards' addresses take and give."""

from typing import Any

from rest_framework import serializers

from monitoring.models import VERDICTS, MonitorKind
from monitoring.reads.dashboards.lines import MOST_COLUMNS
from monitoring.stats.verdict import Direction
from registry.api.serializers import Strict

FIRST_YEAR, LAST_YEAR = 1970, 2999
Fields = dict[str, serializers.Field[Any, Any, Any, Any]]


class Moment(serializers.DateTimeField):
    """A time that periods can be counted from."""

    def to_internal_value(self, value: Any) -> Any:
        found = super().to_internal_value(value)
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise serializers.ValidationError("Send a time between 1970 and 2999.")
        return found


class DashboardInput(Strict):
    """Which version, which period and which series; left out: what serves, and a year."""

    version = serializers.IntegerField(min_value=0, required=False, help_text="Number of it")
    field = serializers.CharField(max_length=120, required=False)
    segment = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="field=value; empty: all rows"
    )
    columns = serializers.IntegerField(
        min_value=1,
        max_value=MOST_COLUMNS,
        required=False,
        help_text="Longer series are thinned out: of each column the gravest window is kept",
    )

    def get_fields(self) -> Fields:
        """`from` is a word of Python, so it is added by hand."""
        after = Moment(required=False, help_text="Windows that end after it")
        by = Moment(required=False, help_text="Windows that end by it; left out: the newest")
        return super().get_fields() | {"from": after, "to": by}


class FrameOutput(serializers.Serializer[Any]):
    model = serializers.CharField()
    version = serializers.IntegerField()
    to = serializers.DateTimeField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True, help_text="End of the newest window")
    mature_through = serializers.DateTimeField(
        allow_null=True, help_text="End of the newest window whose outcomes were all due"
    )
    hours_per_column = serializers.IntegerField()
    thinned = serializers.BooleanField(help_text="Columns hold several windows: the gravest shows")
    cut = serializers.BooleanField(help_text="There are more points than are answered at once")

    def get_fields(self) -> Fields:
        return super().get_fields() | {"from": serializers.DateTimeField(allow_null=True)}


class PointOutput(serializers.Serializer[Any]):
    measurement = serializers.IntegerField()
    run = serializers.IntegerField()
    window_start = serializers.DateTimeField()
    window_end = serializers.DateTimeField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    reference_value = serializers.FloatField(allow_null=True)
    compared_with = serializers.CharField(help_text="What the window was held against, in words")
    n = serializers.IntegerField()
    coverage = serializers.FloatField(
        allow_null=True, help_text="Share of rows with an outcome, of what is measured on outcomes"
    )
    mature = serializers.BooleanField(help_text="All its outcomes were due when it was measured")
    verdict = serializers.ChoiceField(VERDICTS)
    reason = serializers.CharField(help_text="Why there is no value, or what it must not be used")


class LineOutput(serializers.Serializer[Any]):
    monitor = serializers.IntegerField()
    monitor_name = serializers.CharField()
    kind = serializers.ChoiceField(MonitorKind.choices)
    metric = serializers.CharField()
    words = serializers.CharField(help_text="The metric in words")
    unit = serializers.CharField(
        help_text="share; answer: the unit of the prediction; sd: of the reference; or as printed"
    )
    field = serializers.CharField(help_text="A group is written field = value")
    segment = serializers.CharField()
    judged = serializers.BooleanField(help_text="Held against thresholds, or measured beside it")
    warning = serializers.FloatField(allow_null=True, help_text="Effect, not a level")
    breach = serializers.FloatField(allow_null=True)
    worse = serializers.ChoiceField([one.value for one in Direction])
    points = PointOutput(many=True)


class NumberOutput(serializers.Serializer[Any]):
    metric = serializers.CharField()
    field = serializers.CharField()
    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    all_rows = serializers.FloatField(allow_null=True, help_text="The same number of all rows")
    all_rows_low = serializers.FloatField(allow_null=True)
    all_rows_high = serializers.FloatField(allow_null=True)
    all_rows_n = serializers.IntegerField(allow_null=True)


class InSegmentOutput(serializers.Serializer[Any]):
    """A segment beside all rows, counted in the newest week or two; nothing judges it."""

    segment = serializers.CharField()
    to = serializers.DateTimeField()
    rows = serializers.IntegerField()
    all_rows = serializers.IntegerField()
    labelled = serializers.IntegerField()
    numbers = NumberOutput(many=True)

    def get_fields(self) -> Fields:
        return super().get_fields() | {"from": serializers.DateTimeField()}


class SeriesOutput(FrameOutput):
    series = LineOutput(many=True)
    in_segment = InSegmentOutput(allow_null=True, help_text="Null unless a segment is asked for")


class RowOutput(serializers.Serializer[Any]):
    field = serializers.CharField()
    component = serializers.CharField(help_text="The stage of the pipeline it belongs to, or empty")
    metric = serializers.CharField()
    segment = serializers.CharField()
    breach = serializers.FloatField(allow_null=True)
    values = serializers.ListField(child=serializers.FloatField(allow_null=True))
    heat = serializers.ListField(
        child=serializers.FloatField(allow_null=True),
        help_text="Distance from the reference as a part of the breach: 1 is one",
    )
    verdicts = serializers.ListField(child=serializers.CharField(allow_null=True))
    runs = serializers.ListField(child=serializers.IntegerField(allow_null=True))


class MapOutput(serializers.Serializer[Any]):
    monitor = serializers.IntegerField()
    monitor_name = serializers.CharField()
    kind = serializers.ChoiceField(MonitorKind.choices)
    columns = serializers.ListField(
        child=serializers.DateTimeField(), help_text="End of the last window of each column"
    )
    rows = RowOutput(many=True)


class HeatOutput(FrameOutput):
    maps = MapOutput(many=True)
    in_segment = InSegmentOutput(allow_null=True, help_text="Null unless a segment is asked for")


class BinOutput(serializers.Serializer[Any]):
    predicted = serializers.FloatField(help_text="Mean score")
    observed = serializers.FloatField(help_text="Share that came true")
    low = serializers.FloatField()
    high = serializers.FloatField()
    n = serializers.IntegerField()


class CurveOutput(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    labels = serializers.ListField(child=serializers.CharField())
    n = serializers.IntegerField()
    bins = BinOutput(many=True)
    reference = BinOutput(many=True)

    def get_fields(self) -> Fields:
        """`label` is a word that serializers keep for themselves."""
        of_class = serializers.CharField(help_text="The class that is scored, of several")
        return super().get_fields() | {"label": of_class}


class CalibrationOutput(SeriesOutput):
    curve = CurveOutput(allow_null=True)


class BarOutput(serializers.Serializer[Any]):
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    reference = serializers.FloatField(help_text="Share of the reference's rows")
    current = serializers.FloatField(help_text="Share of the window's rows")

    def get_fields(self) -> Fields:
        return super().get_fields() | {"label": serializers.CharField()}


class DistributionOutput(serializers.Serializer[Any]):
    model = serializers.CharField()
    version = serializers.IntegerField()
    segment = serializers.CharField(help_text="Empty: all rows")
    field = serializers.CharField()
    kind = serializers.CharField(help_text="numeric or categorical")
    n = serializers.IntegerField()
    reference_n = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    reference_mean = serializers.FloatField(allow_null=True)
    bars = BarOutput(many=True)

    def get_fields(self) -> Fields:
        moments = {name: serializers.DateTimeField() for name in ("from", "to")}
        return super().get_fields() | moments
