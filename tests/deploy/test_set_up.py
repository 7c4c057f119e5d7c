"""The pieces of a start: virtual environment, secrets, options, environment, clean-up."""

import json
import subprocess
import sys

import pytest

from deploy import __main__ as commands
from deploy import virtualenv
from deploy.embedded import mlflow
from deploy.environment import environment
from deploy.options import options_from
from deploy.places import PROJECT, Places
from deploy.refusal import Refusal
from deploy.secret_file import read_or_make


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """A project folder of its own, and the commands that would have been run in it."""
    monkeypatch.setattr(virtualenv, "PROJECT", tmp_path)
    monkeypatch.setattr(virtualenv, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(virtualenv, "STAMP", tmp_path / ".venv" / ".ombud")
    (tmp_path / "uv.lock").write_text("version = 1")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    (tmp_path / ".venv" / "bin" / "pip").touch()
    ran = []
    monkeypatch.setattr(virtualenv, "perform", lambda command, _mend: ran.append(command))
    return tmp_path, ran


def test_a_finished_environment_is_left_alone_until_the_lock_file_changes(venv):
    folder, ran = venv
    virtualenv.main("demo")
    assert len(ran) == 2
    virtualenv.main("demo")
    assert len(ran) == 2
    (folder / "uv.lock").write_text("version = 2")
    virtualenv.main("demo")
    assert len(ran) == 4


def test_the_demo_takes_the_environment_of_the_tests_but_not_the_other_way(venv):
    _, ran = venv
    virtualenv.main("all")
    virtualenv.main("demo")
    assert len(ran) == 2
    virtualenv.STAMP.write_text(f"{virtualenv.wanted()} demo")
    virtualenv.main("all")
    assert len(ran) == 4
    assert "dev" in ran[-1]


def test_a_broken_off_set_up_is_begun_again(venv, monkeypatch):
    _, ran = venv

    def fail(_command, _mend):
        raise SystemExit("no network")

    with monkeypatch.context() as patched:
        patched.setattr(virtualenv, "perform", fail)
        with pytest.raises(SystemExit):
            virtualenv.main("demo")
    virtualenv.main("demo")
    assert len(ran) == 2


def test_the_set_up_needs_nothing_but_the_standard_library():
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            "import sys; sys.path.insert(0, '.'); import deploy.virtualenv",
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_python_is_a_clear_sentence():
    done = subprocess.run(
        ["make", "PYTHON=no-such-python", "demo"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "python3.11 is not found" in done.stderr


def test_secrets_are_made_once_kept_private_and_completed(tmp_path):
    path = tmp_path / "secrets.json"
    first = read_or_make(path)
    assert len(set(first.values())) == len(first)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(json.dumps({k: v for k, v in first.items() if k != "valkey_password"}))
    second = read_or_make(path)
    assert second["valkey_password"] != first["valkey_password"]
    assert {**second, "valkey_password": ""} == {**first, "valkey_password": ""}


def test_unreadable_secrets_are_never_replaced(tmp_path):
    path = tmp_path / "secrets.json"
    path.write_text('{"postgresql')
    with pytest.raises(Refusal, match="Put the backup"):
        read_or_make(path)
    assert path.read_text() == '{"postgresql'


def test_a_given_address_wins_and_an_empty_one_does_not(tmp_path):
    options = options_from({"OMBUD_VAR": str(tmp_path)})
    secrets = read_or_make(tmp_path / "secrets.json")
    given = {"DATABASE_URL": "postgresql://db.example.org/ombud", "REDIS_URL": ""}
    found = environment(options, secrets, given)
    assert found["DATABASE_URL"] == "postgresql://db.example.org/ombud"
    assert found["REDIS_URL"].endswith("@127.0.0.1:63799/0")


def test_mlflow_does_not_see_the_keys_of_ombud(tmp_path):
    options = options_from({"OMBUD_VAR": str(tmp_path)})
    secrets = read_or_make(tmp_path / "secrets.json")
    seen = mlflow.environment(secrets, environment(options, secrets, {"PATH": "/bin"}))
    assert secrets["secret_key"] not in seen.values()
    assert not any(secrets["postgresql_password"] in value for value in seen.values())
    assert seen["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert seen["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_clean_up_removes_the_data_but_never_a_folder_that_is_not_ours(tmp_path):
    precious = tmp_path / "home"
    precious.mkdir()
    (precious / "letter").write_text("dear")
    with pytest.raises(Refusal, match="not made by Ombud"):
        commands.clean(options_from({"OMBUD_VAR": str(precious)}), [])
    assert (precious / "letter").exists()

    ours = Places(tmp_path / "var")
    ours.make()
    read_or_make(ours.secrets)
    assert commands.clean(options_from({"OMBUD_VAR": str(ours.root)}), []) == 0
    assert not ours.root.exists()


def test_clean_up_is_refused_while_it_runs(ombud):
    ombud.start_and_wait("site")
    with pytest.raises(Refusal, match="stop it first"):
        commands.clean(options_from(ombud.environment), [])
    assert ombud.places.secrets.exists()
