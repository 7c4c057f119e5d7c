"""The folder of an errand: how much may lie in it, and who takes it away when nobody else can."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from sandbox import folders
from sandbox.errand import Ending

ROOT = Path(__file__).parents[2]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Temporary files in a folder of the test's own: what others use here is left alone."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    return place


MANY_FILES = "for n in range(10 ** 9): open(str(n), 'w').close()"
MANY_BYTES = "while True: open(str(os.times().elapsed), 'wb').write(bytes(1_000_000))"
DEEP = "while True: os.mkdir('d'); os.chdir('d')"
WITHOUT_NAMES = """
kept = []
while True:
    kept.append(open('f', 'wb'))
    os.remove('f')
    kept[-1].write(bytes(1_000_000))
    kept[-1].flush()
    time.sleep(0.02)  # else it has used up the files that it may open before it is looked at
"""


@pytest.mark.parametrize(
    "tries",
    [MANY_FILES, MANY_BYTES, DEEP, WITHOUT_NAMES],
    ids=["many files", "many bytes", "many levels", "files without a name"],
)
def test_who_fills_its_folder_is_ended_and_named(hostile, tries):
    limits = {"folder_bytes": 20_000_000, "folder_entries": 1000, "wall_seconds": 30}
    outcome = hostile(f"import os, time\n{tries}", **limits)
    assert outcome.ending is Ending.FOLDER_FULL, outcome
    assert "20 MB or 1,000 files" in outcome.detail
    assert outcome.seconds < 15


def test_who_fills_it_and_is_gone_at_once_is_named_too(hostile):
    quick = "for n in range(1001): open(str(n), 'w').close()"
    assert hostile(quick, folder_entries=1000).ending is Ending.FOLDER_FULL


def test_who_closes_its_pipes_is_still_looked_at(hostile):
    deaf = f"import os\nos.closerange(0, 200)\n{MANY_FILES}"
    assert hostile(deaf, folder_entries=1000, wall_seconds=30).ending is Ending.FOLDER_FULL


def test_what_lay_there_before_is_not_held_against_it(hostile, tmp_path):
    (tmp_path / "work").mkdir()
    for n in range(20):
        (tmp_path / "work" / f"before-{n}").write_bytes(bytes(10_000))
    outcome = hostile("open('new', 'w').close(); raise ValueError", folder_entries=10)
    assert outcome.ending is Ending.CRASHED


@pytest.mark.parametrize(
    "tries",
    [
        "os.symlink('/etc/passwd', 'inputs.parquet')",
        "os.memfd_create('m')",
        "ctypes.CDLL(None).syscall(29, 0, 4096, 0o1600) != -1 or os.symlink('x', 'y')",
    ],
    ids=["link", "memory as a file", "shared memory"],
)
def test_it_holds_files_and_folders_and_memory_is_counted(hostile, tries):
    assert hostile(f"import ctypes, os; {tries}").ending is Ending.FORBIDDEN_CALL


def test_it_cannot_hide_what_it_holds_open(hostile):
    hides = "import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)"
    assert hostile(hides).ending is Ending.FORBIDDEN_CALL


def test_a_tree_deeper_than_any_path_is_taken_away(elsewhere):
    with folders.own() as folder:
        home = os.open(".", os.O_RDONLY)
        try:
            os.chdir(folder)
            for _ in range(1500):
                os.mkdir("ddd")
                os.chdir("ddd")
            Path("at-the-bottom").touch()
        finally:
            os.fchdir(home)
            os.close(home)
        with pytest.raises(folders.Unmeasurable):
            folders.measured(folder, enough=10**6)
    assert list(elsewhere.iterdir()) == []


HOLDS = """
    import sys, time; sys.path.insert(0, {root!r})
    from sandbox import folders
    with folders.own({prefix!r}) as folder:
        (folder / "inside").write_text("of a worker")
        print(folder, flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("prefix", folders.PREFIXES)
def test_what_a_killed_worker_left_is_swept_and_a_living_ones_is_not(elsewhere, prefix):
    script = textwrap.dedent(HOLDS.format(root=str(ROOT), prefix=prefix))
    workers = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        left, living = (Path(worker.stdout.readline().strip()) for worker in workers)
        assert folders.sweep(older_than=0) == folders.Swept(2, 0, 2)
        workers[0].send_signal(signal.SIGKILL)
        workers[0].wait(10)
        assert left.exists()
        assert folders.sweep(older_than=3600) == folders.Swept(2, 0, 2)
        assert folders.sweep(older_than=0) == folders.Swept(2, 1, 1)
        assert not left.exists()
        assert (living / "inside").read_text() == "of a worker"
    finally:
        for worker in workers:
            worker.kill()
            worker.wait(10)


def test_what_is_not_ours_is_left_alone(elsewhere):
    """Another name, a link with ours, a file with ours."""
    outside = elsewhere / "somebody-elses"
    outside.mkdir()
    (outside / "kept").touch()
    (elsewhere / "ombud-sandbox-link").symlink_to(outside)
    (elsewhere / "ombud-sandbox-file").touch()
    assert folders.sweep(older_than=0) == folders.Swept(2, 0, 2)
    assert (outside / "kept").exists()


def test_a_folder_swept_before_it_was_locked_is_made_anew(elsewhere, monkeypatch):
    real, made = folders._locked, []

    def swept_first(folder):
        if not made:
            folder.rmdir()
        made.append(folder)
        return real(folder)

    monkeypatch.setattr(folders, "_locked", swept_first)
    with folders.own() as folder:
        assert folder.exists()
    assert len(made) == 2
