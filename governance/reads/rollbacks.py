"""To which versions a model can be rolled back, and why not to others; roll-backs as reports."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Q, QuerySet

from governance.models import Clearance, Finding, RollBack
from governance.reads.considered import considered_by_people
from governance.reads.evidence import champion_of
from governance.states import ClearanceState
from governance.watch_rules import WatchState
from monitoring.models import Incident, Severity
from monitoring.states import IncidentState
from registry.models import Deployment, Deviation, Model, Version
from registry.states import DeploymentRole, DeviationKind, Stage

MOST = 30
STAGE_SAYS = {
    Stage.CANDIDATE: "It is a candidate: it needs an approval of its own before it serves.",
    Stage.RETIRED: "It is retired. A retired version is not deployed again; once it is archived, "
    "its archive can be restored as a candidate.",
    Stage.ARCHIVED: "It is archived. Ask to restore its archive: it comes back as a candidate "
    "that needs an approval anew.",
    Stage.PURGED: "It is purged: its bytes are gone.",
}
LOST = (DeviationKind.BYTES, DeviationKind.VERSION_GONE, DeviationKind.MADE_ANEW)


@dataclass(frozen=True)
class Target:
    """An earlier version, and what keeps it from serving again; nothing: it is eligible."""

    version_id: int
    number: int
    stage: str
    summary: str
    last_served: datetime | None
    obstacles: tuple[str, ...]

    @property
    def eligible(self) -> bool:
        return not self.obstacles


def targets(model: Model, environment: str) -> list[Target]:
    """Every version that was champion or was approved, the last champion first. Seven queries."""
    champion = champion_of(model.pk, environment)
    rows = _rows(model, environment, champion)
    ids = [row.pk for row in rows]
    against = _against(model, environment, ids)
    return [
        Target(
            row.pk,
            row.number,
            row.stage,
            row.summary,
            row.last_served,
            (*_own(row), *against.get(row.pk, ())),
        )
        for row in rows
    ]


def target_of(version: Version, environment: str) -> Target | None:
    """One version as a target; None where it never had a standing there."""
    found = targets(version.model, environment)
    return next((one for one in found if one.version_id == version.pk), None)


def _rows(model: Model, environment: str, champion: Version | None) -> list[Any]:
    served = Max(
        "deployments__started_at",
        filter=Q(
            deployments__environment=environment, deployments__role=DeploymentRole.CHAMPION.value
        ),
    )
    rows = Version.objects.filter(model=model).annotate(last_served=served)
    known = rows.exclude(pk=champion.pk if champion else 0).exclude(
        stage=Stage.CANDIDATE, last_served__isnull=True
    )
    found = list(known.order_by("-number")[:MOST])
    return sorted(
        found,
        key=lambda row: (
            (row.last_served is None, -row.last_served.timestamp())
            if row.last_served
            else (True, -row.number)
        ),
    )


def _own(row: Any) -> list[str]:
    found = []
    if row.stage in STAGE_SAYS:
        found.append(STAGE_SAYS[Stage(row.stage)])
    if row.last_served is None:
        found.append("It was never champion here: promote it instead.")
    if not row.artifact_digest:
        found.append("Its files are not hashed, so nobody could tell whether they are the same.")
    return found


def _against(model: Model, environment: str, ids: Collection[int]) -> dict[int, list[str]]:
    """What speaks against each: lost bytes, grave findings, incidents, a suspended clearance."""
    found: dict[int, list[str]] = {pk: [] for pk in ids}
    lost = Deviation.objects.filter(version__in=ids, kind__in=LOST, gone_at__isnull=True)
    for one in lost.order_by("pk"):
        found[one.version_id or 0].append(one.message)
    for finding in _findings(model, ids):
        for pk in [finding.version_id] if finding.version_id else ids:
            found[pk].append(f"A critical finding is open: {finding.title}")
    critical = Incident.objects.filter(version__in=ids, severity=Severity.CRITICAL)
    decided = considered_by_people(ids)
    for incident in critical.exclude(state=IncidentState.RESOLVED).order_by("pk"):
        if incident.pk in decided[incident.version_id, environment]:
            continue
        found[incident.version_id].append(f"A critical incident is not resolved: {incident.title}")
    for standing in _last_clearances(environment, ids):
        if standing.state == ClearanceState.SUSPENDED:
            why = " ".join(standing.reasons)
            said = f"Its clearance was suspended when it served last. {why}".strip()
            found[standing.version_id].append(said)
    return found


def _findings(model: Model, ids: Collection[int]) -> QuerySet[Finding]:
    """Of the versions; those about the whole model keep nobody from going back."""
    rows = Finding.objects.filter(model=model, version__in=ids, severity="critical")
    return rows.unclosed().unwaived().order_by("pk")


def _last_clearances(environment: str, ids: Collection[int]) -> list[Clearance]:
    rows = Clearance.objects.filter(environment=environment, version__in=ids)
    return list(rows.order_by("version_id", "-since", "-pk").distinct("version_id"))


@dataclass(frozen=True)
class Duration:
    """From one moment to another of a roll-back; None while it is not over."""

    words: str
    seconds: float | None


def durations(row: RollBack) -> list[Duration]:
    """How long each step took, as far as it is known."""
    moments = [
        ("From what was noticed to the execution", row.breached_at, row.executed_at),
        ("From the request to its approval", row.asked_at, row.approved_at),
        ("From the approval to the execution", row.approved_at, row.executed_at),
        ("From the execution until MLflow confirmed", row.executed_at, row.alias_moved_at),
        (
            "From what was noticed until MLflow confirmed",
            row.breached_at,
            row.alias_moved_at,
        ),
    ]
    return [
        Duration(words, (to - start).total_seconds() if to else None)
        for words, start, to in moments
        if start is not None
    ]


def remains(row: RollBack) -> list[str]:
    """What is left to do after a roll-back, as things are now. Five queries."""
    found = []
    if row.model.mlflow_name and row.alias_moved_at is None:
        away = f" MLflow says: {row.model.mlflow_error}" if row.model.mlflow_error else ""
        found.append(f"MLflow has not confirmed the alias yet; it is tried again by itself.{away}")
    if row.bytes_state == "unread":
        found.append(
            "The files were not read when it took over: they are read as soon as MLflow "
            "answers, and a difference becomes a finding."
        )
    if row.left is not None:
        found += _about(row.left)
    if not row.model.monitors.filter(enabled=True).exists():
        found.append("No monitor watches the model.")
    return found or ["Nothing that Ombud knows of."]


def _about(left: Version) -> list[str]:
    found = []
    open_incidents = Incident.objects.filter(version=left).exclude(state=IncidentState.RESOLVED)
    if n := open_incidents.count():
        are = "incident of version" if n == 1 else "incidents of version"
        found.append(f"Resolve {n} {are} {left.number} with the root cause.")
    if n := Finding.objects.filter(version=left).unclosed().count():
        found.append(f"Close {n} open finding{'' if n == 1 else 's'} of version {left.number}.")
    if Deployment.objects.filter(version=left, ended_at__isnull=True).exists():
        found.append(f"Version {left.number} still serves elsewhere or in another role.")
    elif left.stage == Stage.APPROVED:
        found.append(f"Decide what becomes of version {left.number}: mend it or retire it.")
    return found


WATCH_WORDS = {
    WatchState.WATCHING: "is being watched",
    WatchState.QUIET: "ended quietly",
    WatchState.BROKEN: "a guard-rail broke",
    WatchState.CUT_SHORT: "ended early: another version took over",
}
