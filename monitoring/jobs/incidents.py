"""Incidents as the machine makes them: breaches of one version and kind become one incident."""

from audit.record import SYSTEM, record
from monitoring.events import MonitoringEvent
from monitoring.models import Alert, Incident, IncidentEntry, Monitor, Run, Severity
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
        return
    known = Incident.objects.filter(alerts__run_id__in=before).order_by("-pk").first()
    incident = known or _unresolved(version, monitor)
    if incident is not None:
        _attach(incident, alerts)
        if known is None:
            _widen(incident, monitor, run)
        return
    if _long_enough(monitor, run):
        _open(version, monitor, run, alerts)


def _unresolved(version: Version, monitor: Monitor) -> Incident | None:
    found = Incident.objects.filter(version=version, kind=monitor.kind)
    return found.exclude(state=IncidentState.RESOLVED).select_for_update(no_key=True).first()


def _long_enough(monitor: Monitor, run: Run) -> bool:
    """Whether this many telling windows in a row have breached, this one included."""
    needed = monitor.open_after - 1
    if needed <= 0:
        return True
    earlier = Run.objects.filter(
        monitor=monitor, version_id=run.version_id, latest=True, window_end__lt=run.window_end
    ).exclude(verdict=Verdict.INSUFFICIENT_DATA)
    verdicts = list(earlier.order_by("-window_end").values_list("verdict", flat=True)[:needed])
    return len(verdicts) == needed and set(verdicts) == {Verdict.BREACH}


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
    incident.save(update_fields=["began_at", "severity"])
    _note(incident, run, "Breached again")


def _attach(incident: Incident, alerts: list[Alert]) -> None:
    Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(incident=incident)


def _note(incident: Incident, run: Run, verb: str) -> None:
    text = f"{verb} in the window to {run.window_end:%Y-%m-%d %H:%M} UTC. {run.reason}"
    IncidentEntry.objects.create(incident=incident, text=text)
