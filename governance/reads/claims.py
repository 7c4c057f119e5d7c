"""The claims of a model that are in force, each with its state and the newest measurement."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from governance.claim_states import Seen, Worse
from governance.models import CardRevision, Claim, ClaimCheck
from monitoring.metrics import metric_of
from monitoring.models import Measurement
from registry.models import Version
from registry.states import Stage

ENDED = (Stage.RETIRED, Stage.ARCHIVED, Stage.PURGED)
Key = tuple[int, int, str, str]


@dataclass(frozen=True)
class Bound:
    """A claim, the measurement that speaks about it today, and the state it was in."""

    claim: Claim
    version: Version
    seen: Seen | None
    measurement_id: int | None
    before: str
    worse: Worse


def bound_claims(model_id: int) -> list[Bound]:
    """Claims of the newest revisions that a measurement backs. Four queries."""
    newest = CardRevision.objects.filter(card=OuterRef("revision__card")).order_by("-number")
    rows = list(
        Claim.objects.filter(
            revision__card__version__model=model_id,
            measurement_id__isnull=False,
            revision=Subquery(newest.values("pk")[:1]),
        )
        .exclude(revision__card__version__stage__in=ENDED)
        .select_related("revision__card__version__model")
        .order_by("pk")
    )
    measurements = Measurement.objects.select_related("monitor")
    origins = measurements.in_bulk([row.measurement_id for row in rows])
    fresh = _fresh({row.revision.card.version_id for row in rows})
    before = states_of(row.pk for row in rows)
    return [_bound(row, origins.get(row.measurement_id or 0), fresh, before) for row in rows]


def states_of(claim_ids: Iterable[int]) -> dict[int, ClaimCheck]:
    """The newest check of each claim. One query."""
    rows = ClaimCheck.objects.filter(claim__in=list(claim_ids)).order_by("claim_id", "-pk")
    return {row.claim_id: row for row in rows.distinct("claim_id")}


def _fresh(version_ids: Collection[int]) -> dict[Key, Measurement]:
    """The last sound measurement of everything that these versions are watched for."""
    names = ("version_id", "monitor_id", "metric", "field")
    rows = (
        Measurement.objects.filter(
            version__in=version_ids, latest=True, segment="", value__isnull=False
        )
        .exclude(verdict="insufficient_data")
        .order_by(*names, "-window_end")
        .distinct(*names)
    )
    return {_key(row): row for row in rows}


def _key(row: Measurement) -> Key:
    return row.version_id, row.monitor_id, row.metric, row.field


def _bound(
    claim: Claim,
    origin: Measurement | None,
    fresh: dict[Key, Measurement],
    before: dict[int, ClaimCheck],
) -> Bound:
    row = fresh.get(_key(origin)) if origin else None
    seen = None
    if row is not None and row.value is not None:
        seen = Seen(row.value, row.low, row.high, row.window_end)
    last = before.get(claim.pk)
    return Bound(
        claim=claim,
        version=claim.revision.card.version,
        seen=seen,
        measurement_id=row.pk if row else None,
        before=last.state if last else "",
        worse=_worse(origin),
    )


def _worse(origin: Measurement | None) -> Worse:
    """As the table of metrics says; of what it does not know, a change both ways is bad."""
    found = metric_of(origin.monitor.kind, origin.metric) if origin else None
    return Worse(found.worse.value) if found else Worse.BOTH
