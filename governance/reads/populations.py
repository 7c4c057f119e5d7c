"""What a sample can be drawn from: the numbers of everything in a period that fits the filters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from governance.models import ChangeRequest, Population, SignOff, Waiver
from governance.states import RequestKind
from monitoring.models import Incident

MOST = 20_000


@dataclass(frozen=True)
class Source:
    """Where a population's rows are; paths lead from a row to its model and version."""

    kind: str
    rows: Callable[[], QuerySet[Any]]
    at: str
    path: str = ""

    def model(self, row: Any) -> Any:
        return (row.request if self.path else row).model

    def version(self, row: Any) -> Any:
        if isinstance(row, Waiver):
            return row.finding.version if row.finding else None
        return (row.request if self.path else row).version


def _carried_out(*kinds: str) -> Callable[[], QuerySet[Any]]:
    def rows() -> QuerySet[Any]:
        found = ChangeRequest.objects.filter(executed_at__isnull=False)
        return found.filter(kind__in=kinds) if kinds else found

    return rows


SOURCES: Mapping[str, Source] = {
    Population.CHANGES: Source("change_request", _carried_out(), "executed_at"),
    Population.PROMOTIONS: Source(
        "change_request", _carried_out(RequestKind.PROMOTE, RequestKind.ROLL_BACK), "executed_at"
    ),
    Population.RETIREMENTS: Source(
        "change_request", _carried_out(RequestKind.RETIRE), "executed_at"
    ),
    Population.INCIDENTS: Source("incident", Incident.objects.all, "opened_at"),
    Population.WAIVERS: Source("waiver", Waiver.objects.all, "asked_at"),
    Population.SIGNOFFS: Source("signoff", SignOff.objects.all, "signed_at", "request__"),
}
RELATED = {
    "change_request": ("model__team", "version__model", "requested_by", "policy"),
    "incident": ("model__team", "version__model", "owner"),
    "waiver": ("model__team", "finding__version__model", "framework", "asked_by"),
    "signoff": (
        "request__model__team",
        "request__version__model",
        "request__requested_by",
        "request__policy",
    ),
}


def numbers_of(
    population: str, *, since: datetime, until: datetime, filters: Mapping[str, str]
) -> list[int]:
    """The numbers in the period, ascending; one more than `MOST` tells that there are too many."""
    source = SOURCES[population]
    rows = source.rows().filter(**{f"{source.at}__gte": since, f"{source.at}__lt": until})
    paths = {"team": "model__team__slug", "model": "model__slug", "tier": "model__risk_tier"}
    for name, path in paths.items():
        if filters.get(name):
            rows = rows.filter(**{f"{source.path}{path}": filters[name]})
    return list(rows.order_by("pk").values_list("pk", flat=True)[: MOST + 1])


def rows_of(kind: str, numbers: list[int]) -> dict[int, Any]:
    """The rows of items of one kind, with their model; one query."""
    tables: dict[str, Any] = {
        "change_request": ChangeRequest,
        "incident": Incident,
        "waiver": Waiver,
        "signoff": SignOff,
    }
    found = tables[kind].objects.filter(pk__in=numbers).select_related(*RELATED[kind])
    return {row.pk: row for row in found}


def label_of(kind: str, row: Any) -> str:
    """What people call the item."""
    if kind == "signoff":
        return f"{row.signed_as}: {row.decision}, {row.request}"[:200]
    numbered = {"incident": f"I-{row.pk} ", "waiver": f"W-{row.pk} "}
    return f"{numbered.get(kind, '')}{row}"[:200]
