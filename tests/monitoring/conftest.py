from typing import Any

import pytest

from monitoring.reads import baselines
from registry.models import Model, Version
from tests import airflow_server
from tests.monitoring import world

# It installs and starts an Airflow, so it runs where somebody asks for it.
collect_ignore = [] if airflow_server.asked() else ["test_real_airflow.py"]


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: Any) -> None:
    """Jobs are done by the tests themselves, not by whoever listens on the broker."""
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)
    baselines._load.cache_clear()


@pytest.fixture
def model(team: Any, olga: Any) -> Model:
    return world.make_model(team, olga)


@pytest.fixture
def version(model: Model) -> Version:
    return world.make_version(model)
