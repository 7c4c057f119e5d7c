"""An environment is a program of somebody else's too: nothing in it runs before the layers hold."""

import subprocess
import venv

import pytest

from sandbox.errand import Ending, Errand, Limits
from sandbox.run import run

# Runs whoever starts an interpreter that looks for such files.
BY_ITSELF = "import os; open({mark!r}, 'w').close(); os._exit(7)\n"


@pytest.fixture
def environment(tmp_path):
    """A folder of packages, in an environment as `venv` makes it."""
    venv.create(tmp_path / "environment", symlinks=True)
    return next((tmp_path / "environment").glob("lib/python3*/site-packages"))


@pytest.mark.parametrize("name", ["evil.pth", "sitecustomize.py", "usercustomize.py"])
@pytest.mark.parametrize("by", ["packages", "python"])
def test_what_would_run_at_every_start_is_not_run(environment, tmp_path, name, by):
    mark = tmp_path / "was-here"
    (environment / name).write_text(BY_ITSELF.format(mark=str(mark)))
    where = {
        "packages": {"packages": environment},
        "python": {"python": tmp_path / "environment" / "bin" / "python"},
    }[by]
    outcome = run(Errand("probe", limits=Limits(wall_seconds=20), **where))
    assert (outcome.ending, outcome.detail) == (Ending.DONE, "")
    assert not mark.exists()


def test_the_same_file_does_run_where_an_interpreter_is_started_plainly(environment, tmp_path):
    """The test above would pass for nothing if this did not."""
    mark = tmp_path / "was-here"
    (environment / "evil.pth").write_text(BY_ITSELF.format(mark=str(mark)))
    python = tmp_path / "environment" / "bin" / "python"
    done = subprocess.run([str(python), "-I", "-c", "pass"], check=False)
    assert (done.returncode, mark.exists()) == (7, True)


@pytest.mark.parametrize(
    ("tries", "told"),
    [
        ("open({mark!r}, 'w')", "Permission denied"),
        ("import socket; socket.socket()", "socket"),
        ("import subprocess; subprocess.run(['touch', {mark!r}])", "subprocess.Popen"),
    ],
    ids=["file", "socket", "program"],
)
def test_a_package_that_means_harm_is_imported_inside_the_layers(tmp_path, tries, told):
    """It takes the place of one that every task imports."""
    mark = tmp_path / "was-here"
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "numpy.py").write_text(tries.format(mark=str(mark)))
    outcome = run(Errand("predict", packages=packages, limits=Limits(wall_seconds=20)))
    assert outcome.ending is Ending.FORBIDDEN_CALL
    assert told in outcome.detail
    assert not mark.exists()


def test_ours_are_not_seen_by_another_environment(tmp_path):
    packages = tmp_path / "packages"
    packages.mkdir()
    outcome = run(Errand("predict", packages=packages, limits=Limits(wall_seconds=20)))
    assert outcome.ending is Ending.CRASHED
    assert "No module named" in outcome.detail
