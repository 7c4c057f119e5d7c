"""The plugin of `make test`: nothing is skipped in CI, and workers do not meet in one broker."""

import subprocess
import sys

import pytest

from deploy import pytest_suite, suite
from deploy.places import PROJECT

SKIPPING = """
import pytest

def test_works():
    pass

@pytest.mark.skip(reason="no browser")
def test_browser():
    raise AssertionError
"""


def run_suite(folder, **variables):
    (folder / "test_some.py").write_text(SKIPPING)
    command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "-rs", "-p", "no:django"]
    return subprocess.run(
        [*command, "-p", "deploy.pytest_suite", "--rootdir", str(folder), str(folder)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT), **variables},
    )


def test_in_ci_a_skipped_test_fails_the_suite_and_is_named(tmp_path):
    done = run_suite(tmp_path, CI="true")
    assert done.returncode == 1
    assert "1 tests were skipped; in CI none may be." in done.stdout
    assert "no browser" in done.stdout


def test_elsewhere_a_skipped_test_is_named_only(tmp_path):
    done = run_suite(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "no browser" in done.stdout


def test_each_worker_has_a_broker_number_a_store_and_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.delenv(pytest_suite.OWN, raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:6/0")
    monkeypatch.setenv("OMBUD_STORE", "file:///data/store")
    monkeypatch.setenv("OMBUD_VAR", str(tmp_path))
    with pytest.MonkeyPatch.context() as environment:
        environment.setattr(pytest_suite.os, "environ", dict(pytest_suite.os.environ))
        pytest_suite.separate("gw1")
        pytest_suite.separate("gw1")  # a child of the worker inherits what is set already
        changed = pytest_suite.os.environ
        assert changed["REDIS_URL"] == "redis://:secret@127.0.0.1:6/2"
        assert changed["OMBUD_STORE"] == "file:///data/store/gw1"
        assert changed["OMBUD_VAR"] == f"{tmp_path}/gw1"


def test_what_a_target_asks_of_the_tests_reaches_them_and_addresses_in_use_do_not(monkeypatch):
    monkeypatch.setenv("OMBUD_TEST_FLIPS", "1000")
    monkeypatch.setenv("OMBUD_STORE", "s3://in-use")
    monkeypatch.setenv("DATABASE_URL", "postgresql://in-use/ombud")
    kept = suite.given()
    assert kept["OMBUD_TEST_FLIPS"] == "1000"
    assert not {"OMBUD_STORE", "DATABASE_URL"} & set(kept)
