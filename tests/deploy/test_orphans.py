"""Servers that an earlier run left behind: recognised beyond doubt, or left alone."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from deploy import notes
from deploy.embedded.postgresql import stop_orphan
from deploy.notes import Note


def kill_supervisor_and_guardian(ombud, popen):
    guardian = next(p for p in ombud.processes() if "deploy.guardian" in " ".join(p.cmdline()))
    guardian.kill()
    popen.kill()
    popen.wait()
    psutil.wait_procs([guardian], timeout=5)


def test_an_orphaned_postgresql_is_recognised_and_stopped(ombud):
    popen, _ = ombud.start_and_wait("postgresql")
    orphan = psutil.Process(ombud.pid_of("postgresql"))
    kill_supervisor_and_guardian(ombud, popen)
    (ombud.places.notes / "postgresql.json").unlink()
    assert orphan.is_running()

    _, said = ombud.start_and_wait("postgresql")

    assert "Stopped what an earlier run had left running: PostgreSQL." in said
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE


def test_orphans_are_found_by_their_notes_even_when_their_leader_is_gone(ombud):
    popen, _ = ombud.start_and_wait("valkey", "site")
    child = ombud.child_of_site()
    kill_supervisor_and_guardian(ombud, popen)
    os.kill(ombud.pid_of("site"), signal.SIGKILL)

    _, said = ombud.start_and_wait("valkey", "site")

    assert "had left running: Site, Valkey." in said
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def bystander():
    """A process of somebody else whose number stands in our notes."""
    popen = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    yield popen
    popen.kill()
    popen.wait()


def test_a_number_that_belongs_to_somebody_else_by_now_is_left_alone(bystander):
    stale = Note("web", "Web", bystander.pid, 1.0, 0, "an-earlier-run", 15, True, 1.0)
    assert notes.stop(stale) is False
    assert bystander.poll() is None


def test_a_stale_postmaster_file_is_removed_without_touching_its_number(bystander, tmp_path):
    (tmp_path / "postmaster.pid").write_text(f"{bystander.pid}\n{tmp_path}\n")
    assert stop_orphan(tmp_path) is None
    assert bystander.poll() is None
    assert not (tmp_path / "postmaster.pid").exists()


def test_a_note_cut_short_by_a_crash_is_dropped(tmp_path):
    (tmp_path / "web.json").write_text('{"name": "we')
    assert notes.read_all(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
