"""A model of olga's with versions, and a real MLflow server for those who ask for it."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.record import SYSTEM
from ledger.models import Job
from ledger.runner import run
from registry.gateways import mlflow
from registry.gateways.mlflow_http import breaker
from registry.models import Model, Version
from registry.services.deployments import approve_version, deploy
from registry.services.models import register_model
from registry.services.versions import register_version
from tests import mlflow_server

FIELDS = [
    {"name": "prediction_id", "dtype": "string", "role": "id"},
    {"name": "event_time", "dtype": "timestamp", "role": "timestamp"},
    {"name": "distance", "dtype": "number", "role": "feature", "minimum": 0},
    {"name": "late", "dtype": "boolean", "role": "prediction"},
    {"name": "probability", "dtype": "number", "role": "score"},
    {"name": "was_late", "dtype": "boolean", "role": "outcome"},
]


@pytest.fixture(autouse=True)
def _an_mlflow_that_nobody_answers_for(settings: Any) -> None:
    """Tests that need MLflow ask for `server`; all others would notice if somebody called it."""
    settings.MLFLOW_TRACKING_URI = "http://127.0.0.1:1"


@pytest.fixture(scope="session")
def server() -> str:
    return mlflow_server.address()


@pytest.fixture
def real_mlflow(server: str, settings: Any) -> Iterator[str]:
    settings.MLFLOW_TRACKING_URI = server
    settings.PUBLIC_URL = "http://ombud.test"
    breaker(server).succeed()
    yield server
    # MLflow tries ten listeners at once, and one that is gone holds its place for half a minute:
    # those that a test leaves behind would keep later tests waiting for their deliveries.
    for left in mlflow.list_webhooks(base_url=server):
        mlflow.delete_webhook(left.webhook_id, base_url=server)


@pytest.fixture
def flights(olga: Any, team: Any) -> Model:
    return register_model(
        actor=olga,
        slug="flight-delay",
        name="Flight delay",
        purpose="Will a flight arrive more than 15 minutes late?",
        team_id=team.pk,
        task="binary",
        risk_tier="high",
        mlflow_name=f"flight-delay-{uuid.uuid4().hex[:8]}",
    )


@pytest.fixture
def one(olga: Any, flights: Model) -> Version:
    return register_version(actor=olga, model_id=flights.pk, mlflow_version=1)


@pytest.fixture
def two(olga: Any, flights: Model) -> Version:
    return register_version(actor=olga, model_id=flights.pk, mlflow_version=2)


@pytest.fixture
def champion(one: Version) -> Version:
    """Version 1, approved and serving as champion in production."""
    serve(one)
    one.refresh_from_db()
    return one


def serve(version: Version, role: str = "champion", environment: str = "production") -> Any:
    version.refresh_from_db()
    if version.stage == "candidate":
        approve_version(actor=SYSTEM, version_id=version.pk, because="CR-1")
    return deploy(
        actor=SYSTEM,
        version_id=version.pk,
        environment=environment,
        role=role,
        because="CR-2",
    )


@pytest.fixture
def in_mlflow(real_mlflow: str, flights: Model, tmp_path: Any) -> Callable[..., int]:
    """Puts a version of these files (path -> bytes) into MLflow; returns its number."""

    def put(contents: dict[str, bytes]) -> int:
        files = {}
        for path, content in contents.items():
            local = tmp_path / uuid.uuid4().hex
            local.write_bytes(content)
            files[path] = local
        return mlflow.restore_version(flights.mlflow_name or "", files).version

    return put


def work(kind: str) -> Job:
    """Do the due job of this kind as a worker would; returns it as it is afterwards."""
    job = Job.objects.filter(kind=kind, state="due").latest("pk")
    Job.objects.filter(pk=job.pk).update(due_at=job.created_at)
    run(job_id=job.pk)
    job.refresh_from_db()
    return job


def reference_file(path: Any, rows: int = 200, **columns: pa.Array) -> Any:
    """A Parquet file that fits FIELDS; `columns` replace or add (None: leave out)."""
    table = {
        "distance": pa.array([float(n) for n in range(rows)]),
        "late": pa.array([n % 3 == 0 for n in range(rows)]),
        "probability": pa.array([n / rows for n in range(rows)]),
        "was_late": pa.array([n % 4 == 0 for n in range(rows)]),
    } | columns
    pq.write_table(
        pa.table({name: column for name, column in table.items() if column is not None}), path
    )
    return path
