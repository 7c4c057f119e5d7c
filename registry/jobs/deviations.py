"""What is not as approved, as rows: one while it lasts, with an event when it comes and goes."""

from collections.abc import Collection, Iterable

from django.db.models.functions import Now

from audit.record import SYSTEM, record
from registry.events import RegistryEvent
from registry.mlflow_sync import Observed
from registry.models import Deviation, Model, Version
from registry.states import DeviationKind

SEEN_BY_A_LOOK = frozenset(
    {
        DeviationKind.ALIAS,
        DeviationKind.TAG,
        DeviationKind.VERSION_GONE,
        DeviationKind.MODEL_GONE,
        DeviationKind.MADE_ANEW,
    }
)


def keep(
    model: Model,
    found: Iterable[Observed],
    kinds: Collection[DeviationKind] = SEEN_BY_A_LOOK,
    what: str = "",
) -> list[Observed]:
    """Make the lasting deviations of these kinds (of one thing) those that were found.

    The caller holds the model. What is new is recorded once, and returned; what is no longer found
    is as approved again.
    """
    rows = model.deviations.lasting().filter(kind__in=kinds)
    lasting = {_key(row): row for row in (rows.filter(what=what) if what else rows)}
    now = {one.key: one for one in found}
    for key, row in lasting.items():
        if key not in now:
            end(row)
    fresh = [one for key, one in now.items() if key not in lasting]
    versions = _versions(model, fresh)
    for one in fresh:
        _begin(model, one, versions.get(one.version))
    return fresh


def _key(row: Deviation) -> tuple[str, str, str, str]:
    return (row.kind, row.what, row.expected, row.found)


def _versions(model: Model, found: Iterable[Observed]) -> dict[int, Version]:
    numbers = {one.version for one in found if one.version}
    rows = Version.objects.filter(model=model, mlflow_version__in=numbers)
    return {row.mlflow_version or 0: row for row in rows}


def _begin(model: Model, one: Observed, version: Version | None) -> None:
    row = Deviation.objects.create(
        model=model,
        version=version,
        kind=one.kind,
        what=one.what[:300],
        expected=one.expected[:300],
        found=one.found[:300],
        message=one.message[:500],
        environment=one.environment,
    )
    record(
        SYSTEM,
        RegistryEvent.MLFLOW_DRIFTED,
        model,
        message=row.message,
        kind=row.kind,
        what=row.what,
        expected=row.expected,
        found=row.found,
    )


def end(row: Deviation) -> None:
    Deviation.objects.filter(pk=row.pk, gone_at__isnull=True).update(gone_at=Now())
    record(SYSTEM, RegistryEvent.MLFLOW_AGREED, row.model, message=row.message)
