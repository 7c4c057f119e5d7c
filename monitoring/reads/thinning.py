"""Expressions that thin long series out in the database: columns of time, the gravest of each."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Case, DateTimeField, DurationField, F, FloatField, Func, Value, When
from django.db.models.functions import Cast

from monitoring.stats.verdict import Verdict

TICK = timedelta(microseconds=1)
GRAVITY = {Verdict.OK: 1, Verdict.INSUFFICIENT_DATA: 0, Verdict.WARNING: 2}
BREACH = 3


def number(value: int) -> Cast:
    """A constant that PostgreSQL needs not convert row by row."""
    return Cast(Value(value), FloatField())


def interval(width: timedelta) -> Value:
    return Value(width, output_field=DurationField())


def date_bin(width: Any, *, until: datetime) -> Func:
    """The start of the column of time that a window ends in; the last column ends at `until`."""
    return Func(
        interval(width) if isinstance(width, timedelta) else width,
        F("window_end") - Value(TICK),
        Value(until, output_field=DateTimeField()),
        function="date_bin",
        output_field=DateTimeField(),
    )


def gravest_of(*places: Any) -> Func:
    """What rows are ranked by with MAX: the verdict, then `places`; the last tells which it is."""
    known = [When(verdict=verdict, then=number(rank)) for verdict, rank in GRAVITY.items()]
    ranked = [Cast(place, FloatField()) if isinstance(place, str) else place for place in places]
    return Func(
        Case(*known, default=number(BREACH)),
        *ranked,
        template="ARRAY[%(expressions)s]",
        output_field=ArrayField(FloatField()),
    )
