"""A small world with one of everything, for tests that walk over all routes."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts.models import Team, User
from audit.models import Event
from governance.models import Card, CardRevision, Clearance
from governance.services.policies import install_default_policies
from governance.services.requests import submit
from monitoring.models import Incident, Measurement, Monitor, Run
from registry.models import Archive, Deployment, Model, Schema, Version

FIELDS = [
    {"name": "prediction_id", "dtype": "string", "role": "id"},
    {"name": "event_time", "dtype": "timestamp", "role": "timestamp"},
    {"name": "temperature", "dtype": "number", "role": "feature"},
    {"name": "late", "dtype": "integer", "role": "prediction", "categories": ["0", "1"]},
]


@dataclass(frozen=True)
class World:
    """Ids that addresses are made of."""

    model: str
    version: int
    retired: int
    request: int
    incident: int
    monitor: int
    run: int
    archive: int
    digest: str
    sequence: int


def world_of(team: Team, owner: User) -> World:
    """Model flight-delay with a champion, an archived version, a request, a run, an incident."""
    now = timezone.now()
    model = Model.objects.create(
        slug="flight-delay",
        name="Flight delay",
        purpose="Warns.",
        team=team,
        owner=owner,
        task="binary",
        risk_tier="low",
    )
    version = _version(model, owner, 1, "serving")
    retired = _version(model, owner, 0, "archived")
    Deployment.objects.create(version=version, model=model, role="champion", started_at=now)
    Clearance.objects.create(version=version, environment="production", state="suspended")
    archive = Archive.objects.create(
        version=retired,
        state="sealed",
        path="archives/flight-delay/0",
        manifest={"files": []},
        digest="e" * 64,
        size=1,
        sealed_at=now,
        verified_at=now,
    )
    install_default_policies()
    request = submit(actor=owner, kind="retire", version_id=version.pk, reason="Superseded.")
    run = _run(model, version)
    incident = Incident.objects.create(
        model=model,
        version=version,
        kind="drift",
        title="Temperature drifts",
        severity="warning",
        began_at=now - timedelta(days=7),
    )
    return World(
        model.slug,
        version.number,
        retired.number,
        request.pk,
        incident.pk,
        run.monitor_id,
        run.pk,
        archive.pk,
        request.digest,
        Event.objects.filter(team_id=team.pk).latest("sequence").sequence,
    )


def _version(model: Model, owner: User, number: int, stage: str) -> Version:
    version = Version.objects.create(
        model=model, number=number, stage=stage, registered_by=owner, artifact_digest="a" * 64
    )
    Schema.objects.create(version=version, fields=FIELDS, digest="s" * 64)
    card = Card.objects.create(version=version)
    CardRevision.objects.create(
        card=card, number=1, sections={"overview": "Trees."}, facts={}, digest="c" * 64
    )
    return version


def _run(model: Model, version: Version) -> Run:
    now = timezone.now()
    monitor = Monitor.objects.create(
        model=model, name="Drift of features", kind="drift", metric="psi", warning=0.1, breach=0.2
    )
    run = Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=now - timedelta(days=7),
        window_end=now,
        config_digest="m" * 64,
        verdict="ok",
        profile_digest="p" * 64,
        library_version="1",
    )
    Measurement.objects.create(
        run=run,
        monitor=monitor,
        version=version,
        window_end=now,
        metric="psi",
        field="temperature",
        value=0.01,
        n=1000,
        verdict="ok",
    )
    return run
