"""Each thing that a hostile model tries is contained, has a name, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from sandbox.errand import Ending, Errand, Limits
from sandbox.run import run

GIB = 1024**3


@pytest.fixture(autouse=True)
def _nothing_stays():
    """No process of a sandbox outlives its errand."""
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    yield
    left = [one for one in psutil.Process().children(recursive=True) if one.pid not in before]
    assert [one for one in left if one.status() != psutil.STATUS_ZOMBIE] == []


def code(text: str) -> str:
    return textwrap.dedent(text)


@pytest.mark.parametrize(
    ("tries", "told"),
    [
        ("import os; os.system('id > /tmp/was-here')", "os.system"),
        ("import subprocess; subprocess.run(['id'])", "subprocess.Popen"),
        ("import os; os.fork()", "os.fork"),
        ("import os\nwhile True: os.fork()", "os.fork"),
        ("import os\nif os.fork() == 0: os.setsid(); os.fork()", "os.fork"),
        ("import os; os.execv('/usr/bin/id', ['id'])", "os.exec"),
        ("import os; os.kill(os.getppid(), 9)", "os.kill"),
        ("import os; os.kill(-1, 9)", "os.kill"),
    ],
)
def test_no_program_and_no_process_is_started_or_killed(hostile, tries, told):
    outcome = hostile(tries)
    assert outcome.ending is Ending.FORBIDDEN_CALL
    assert told in outcome.detail
    assert not Path("/tmp/was-here").exists()


@pytest.mark.parametrize(
    "call",
    [
        "libc.syscall(57)",  # fork
        "libc.syscall(56, 0x11, 0, 0, 0, 0)",  # clone of a process
        "libc.syscall(101, 0, 0, 0, 0)",  # ptrace
        "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)",
        "libc.syscall(321, 0, 0, 0)",  # bpf
        "libc.syscall(425, 8, 0)",  # io_uring_setup
        "libc.syscall(323, 0)",  # userfaultfd
        "libc.unshare(0x10000000)",
        "libc.syscall(250, 0, 0, 0, 0)",  # keyctl
        "libc.syscall(41, 16, 3, 0)",  # socket(AF_NETLINK)
        "libc.syscall(310, 1, 0, 0, 0, 0, 0)",  # process_vm_readv
    ],
)
def test_calls_past_python_are_stopped_by_the_kernel(hostile, call):
    outcome = hostile(f"import ctypes; libc = ctypes.CDLL(None); {call}")
    assert outcome.ending is Ending.FORBIDDEN_CALL


def test_no_connection_leaves_neither_to_the_network_nor_to_a_socket_in_the_file_system(
    hostile, tmp_path
):
    path = str(tmp_path / "work" / "s")
    (tmp_path / "work").mkdir()
    with socket.socket(socket.AF_UNIX) as near, socket.socket() as far:
        near.bind(path)
        near.listen()
        near.settimeout(0.1)
        far.bind(("127.0.0.1", 0))
        far.listen()
        far.settimeout(0.1)
        port = far.getsockname()[1]
        for tries in (
            f"import socket; socket.socket(socket.AF_UNIX).connect({path!r})",
            f"import socket; socket.create_connection(('127.0.0.1', {port}))",
            "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        ):
            outcome = hostile(tries)
            assert outcome.ending is Ending.FORBIDDEN_CALL
            assert "socket" in outcome.detail
        for listening in (near, far):
            with pytest.raises(TimeoutError):
                listening.accept()


def test_ten_gigabytes_are_not_had(hostile):
    outcome = hostile("x = bytearray(10 * 1024 ** 3)", address_space=1 * GIB)
    assert outcome.ending is Ending.OUT_OF_MEMORY
    assert "1.0 GiB" in outcome.detail
    slowly = "x = []\nwhile True: x.append(bytes(50_000_000))"
    assert hostile(slowly, address_space=1 * GIB).ending is Ending.OUT_OF_MEMORY


def test_a_secret_outside_is_not_read(hostile, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the key of the audit trail")
    for path in (secret, f"/proc/{os.getpid()}/environ", "/etc/passwd", "/root", __file__):
        outcome = hostile(f"raise ValueError(open({str(path)!r}).read())")
        assert outcome.ending is Ending.FORBIDDEN_CALL, path
        assert "Permission denied" in outcome.detail
        assert "the key" not in outcome.detail + outcome.log


def test_nothing_of_our_environment_is_there(hostile, monkeypatch):
    monkeypatch.setenv("OMBUD_SECRET_KEY", "not for models")
    outcome = hostile("import os; raise ValueError(str(dict(os.environ)))")
    assert outcome.ending is Ending.CRASHED
    assert "HOME" in outcome.detail
    assert "OMBUD" not in outcome.detail


def test_nothing_outside_its_folder_is_written_or_taken_away(hostile, tmp_path, rows):
    before = rows.read_bytes()
    for tries in (
        f"open({str(tmp_path / 'planted')!r}, 'w')",
        f"open({str(rows)!r}, 'ab').write(b'x')",
        f"import os; os.remove({str(rows)!r})",
        f"import os; os.truncate({str(rows)!r}, 0)",
        "open('/dev/shm/planted', 'w')",
        f"import os; os.link({str(rows)!r}, 'linked')",
    ):
        assert hostile(tries).ending is Ending.FORBIDDEN_CALL, tries
    assert not (tmp_path / "planted").exists()
    assert rows.read_bytes() == before


def test_a_link_in_its_folder_leads_nowhere(hostile, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the key")
    outcome = hostile(f"import os; os.symlink({str(secret)!r}, 's'); print(open('s').read())")
    assert outcome.ending is Ending.FORBIDDEN_CALL
    assert "the key" not in outcome.log


def test_who_sleeps_for_ever_is_woken_by_the_clock(hostile):
    began = time.monotonic()
    outcome = hostile("import time; time.sleep(10 ** 6)", wall_seconds=3)
    assert outcome.ending is Ending.OUT_OF_TIME
    assert "3 seconds" in outcome.detail
    assert time.monotonic() - began < 15


def test_who_stops_itself_is_ended_all_the_same(hostile):
    stops = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
    assert hostile(stops, wall_seconds=3).ending is Ending.OUT_OF_TIME


def test_who_closes_its_ears_is_ended_too(hostile):
    deaf = code("""
        import signal, time
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
        while True: pass
    """)
    outcome = hostile(deaf, wall_seconds=15, cpu_seconds=2)
    assert outcome.ending in {Ending.CRASHED, Ending.OUT_OF_CPU}
    assert outcome.seconds < 15


def test_who_computes_for_ever_runs_out_of_processor_time(hostile):
    outcome = hostile("while True: pass", cpu_seconds=3, wall_seconds=30)
    assert outcome.ending is Ending.OUT_OF_CPU
    assert "3 s" in outcome.detail


def test_endless_output_is_cut(hostile):
    outcome = hostile("while True: print('x' * 100_000)", log_bytes=1_000_000)
    assert outcome.ending is Ending.TOO_MUCH_OUTPUT
    assert len(outcome.log) <= 64_000


def test_a_huge_file_is_not_written(hostile, tmp_path):
    outcome = hostile("open('big', 'wb').write(bytes(50_000_000))", file_bytes=1_000_000)
    assert outcome.ending is Ending.TOO_MUCH_OUTPUT
    assert (tmp_path / "work" / "big").stat().st_size <= 1_000_000


def test_threads_are_bounded(hostile):
    many = code("""
        import threading, time
        while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    """)
    outcome = hostile(many, address_space=1 * GIB, wall_seconds=15)
    assert outcome.ending in {Ending.CRASHED, Ending.OUT_OF_MEMORY}


def test_an_answer_that_it_forges_is_no_proof_of_layers(hostile):
    """It may lie about its own answer, never about what held it."""
    forged = code("""
        import json, os
        for fd in range(3, 20):
            try: os.write(fd, json.dumps({"layers": {"files": False}}).encode() + b"\\n")
            except OSError: pass
        raise SystemExit
    """)
    outcome = hostile(forged)
    assert outcome.layers["files"] is True
    assert outcome.ending is Ending.CRASHED


def test_what_is_no_answer_is_not_taken_for_one(hostile):
    rubbish = code("""
        import os
        for fd in range(3, 20):
            try: os.write(fd, b"[" * 100_000 + b"\\n")
            except OSError: pass
        os._exit(0)
    """)
    outcome = hostile(rubbish)
    assert outcome.ending is Ending.CRASHED
    assert outcome.answer is None


def test_the_child_is_gone_when_its_parent_is_killed(tmp_path):
    """A worker that is killed leaves no model running."""
    script = code(f"""
        import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from sandbox.errand import Errand
        from tests.sandbox.conftest import MLMODEL, Runs
        import pickle
        from sandbox.run import run
        folder = Path({str(tmp_path)!r})
        (folder / "MLmodel").write_text(MLMODEL)
        (folder / "model.pkl").write_bytes(pickle.dumps(Runs("import time; time.sleep(600)")))
        told = {{"model": str(folder), "rows": "none", "allow_pickle": True}}
        run(Errand("predict", told, (folder,)))
    """)
    parent = subprocess.Popen([sys.executable, "-c", script])
    try:
        children = _wait_for(lambda: psutil.Process(parent.pid).children())
        time.sleep(1)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(10)
        _wait_for(lambda: not any(_alive(one) for one in children))
    finally:
        parent.kill()


def _alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _wait_for(holds):
    end = time.monotonic() + 15
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError("It did not happen within 15 seconds.")


def test_without_a_required_layer_nothing_is_run(monkeypatch):
    monkeypatch.setattr("sandbox.run.importlib.util.find_spec", lambda name: None)
    outcome = run(Errand("probe", limits=Limits(wall_seconds=20)))
    assert outcome.ending is Ending.UNAVAILABLE
    assert outcome.answer is None
    assert "libseccomp2" in outcome.detail
    assert outcome.layers["system_calls"] is False
