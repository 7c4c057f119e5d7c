"""Incidents as the machine makes them: breaches of one version and kind become one incident."""

from audit.record import SYSTEM, record
from ledger import claims
from monitoring.events import MonitoringEvent
from monitoring.models import Alert, Incident, IncidentEntry, Monitor, Run, Severity
from monitoring.querysets import RunQuerySet
from monitoring.states import IncidentState
from monitoring.stats.verdict import Verdict
from registry.models import Version

RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


def follow(
    version: Version, monitor: Monitor, run: Run, alerts: list[Alert], before: list[int]
) -> None:
    """Put a run's alerts into an incident; called under the version's lock, last of all.

    A window that breached in an earlier revision stays with the incident it had, resolved or not:
    late outcomes must not open again what a person has closed.
    """
    if run.verdict != Verdict.BREACH:
        _calm(version, monitor, run)
        return
    known = Incident.objects.filter(alerts__run_id__in=before).order_by("-pk").first()
    incident = known or _unresolved(version, monitor)
    if incident is not None:
        _attach(incident, alerts)
        if known is None:
            _widen(incident, monitor, run)
        return
    if _often_enough(monitor, run):
        _open(version, monitor, run, alerts)


def _unresolved(version: Version, monitor: Monitor) -> Incident | None:
    found = Incident.objects.filter(version=version, kind=monitor.kind)
    return found.exclude(state=IncidentState.RESOLVED).select_for_update(no_key=True).first()


def _often_enough(monitor: Monitor, run: Run) -> bool:
    """Whether k of the last n telling windows have breached, this one included."""
    if monitor.open_after <= 1:
        return True
    earlier = _telling(monitor, run).filter(window_end__lt=run.window_end)
    verdicts = [run.verdict, *_verdicts(earlier, monitor.open_of - 1)]
    return verdicts.count(Verdict.BREACH) >= monitor.open_after


def _telling(monitor: Monitor, run: Run) -> RunQuerySet:
    runs = Run.objects.filter(monitor=monitor, version_id=run.version_id, latest=True)
    return runs.exclude(verdict=Verdict.INSUFFICIENT_DATA)


def _verdicts(runs: RunQuerySet, most: int) -> list[str]:
    return list(runs.order_by("-window_end").values_list("verdict", flat=True)[:most])


def _calm(version: Version, monitor: Monitor, run: Run) -> None:
    """Note that an incident is calm once each of its monitors had enough windows in order.

    Resolving it is for people: somebody has to say what it was.
    """
    incident = _unresolved(version, monitor)
    if incident is None or incident.calm_since is not None:
        return
    concerned = Monitor.objects.filter(enabled=True, runs__alerts__incident=incident).distinct()
    if all(_is_calm(one, run) for one in concerned):
        incident.calm_since = run.window_end
        incident.save(update_fields=["calm_since"])
        _note(incident, run, "Calm again")


def _is_calm(monitor: Monitor, run: Run) -> bool:
    verdicts = _verdicts(_telling(monitor, run), monitor.close_after)
    return len(verdicts) == monitor.close_after and Verdict.BREACH not in verdicts


def _open(version: Version, monitor: Monitor, run: Run, alerts: list[Alert]) -> None:
    incident = Incident.objects.create(
        model=version.model,
        version=version,
        kind=monitor.kind,
        title=f"{version}: {run.reason}"[:200],
        severity=monitor.severity,
        began_at=run.window_start,
    )
    _attach(incident, alerts)
    _note(incident, run, "Opened")
    claims.enqueue(
        kind="monitoring.investigate", key=f"{incident.pk}:{run.pk}", subject_id=incident.pk
    )
    record(
        SYSTEM,
        MonitoringEvent.INCIDENT_OPENED,
        incident,
        run=run.pk,
        monitor=monitor.name,
        version=version.number,
        severity=incident.severity,
        window=[run.window_start, run.window_end],
        reason=run.reason,
    )


def _widen(incident: Incident, monitor: Monitor, run: Run) -> None:
    """One more breaching window: it may have begun earlier, or be graver, than was known."""
    incident.began_at = min(incident.began_at, run.window_start)
    if RANK[Severity(monitor.severity)] > RANK[Severity(incident.severity)]:
        incident.severity = monitor.severity
    incident.calm_since = None
    incident.save(update_fields=["began_at", "severity", "calm_since"])
    _note(incident, run, "Breached again")


def _attach(incident: Incident, alerts: list[Alert]) -> None:
    Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(incident=incident)


def _note(incident: Incident, run: Run, verb: str) -> None:
    text = f"{verb} in the window to {run.window_end:%Y-%m-%d %H:%M} UTC. {run.reason}"
    IncidentEntry.objects.create(incident=incident, text=text)
