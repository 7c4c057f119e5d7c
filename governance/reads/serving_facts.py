"""Every named fact about the versions of a model that serve, each with the rows it was read from.

A fixed number of queries for one model. Times without predictions or measurements are those of
the clock at which they arrived, so a log that is sent later is not an idle model.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max, Q, Sum
from django.utils import timezone

from governance.models import (
    Attestation,
    AttestationResult,
    Condition,
    Finding,
    LifeFact,
    LifeFactKind,
    Waiver,
)
from governance.querysets import GRAVE
from governance.reads.ending_facts import ending_of
from governance.recommendation_facts import BY_NAME, FACTS
from governance.states import ConditionState, FindingState, WaiverState
from monitoring.metrics import words_of
from monitoring.models import (
    Batch,
    Health,
    Incident,
    Investigation,
    Measurement,
    Monitor,
    MonitorKind,
    Profile,
    Run,
)
from monitoring.reads.challengers import Challenged, challenged
from monitoring.states import IncidentState
from registry.models import Deployment, Model, Version
from registry.states import DeploymentRole, Stage

ENDED = (Stage.RETIRED, Stage.ARCHIVED, Stage.PURGED)
DISCRIMINATION = ("roc_auc", "gini", "pr_auc", "ks", "macro_roc_auc", "r2")
WORST = ("breach", "warning", "ok", "insufficient_data")
MOST_LINKS = 4
MOST = 400


@dataclass(frozen=True)
class Known:
    """The facts of one version in one environment, and for each what people read and follow."""

    version: Version
    environment: str
    facts: dict[str, Any]
    said: dict[str, str]
    links: dict[str, list[dict[str, Any]]]


@dataclass
class _Material:
    now: datetime
    health: dict[int, dict[str, Health]] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)
    measured: dict[int, list[Measurement]] = field(default_factory=dict)
    outcomes: dict[int, int] = field(default_factory=dict)
    heard: dict[int, datetime] = field(default_factory=dict)
    incidents: dict[int, list[Incident]] = field(default_factory=dict)
    causes: dict[int, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    waived: set[int] = field(default_factory=set)
    lapsed: dict[tuple[int, str], list[Condition]] = field(default_factory=dict)
    attestation: tuple[str, Attestation | None] = ("none", None)
    endings: list[LifeFact] = field(default_factory=list)
    challenged: dict[int, Challenged] = field(default_factory=dict)
    compared: set[int] = field(default_factory=set)
    champions: dict[str, int] = field(default_factory=dict)


def known_of(model: Model) -> list[Known]:
    """The facts of every version of the model that serves, by environment. Sixteen queries."""
    serving = list(
        Deployment.objects.filter(model=model, ended_at__isnull=True)
        .select_related("version")
        .order_by("environment", "started_at", "pk")
    )
    if not serving:
        return []
    material = _material(model, serving)
    places = {(one.version_id, one.environment): one for one in serving}
    return [_known(one, material) for one in places.values()]


def _material(model: Model, serving: list[Deployment]) -> _Material:
    ids = {one.version_id for one in serving}
    incidents = _incidents(ids)
    findings = _findings(model, ids)
    champions = [one for one in serving if one.role == DeploymentRole.CHAMPION]
    against = challenged({one.version_id for one in champions}, ENDED)
    return _Material(
        now=timezone.now(),
        health=_health(ids),
        watched=set(
            Monitor.objects.filter(model=model, enabled=True).values_list("kind", flat=True)
        ),
        measured=_measured(ids),
        outcomes=_sums(ids),
        heard=_heard(ids),
        incidents=incidents,
        causes=_causes(incidents),
        findings=findings,
        waived=_waived(findings),
        lapsed=_lapsed(ids),
        attestation=_attestation(model),
        endings=list(LifeFact.objects.in_force().filter(model=model).select_related("model")),
        challenged=against,
        compared={one.challenger_id for one in against.values()},
        champions={one.environment: one.version.number for one in champions},
    )


def _health(ids: Collection[int]) -> dict[int, dict[str, Health]]:
    found: dict[int, dict[str, Health]] = defaultdict(dict)
    for row in Health.objects.filter(version__in=ids):
        found[row.version_id][row.kind] = row
    return found


def _measured(ids: Collection[int]) -> dict[int, list[Measurement]]:
    """The numbers of the newest run of every enabled monitor, the worst first. Two queries."""
    runs = Run.objects.filter(version__in=ids, latest=True, monitor__enabled=True)
    newest = runs.order_by("version_id", "monitor_id", "-window_end", "-pk")
    keys = [run.pk for run in newest.distinct("version_id", "monitor_id").only("pk")]
    rows = Measurement.objects.filter(run__in=keys, latest=True).select_related("monitor")
    found: dict[int, list[Measurement]] = defaultdict(list)
    for row in rows.order_by("verdict", "pk")[: 10 * MOST]:
        found[row.version_id].append(row)
    return found


def _sums(ids: Collection[int]) -> dict[int, int]:
    rows = Profile.objects.filter(version__in=ids, segment="").values_list("version").order_by()
    return dict(rows.annotate(Sum("labelled")))


def _heard(ids: Collection[int]) -> dict[int, datetime]:
    rows = Batch.objects.filter(version__in=ids).values_list("version").order_by()
    return dict(rows.annotate(Max("received_at")))


def _incidents(ids: Collection[int]) -> dict[int, list[Incident]]:
    rows = Incident.objects.filter(version__in=ids).exclude(state=IncidentState.RESOLVED)
    found: dict[int, list[Incident]] = defaultdict(list)
    for row in rows.order_by("opened_at", "pk")[:MOST]:
        found[row.version_id].append(row)
    return found


def _causes(incidents: Mapping[int, list[Incident]]) -> dict[int, str]:
    """incident -> what the likeliest cause is about."""
    keys = [one.pk for rows in incidents.values() for one in rows]
    rows = Investigation.objects.filter(incident__in=keys).only("incident_id", "causes")
    return {row.incident_id: _likeliest(row.causes) for row in rows}


def _likeliest(causes: list[dict[str, Any]]) -> str:
    kinds = BY_NAME["incident_cause"].choices
    ranked = sorted(causes, key=lambda one: -float(one.get("contribution") or 0))
    return next((str(one["kind"]) for one in ranked if one.get("kind") in kinds), "not_found")


def _findings(model: Model, ids: Collection[int]) -> list[Finding]:
    rows = Finding.objects.filter(model=model).exclude(state=FindingState.CLOSED)
    mine = rows.filter(Q(version__isnull=True) | Q(version__in=ids))
    return list(mine.order_by("due_on", "pk")[:MOST])


def _waived(findings: Iterable[Finding]) -> set[int]:
    rows = Waiver.objects.filter(finding__in=[one.pk for one in findings])
    granted = rows.filter(state=WaiverState.GRANTED, finding__isnull=False)
    return set(granted.values_list("finding_id", flat=True))


def _lapsed(ids: Collection[int]) -> dict[tuple[int, str], list[Condition]]:
    found: dict[tuple[int, str], list[Condition]] = defaultdict(list)
    for row in Condition.objects.filter(version__in=ids, state=ConditionState.LAPSED)[:MOST]:
        found[(row.version_id, row.environment)].append(row)
    return found


def _attestation(model: Model) -> tuple[str, Attestation | None]:
    """What was attested last, unless one is overdue and nothing graver was said. Two queries."""
    rows = Attestation.objects.filter(model=model)
    last = rows.filter(signed_at__isnull=False).order_by("-signed_at", "-pk").first()
    if last is not None and last.result == AttestationResult.UNFIT:
        return "unfit", last
    waiting = rows.filter(signed_at__isnull=True).first()
    if waiting is not None and waiting.due_on < timezone.now().date():
        return "overdue", waiting
    return (str(last.result), last) if last is not None else ("none", None)


def _known(deployment: Deployment, material: _Material) -> Known:
    known = Known(deployment.version, deployment.environment, {}, {}, {})
    _tell_verdicts(known, material)
    _tell_amounts(known, deployment, material)
    _tell_incidents(known, material)
    _tell_findings(known, material)
    for kind in LifeFactKind.values:
        answer, said, links = ending_of(known.version, kind, material.endings, material.now.date())
        _tell(known, kind, answer, said, links)
    _tell_rest(known, deployment, material)
    ordered = {fact.name: known.facts.get(fact.name) for fact in FACTS}
    return Known(known.version, known.environment, ordered, known.said, known.links)


def _tell(known: Known, name: str, value: Any, said: str = "", links: Any = ()) -> None:
    known.facts[name] = value
    known.said[name] = said or _plain(name, value)
    known.links[name] = list(links)[:MOST_LINKS]


def _plain(name: str, value: Any) -> str:
    fact = BY_NAME[name]
    if value is None:
        return f"{fact.title}: not known"
    if fact.unit:
        return f"{fact.title}: {value:,} {fact.unit}"
    return f"{fact.title}: {str(value).replace('_', ' ')}"


def _tell_verdicts(known: Known, material: _Material) -> None:
    health = material.health.get(known.version.pk, {})
    rows = material.measured.get(known.version.pk, [])
    for kind in MonitorKind.values:
        row = health.get(kind)
        nothing = "insufficient_data" if kind in material.watched else "not_watched"
        verdict = row.verdict if row else nothing
        _tell_verdict(known, kind, verdict, [one for one in rows if one.monitor.kind == kind])
    apart = [
        one
        for one in rows
        if one.monitor.kind == "performance" and one.metric in DISCRIMINATION and not one.segment
    ]
    found = {one.verdict for one in apart}
    verdict = next((one for one in WORST if one in found), "not_watched")
    _tell_verdict(known, "discrimination", verdict, apart)


def _tell_verdict(known: Known, name: str, verdict: str, rows: list[Measurement]) -> None:
    """A verdict with the measurements that have it; they are linked by their run."""
    same = [one for one in rows if one.verdict == verdict and one.value is not None]
    links = [_link("run", one.run_id, number_said(one)) for one in same]
    said = f"{BY_NAME[name].title}: {verdict.replace('_', ' ')}"
    if verdict in {"breach", "warning"} and same:
        said += f", {number_said(same[0])}"
        links[0]["label"] = "the run that measured it"
        more = len(same) - 1
        said += f" and {more} more" if more else ""
    _tell(known, name, verdict, said, links)


def number_said(row: Measurement) -> str:
    """A measurement in words: what, how much with its interval, in which window."""
    what = " ".join(part for part in (words_of(row.metric), row.field, row.segment) if part)
    interval = f" ({row.low:.3g} to {row.high:.3g})" if None not in (row.low, row.high) else ""
    return f"{what} {row.value:.3g}{interval}, window to {row.window_end:%Y-%m-%d}"


def _tell_amounts(known: Known, deployment: Deployment, material: _Material) -> None:
    version, now = known.version, material.now
    health = material.health.get(version.pk, {})
    measured = max((row.measured_at for row in health.values()), default=None)
    heard = material.heard.get(version.pk) or deployment.started_at
    _tell(known, "new_outcomes", int(material.outcomes.get(version.pk) or 0))
    _tell(known, "silent_days", _days(heard, now))
    _tell(known, "unmeasured_days", None if measured is None else _days(measured, now))
    _tell(known, "serving_days", _days(deployment.started_at, now))
    _tell(known, "age_days", _days(version.created_at, now))


def _days(since: datetime, now: datetime) -> int:
    return max(0, (now - since).days)


def _tell_incidents(known: Known, material: _Material) -> None:
    rows = material.incidents.get(known.version.pk, [])
    grave = [one for one in rows if one.severity == "critical"]
    _tell(known, "open_incidents", len(rows), links=_incident_links(rows))
    _tell(known, "critical_incidents", len(grave), links=_incident_links(grave))
    order = ("data_quality", "feature", "segment")
    causes = {one.pk: material.causes.get(one.pk, "not_found") for one in rows}
    cause = next((kind for kind in order if kind in causes.values()), "not_found")
    of = [one for one in rows if causes[one.pk] == cause]
    _tell(known, "incident_cause", cause if rows else "none", links=_incident_links(of))


def _incident_links(rows: Iterable[Incident]) -> list[dict[str, Any]]:
    return [_link("incident", one.pk, one.title) for one in rows]


def _tell_findings(known: Known, material: _Material) -> None:
    rows = [one for one in material.findings if one.version_id in {None, known.version.pk}]
    live = [one for one in rows if one.pk not in material.waived]
    grave = [one for one in live if one.severity in GRAVE]
    late = [one for one in live if one.due_on < material.now.date()]
    for name, some in (("grave_findings", grave), ("overdue_findings", late)):
        _tell(known, name, len(some), links=[_link("finding", f.pk, f.title) for f in some])


def _tell_rest(known: Known, deployment: Deployment, material: _Material) -> None:
    place = known.version.pk, known.environment
    lapsed = material.lapsed.get(place, [])
    links = [_link("change-request", one.request_id, one.text) for one in lapsed]
    _tell(known, "lapsed_conditions", len(lapsed), links=links)
    result, row = material.attestation
    links = [_link("attestation", row.pk, "the attestation")] if row else []
    _tell(known, "attestation", result, links=links)
    champion = material.champions.get(known.environment)
    newer = champion is not None and champion > known.version.number
    other = deployment.role != DeploymentRole.CHAMPION
    _tell(known, "superseded", "yes" if newer and other else "no")
    _tell_challenger(known, material)


def _tell_challenger(known: Known, material: _Material) -> None:
    found = material.challenged.get(known.version.pk)
    if found is None:
        inside = known.version.pk in material.compared
        _tell(known, "challenger", "undecided" if inside else "none")
        _tell(known, "guard_rails", "none")
        return
    links = [_link("experiment", found.experiment_id, found.name)]
    said = f"version {found.challenger} in “{found.name}”: {found.answer}"
    _tell(known, "challenger", found.answer, said, links)
    rails = f"the other endpoints of “{found.name}”: {found.guard_rails}"
    worse = f", worse: {', '.join(found.worse)}" if found.worse else ""
    _tell(known, "guard_rails", found.guard_rails, rails + worse, links)


def _link(kind: str, pk: int, label: str) -> dict[str, Any]:
    return {"kind": kind, "id": pk, "label": label[:200]}
