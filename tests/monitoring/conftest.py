from typing import Any

import pytest

from monitoring.reads import baselines
from registry.models import Model, Version
from tests.monitoring import world


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
