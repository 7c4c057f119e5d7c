"""Every worker looks at its own machine: which layers hold, and what killed workers left."""

import tempfile
import threading

import pytest
from celery.signals import worker_ready
from django.db import connection

from audit.models import Event
from registry.jobs import sandbox_hosts
from registry.jobs.sandbox_hosts import look_at_host
from registry.models import SandboxHost
from registry.reads.sandbox_hosts import NAMES, TAKES_AWAY, hosts_for
from sandbox.errand import LAYERS, Ending, Outcome
from sandbox.run import MEND

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folders_of_the_test(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def without(monkeypatch, *missing, ending=Ending.DONE, detail=""):
    layers = {layer: layer not in missing for layer in LAYERS}
    found = Outcome(ending, {}, detail, layers, 0.2, "")
    monkeypatch.setattr(sandbox_hosts, "run", lambda errand: found)


def test_a_machine_is_probed_and_kept_with_its_layers(adam):
    host = look_at_host()
    assert host.layers == dict.fromkeys(LAYERS, True)
    (seen,) = hosts_for(adam)
    assert (seen.name, seen.opens_models, seen.missing, seen.silent) == (host.name, True, 0, False)
    assert seen.kernel.startswith("Linux ")
    assert Event.objects.get(event="registry.sandbox_host.changed").data["missing"] == []


def test_looking_again_is_told_once_and_a_layer_that_goes_missing_again(monkeypatch):
    without(monkeypatch)
    look_at_host()
    look_at_host()
    assert SandboxHost.objects.count() == 1
    assert Event.objects.filter(event="registry.sandbox_host.changed").count() == 1
    without(monkeypatch, "network")
    look_at_host()
    told = (
        Event.objects.filter(event="registry.sandbox_host.changed").order_by("sequence").last().data
    )
    assert told["missing"] == ["network"]


def test_folders_that_nobody_holds_are_counted(monkeypatch, tmp_path):
    without(monkeypatch)
    monkeypatch.setattr(sandbox_hosts, "NOBODYS_AFTER_SECONDS", 0)
    for name in ("ombud-sandbox-left", "ombud-drill-left"):
        (tmp_path / name / "deep").mkdir(parents=True)
    host = look_at_host()
    assert (host.swept, host.in_use) == (2, 0)
    assert host.swept_at is not None
    again = look_at_host()
    assert (again.swept, again.swept_at) == (2, host.swept_at)
    assert list(tmp_path.iterdir()) == []


def test_the_page_says_what_to_do_where_a_required_layer_is_missing(monkeypatch, adam, signed_in):
    detail = "The sandbox cannot be closed on this machine: Landlock is missing."
    without(monkeypatch, "files", ending=Ending.UNAVAILABLE, detail=detail)
    look_at_host()
    page = signed_in(adam).get("/sandbox").content.decode()
    assert "No model is opened on this machine" in page
    assert "Linux 5.13 or newer" in page


def test_a_second_fence_that_is_missing_is_no_reason_to_stop(monkeypatch, adam, signed_in):
    without(monkeypatch, "users", "network")
    look_at_host()
    desk = signed_in(adam)
    page = desk.get("/sandbox").content.decode()
    assert "A second fence is missing" in page
    assert "No model is opened" not in page
    told = desk.get("/api/v1/sandbox/hosts").json()["hosts"][0]
    assert told["opens_models"] is True
    assert [one["layer"] for one in told["layers"] if one["mend"]] == ["network", "users"]


def test_a_machine_that_nobody_looks_at_any_more_is_said_to_be_silent(monkeypatch, adam, signed_in):
    without(monkeypatch)
    look_at_host()
    SandboxHost.objects.update(looked_at="2026-01-01T00:00:00Z")
    assert "Not heard from lately" in signed_in(adam).get("/sandbox").content.decode()


def test_who_neither_runs_nor_audits_this_does_not_see_it(monkeypatch, olga, signed_in):
    without(monkeypatch)
    look_at_host()
    assert hosts_for(olga) == ()
    assert signed_in(olga).get("/sandbox").status_code == 403


def test_every_layer_has_its_words():
    assert set(NAMES) == set(TAKES_AWAY) == set(MEND) == set(LAYERS)


@pytest.mark.django_db(transaction=True)
def test_a_worker_keeps_looking_also_after_a_look_that_failed(monkeypatch):
    """In a thread beside its work, as a worker that is up has it begun."""
    looks, stop = [], threading.Event()

    def look():
        looks.append(connection.settings_dict["NAME"])
        if len(looks) == 1:
            raise OSError("the database does not answer")
        if len(looks) == 3:
            stop.set()

    monkeypatch.setattr(sandbox_hosts, "look_at_host", look)
    monkeypatch.setattr(sandbox_hosts, "FIRST_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(sandbox_hosts, "EVERY_SECONDS", 0.01)
    thread = threading.Thread(target=sandbox_hosts.keep_looking, args=(stop,))
    thread.start()
    thread.join(10)
    assert len(looks) == 3


def test_every_worker_that_is_up_begins_to_look(monkeypatch):
    begun = threading.Event()
    monkeypatch.setattr(sandbox_hosts, "keep_looking", begun.set)
    worker_ready.send(sender=None)
    assert begun.wait(5)
