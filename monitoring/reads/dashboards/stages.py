"""The stages of a staged pipeline: how often each failed, and which of its fields drift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from monitoring.models import Measurement, Monitor, Run
from monitoring.reads.dashboards.boards import DATA
from monitoring.reads.dashboards.lines import JUDGED
from monitoring.stats.verdict import Verdict, worst

FAILED = "component_errors"
# A window without rows, or without outcomes where these are counted, says nothing of a stage.
TELLING = Q(rows__gt=0) & (~Q(monitor__metric=FAILED) | Q(labelled__gt=0))
GRAVE = (Verdict.BREACH, Verdict.WARNING)


@dataclass(frozen=True)
class Failures:
    """How often a stage failed in the newest window, of the outcomes that say so."""

    run_id: int
    monitor_id: int
    window_start: datetime
    window_end: datetime
    share: float | None
    low: float | None
    high: float | None
    usual: float | None
    n: int
    verdict: Verdict


@dataclass(frozen=True)
class Stage:
    """One stage; `verdict` is the gravest of what was said of its fields in the newest windows."""

    name: str
    fields: tuple[str, ...]
    failures: Failures | None
    grave: tuple[str, ...]
    verdict: Verdict | None


def stages_of(version_id: int, components: Sequence[str], schema: Any) -> tuple[Stage, ...]:
    """The stages in the declared order. Two queries; none where no stages are declared."""
    if not components:
        return ()
    runs = Run.objects.filter(TELLING, monitor=OuterRef("pk"), version_id=version_id, latest=True)
    watching = Monitor.objects.filter(Q(kind__in=DATA) | Q(metric=FAILED), enabled=True).filter(
        model__versions=version_id
    )
    newest = watching.annotate(run=Subquery(runs.order_by("-window_end").values("pk")[:1]))
    ids = [run for run in newest.order_by().values_list("run", flat=True) if run is not None]
    rows = Measurement.objects.filter(JUDGED, run__in=ids, segment="").select_related("run")
    found = list(rows.order_by("window_end", "pk"))
    failures = {one.field: _failures(one) for one in found if one.metric == FAILED}
    of_fields = [one for one in found if one.metric != FAILED]
    by_stage = fields_by_stage(components, schema)
    return tuple(_stage(name, by_stage[name], failures.get(name), of_fields) for name in components)


def fields_by_stage(components: Sequence[str], schema: Any) -> Mapping[str, tuple[str, ...]]:
    """The fields that name each stage as theirs."""
    fields = schema.fields if schema else []
    return {
        name: tuple(field["name"] for field in fields if field.get("component") == name)
        for name in components
    }


def _failures(row: Measurement) -> Failures:
    return Failures(
        row.run_id,
        row.monitor_id,
        row.run.window_start,
        row.window_end,
        row.value,
        row.low,
        row.high,
        row.reference_value,
        row.n,
        Verdict(row.verdict),
    )


def _stage(
    name: str, fields: tuple[str, ...], failures: Failures | None, rows: Sequence[Measurement]
) -> Stage:
    own = [row for row in rows if row.field in fields]
    grave = dict.fromkeys(row.field for row in own if row.verdict in GRAVE)
    verdicts = [Verdict(row.verdict) for row in own]
    return Stage(name, fields, failures, tuple(grave), worst(verdicts) if verdicts else None)
