"""Request, deploy, watch: what people and governance do is followed, never done, from here."""

from datetime import datetime, timedelta

from django.utils import timezone

from monitoring.jobs.retraining.work import Done, Ends, Result, StepFailed, Waits, terms_of
from monitoring.models import Incident, RetrainingStep
from monitoring.states import IncidentState
from registry.models import Deployment, Version
from registry.reads.deployments import periods_of
from registry.states import DeploymentRole, Stage

OVER = frozenset({Stage.RETIRED, Stage.ARCHIVED, Stage.PURGED})


def request(step: RetrainingStep) -> Result:
    """Approval is asked for by governance, which looks for retrainings that wait here."""
    if not terms_of(step.retraining).ask:
        return Done(message="The policy leaves asking for approval to people.", skipped=True)
    return Waits("Waits for its change request to be opened.")


def deploy(step: RetrainingStep) -> Result:
    """Until the new version is the champion in production, or its life is over."""
    version = _version(step)
    since = _champion_since(version)
    if since is not None:
        return Done({"since": since.isoformat()}, message="It is the champion in production.")
    if version.stage in OVER:
        return Ends("cancel", f"Version {version.number} is {version.stage}.")
    return Waits("Waits for its approval and deployment.")


def watch(step: RetrainingStep) -> Result:
    """For so many days after its deployment; if it had to go back, that is the end."""
    version, days = _version(step), terms_of(step.retraining).watch_days
    mine = [
        one
        for one in periods_of(version.model_id)
        if one.version_id == version.pk and one.role == DeploymentRole.CHAMPION
    ]
    if not mine:
        raise StepFailed(f"Version {version.number} was never champion.")
    until = mine[-1].started_at + timedelta(days=days)
    ended = max((one.ended_at for one in mine if one.ended_at), default=None)
    if not any(one.running for one in mine) and ended is not None and ended < until:
        return Ends("roll_back", f"Version {version.number} was taken back on {ended:%-d %B %Y}.")
    if timezone.now() < until:
        return Waits(f"Watched until {until:%-d %B %Y}. {_incidents(version)}".strip())
    return Done({"incidents": _open(version)}, message=f"Watched for {days} days.")


def _version(step: RetrainingStep) -> Version:
    version_id = step.retraining.version_id
    if version_id is None:
        raise StepFailed("There is no new version.")
    return Version.objects.select_related("model").get(pk=version_id)


def _champion_since(version: Version) -> datetime | None:
    found = Deployment.objects.filter(
        version=version, environment="production", role=DeploymentRole.CHAMPION
    )
    return found.order_by("started_at").values_list("started_at", flat=True).first()


def _open(version: Version) -> int:
    return Incident.objects.filter(version=version).exclude(state=IncidentState.RESOLVED).count()


def _incidents(version: Version) -> str:
    many = _open(version)
    return f"{many} open incident{'' if many == 1 else 's'}." if many else "No open incident."
