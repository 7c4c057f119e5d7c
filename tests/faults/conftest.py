"""A house of real processes for every test, which share neither broker nor files with others."""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from kombu import Connection

from ledger import claims
from ledger.tasks import run_job
from monitoring.reads import baselines
from registry.models import Version
from tests.faults import settings as impatient
from tests.faults.processes import House, database_url
from tests.monitoring import world

NUMBERS = range(15, 8, -1)  # xdist's workers count from 1 upwards


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """A database of the Redis server that nobody else on this machine uses meanwhile."""
    given = os.environ["REDIS_URL"].rstrip("/")
    for number in NUMBERS:
        url = f"{re.sub(r'/[0-9]+$', '', given)}/{number}"
        port = redis.Redis.from_url(url).connection_pool.connection_kwargs["port"]
        with Path(tempfile.gettempdir(), f"ombud-faults-{port}-{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield url
            return
    raise AssertionError(f"every Redis database of {NUMBERS} is in use by another test run")


@pytest.fixture
def broker(broker_url: str, monkeypatch: Any) -> Iterator["redis.Redis"]:
    """The broker; what this process announces goes there too."""
    client = redis.Redis.from_url(broker_url)
    client.flushdb()
    monkeypatch.setattr(claims, "_rest", claims.Rest())
    announce: Any = run_job.apply_async
    with Connection(broker_url) as own:
        monkeypatch.setattr(
            run_job, "apply_async", lambda *args, **more: announce(*args, connection=own, **more)
        )
        yield client
    client.flushdb()
    client.close()


@pytest.fixture
def house(
    transactional_db: None, broker: "redis.Redis", broker_url: str, settings: Any, tmp_path: Path
) -> Iterator[House]:
    settings.LEDGER_KINDS = impatient.LEDGER_KINDS
    baselines._load.cache_clear()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMBUD_")}
    ours = {
        "DATABASE_URL": database_url(connection.settings_dict),
        "REDIS_URL": broker_url,
        "MLFLOW_TRACKING_URI": "",
        "OMBUD_STORE": settings.STORE_URL,
        "OMBUD_VAR": str(tmp_path),
        "OMBUD_SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "PYTHONUNBUFFERED": "1",
    }
    house = House(tmp_path, kept | ours)
    yield house
    house.close()


@pytest.fixture
def version(house: House, team: Any, olga: Any) -> Version:
    return world.make_version(world.make_model(team, olga))
