"""What is there as evidence about models: gathered for the rules, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from governance.control_rules import Evidence, Happened, Scope
from governance.models import (
    AttachedEvidence,
    Attestation,
    CardRevision,
    ChangeRequest,
    ModelScope,
    RiskAssessment,
)
from governance.states import RequestState
from monitoring.models import Monitor, Run
from registry.models import Archive, Deployment, Model, Restore, Version
from registry.states import ArchiveState, DeploymentRole

# The worst of several monitors of a kind counts; one without data counts only when all lack it.
ORDER = ("insufficient_data", "ok", "warning", "breach")


def scopes_of(models: Sequence[Model]) -> dict[int, Scope]:
    """Tier, places and purposes of these models. One query."""
    rows = {row.model_id: row for row in ModelScope.objects.filter(model__in=models)}
    return {model.pk: _scope(model, rows.get(model.pk)) for model in models}


def evidence_of(models: Sequence[Model]) -> dict[int, Evidence]:
    """What is there about each of these models. Eleven queries for any number."""
    ids = [model.pk for model in models]
    now = timezone.now()
    versions = _versions(ids)
    sections = _sections(version.pk for version in versions.values())
    monitors, runs = _monitors(ids), _runs(version.pk for version in versions.values())
    documents, approvals = _documents(ids), _approvals(ids)
    verified, drilled = _verified(ids), _drilled(ids)
    risks, attested = _risks(ids), _attestations(ids)
    return {
        pk: Evidence(
            now=now,
            version=versions[pk].number if pk in versions else None,
            sections=sections.get(versions[pk].pk if pk in versions else 0, frozenset()),
            monitors=monitors[pk],
            runs=runs[pk],
            verified=verified.get(pk),
            drilled=drilled.get(pk),
            approvals=approvals[pk],
            documents=documents[pk],
            risk=risks.get(pk),
            attestation=attested.get(pk),
        )
        for pk in ids
    }


def _scope(model: Model, row: ModelScope | None) -> Scope:
    places = frozenset(row.jurisdictions) if row else frozenset()
    purposes = frozenset(row.purposes) if row else frozenset()
    return Scope(model.risk_tier, places, purposes)


def _versions(ids: list[int]) -> dict[int, Version]:
    """The version that evidence is about: the champion in production, else the newest."""
    newest = (
        Version.objects.filter(model__in=ids).order_by("model_id", "-number").distinct("model_id")
    )
    champions = Deployment.objects.filter(
        model__in=ids,
        environment="production",
        role=DeploymentRole.CHAMPION,
        ended_at__isnull=True,
    ).select_related("version")
    found = {version.model_id: version for version in newest}
    return found | {row.model_id: row.version for row in champions}


def _sections(version_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    revisions = (
        CardRevision.objects.filter(card__version__in=list(version_ids))
        .order_by("card_id", "-number")
        .distinct("card_id")
        .values_list("card__version", "sections")
    )
    return {
        version: frozenset(name for name, text in sections.items() if str(text).strip())
        for version, sections in revisions
    }


def _monitors(ids: list[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Monitor.objects.filter(model__in=ids, enabled=True).values_list("model", "kind")
    for model, kind in rows.order_by("pk"):
        found[model][kind] = found[model].get(kind, 0) + 1
    return found


def _runs(version_ids: Iterable[int]) -> dict[int, dict[str, Happened]]:
    """By model and kind of monitor: the worst of what each monitor said last."""
    rows = (
        Run.objects.filter(version__in=list(version_ids), latest=True, monitor__enabled=True)
        .order_by("monitor_id", "-window_end", "-pk")
        .distinct("monitor_id")
        .select_related("monitor")
    )
    found: dict[int, dict[str, Happened]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: ORDER.index(row.verdict)):
        said = Happened("run", row.pk, row.monitor.name, row.window_end, row.verdict)
        found[row.monitor.model_id][row.monitor.kind] = said
    return found


def _documents(ids: list[int]) -> dict[int, dict[tuple[str, str], Happened]]:
    rows = (
        AttachedEvidence.objects.filter(model__in=ids)
        .exclude(path="")
        .order_by("added_at", "pk")
        .values_list("model", "framework__slug", "identifier", "pk", "title", "added_at")
    )
    found: dict[int, dict[tuple[str, str], Happened]] = defaultdict(dict)
    for model, framework, identifier, pk, title, at in rows:
        found[model][framework, identifier] = Happened("document", pk, title, at)
    return found


def _approvals(ids: list[int]) -> dict[int, dict[str, Happened]]:
    rows = (
        ChangeRequest.objects.filter(model__in=ids, state=RequestState.EXECUTED)
        .order_by("executed_at", "pk")
        .values_list("model", "kind", "pk", "executed_at")
    )
    found: dict[int, dict[str, Happened]] = defaultdict(dict)
    for model, kind, pk, at in rows:
        if at is not None:
            found[model][kind] = Happened("change_request", pk, f"CR-{pk}", at)
    return found


def _verified(ids: list[int]) -> dict[int, Happened]:
    rows = Archive.objects.filter(
        version__model__in=ids, state=ArchiveState.SEALED, verified_at__isnull=False
    )
    listed = rows.order_by("verified_at").values_list(
        "version__model", "pk", "version__number", "verified_at"
    )
    return {
        model: Happened("archive", pk, f"archive of version {number}", _when(at))
        for model, pk, number, at in listed
    }


def _drilled(ids: list[int]) -> dict[int, Happened]:
    rows = Restore.objects.filter(archive__version__model__in=ids, state="restored")
    listed = rows.order_by("finished_at").values_list(
        "archive__version__model", "archive", "archive__version__number", "finished_at"
    )
    return {
        model: Happened("archive", pk, f"restoration of version {number}", _when(at))
        for model, pk, number, at in listed
        if at is not None
    }


def _risks(ids: list[int]) -> dict[int, Happened]:
    rows = RiskAssessment.objects.filter(model__in=ids).order_by("signed_at", "pk")
    return {
        row.model_id: Happened("risk", row.pk, f"questionnaire: {row.tier}", row.signed_at)
        for row in rows
    }


def _attestations(ids: list[int]) -> dict[int, Happened]:
    rows = Attestation.objects.filter(model__in=ids, signed_at__isnull=False).exclude(
        result="unfit"
    )
    return {
        row.model_id: Happened("attestation", row.pk, "attestation", _when(row.signed_at))
        for row in rows.order_by("signed_at", "pk")
    }


def _when(at: Any) -> datetime:
    """A time that the query made sure is there."""
    if not isinstance(at, datetime):
        raise TypeError(f"{at!r} is no time.")
    return at
