"""The supervisor with real processes: it starts, refuses, mends and leaves nothing behind."""

import os
import signal
import socket
import urllib.request

import psutil
import psycopg
import pytest

from deploy.secret_file import read


def stop(popen, number=signal.SIGINT):
    popen.send_signal(number)
    said, _ = popen.communicate(timeout=30)
    return popen.returncode, said


def connect(ombud):
    return psycopg.connect(
        host="127.0.0.1",
        port=ombud.ports["OMBUD_POSTGRESQL_PORT"],
        user="ombud",
        password=read(ombud.places.secrets)["postgresql_password"],
        dbname="ombud",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_and_its_like_leave_nothing_running(ombud, number):
    popen, said = ombud.start_and_wait("valkey", "site")
    assert "1/2 Valkey … ready in" in said
    assert ombud.child_of_site().is_running()

    code, said = stop(popen, number)

    assert code == 0, said
    assert ombud.processes() == []
    assert list(ombud.places.notes.iterdir()) == []


def test_postgresql_is_stopped_cleanly_and_keeps_its_data(ombud):
    popen, _ = ombud.start_and_wait("postgresql")
    with connect(ombud) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    code, _ = stop(popen)
    assert code == 0
    assert "database system is shut down" in ombud.places.log("postgresql").read_text()

    ombud.start_and_wait("postgresql")

    with connect(ombud) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_stranger_without_the_password_reaches_no_server(ombud):
    ombud.start_and_wait("postgresql", "valkey")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host="127.0.0.1",
            port=ombud.ports["OMBUD_POSTGRESQL_PORT"],
            user="postgres",
            password="postgres",
            dbname="postgres",
        )
    with socket.create_connection(("127.0.0.1", ombud.ports["OMBUD_VALKEY_PORT"])) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100).startswith(b"-NOAUTH")
    assert ombud.places.secrets.stat().st_mode & 0o077 == 0


def test_a_port_in_use_is_named_with_its_holder(ombud):
    with socket.create_server(("127.0.0.1", ombud.ports["OMBUD_PORT"])):
        code, said = ombud.refused("valkey", "site")
    assert code == 1
    assert f"port {ombud.ports['OMBUD_PORT']} on 127.0.0.1 is in use by" in said
    assert f"(process {os.getpid()})" in said
    assert "OMBUD_PORT=" in said
    assert ombud.processes() == []


def test_a_second_start_is_refused_and_the_first_goes_on(ombud):
    first, _ = ombud.start_and_wait("site")
    code, said = ombud.refused("site")
    assert code == 1
    assert f"Ombud already runs from {ombud.folder} (process {first.pid}" in said
    assert psutil.pid_exists(ombud.pid_of("site"))
    answer = urllib.request.urlopen(f"http://127.0.0.1:{ombud.ports['OMBUD_PORT']}/", timeout=5)
    assert answer.read() == b"here"


def test_a_folder_that_cannot_be_written_is_named(ombud, tmp_path):
    obstacle = tmp_path / "a-file"
    obstacle.write_text("")
    code, said = ombud.refused("site", OMBUD_VAR=str(obstacle / "var"))
    assert code == 1
    assert f"Ombud cannot write to {obstacle / 'var'}" in said
    assert obstacle.read_text() == ""
    assert ombud.processes() == []


def test_a_port_that_is_no_number_is_refused(ombud):
    code, said = ombud.refused("site", OMBUD_PORT="eighty")
    assert code == 1
    assert "OMBUD_PORT must be a whole number from 1 to 65535, not 'eighty'." in said


def test_a_process_that_does_not_start_stops_the_others_and_shows_its_log(ombud):
    code, said = ombud.refused("valkey", "broken")
    assert code == 1
    assert "Broken did not start (exit status 3)" in said
    assert "a setting is missing" in said
    assert ombud.processes() == []


def test_a_task_that_fails_stops_everything(ombud):
    code, said = ombud.refused("valkey", "task")
    assert code == 1
    assert "Tables failed (exit status 3)" in said
    assert "a setting is missing" in said
    assert ombud.processes() == []


def test_a_killed_web_server_starts_again_with_its_orphaned_child_gone(ombud, eventually):
    popen, _ = ombud.start_and_wait("site")
    killed = ombud.pid_of("site")
    child = ombud.child_of_site()
    os.kill(killed, signal.SIGKILL)

    eventually(lambda: ombud.pid_of("site") != killed)

    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    _, said = stop(popen)
    assert "Site ended unexpectedly (killed by SIGKILL); it starts again in 0.5 s." in said
    assert ombud.processes() == []


def test_a_process_that_keeps_dying_ends_the_run(ombud, eventually):
    popen, _ = ombud.start_and_wait("valkey", "site")
    for _ in range(2):
        killed = ombud.pid_of("site")
        os.kill(killed, signal.SIGKILL)
        eventually(lambda old=killed: ombud.pid_of("site") != old)
    os.kill(ombud.pid_of("site"), signal.SIGKILL)
    said, _ = popen.communicate(timeout=20)
    assert popen.returncode == 1
    assert "Site ended 3 times within 60 s (last: killed by SIGKILL); Ombud stops." in said
    assert ombud.processes() == []


def test_a_killed_database_ends_the_run(ombud):
    popen, _ = ombud.start_and_wait("postgresql", "site")
    os.kill(ombud.pid_of("postgresql"), signal.SIGKILL)
    said, _ = popen.communicate(timeout=30)
    assert popen.returncode == 1
    assert "PostgreSQL ended unexpectedly (killed by SIGKILL); Ombud stops." in said
    assert ombud.processes() == []


def test_nothing_survives_a_killed_supervisor_and_the_next_start_is_clean(ombud, eventually):
    popen, _ = ombud.start_and_wait("postgresql", "valkey", "site")
    popen.kill()
    popen.wait()
    eventually(lambda: ombud.processes() == [], 20)
    assert "database system is shut down" in ombud.places.log("postgresql").read_text()

    again, said = ombud.start_and_wait("postgresql", "valkey", "site")

    assert "left running" not in said
    assert stop(again)[0] == 0


def test_a_start_right_after_the_kill_waits_for_the_guardian(ombud):
    popen, _ = ombud.start_and_wait("postgresql", "site")
    popen.kill()
    again, _ = ombud.start_and_wait("postgresql", "site")
    assert stop(again)[0] == 0
    assert ombud.processes() == []
