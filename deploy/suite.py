"""`make test`: the whole suite on servers of its own, which live as long as it runs."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from deploy import chromium
from deploy.checks import free_ports, require_free_ports
from deploy.console import say
from deploy.options import Options
from deploy.places import PROJECT, Places
from deploy.process import Plan, Task
from deploy.processes import Setting, servers, setting
from deploy.start import guarded
from deploy.supervisor import Supervisor, supervise

FORGOTTEN = ("OMBUD_", "DATABASE_URL", "REDIS_URL", "MLFLOW_", "AWS_", "PYTEST_ADDOPTS")
# What targets such as `make flips` ask of the tests.
ASKED = "OMBUD_TEST_"
WORKERS = "2"
MLFLOW = "MLFLOW_TRACKING_URI"


def run(arguments: list[str]) -> int:
    chromium.require()
    folder = Path(tempfile.mkdtemp(prefix="ombud-test-"))
    try:
        return run_in(folder, arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_in(folder: Path, arguments: list[str]) -> int:
    options = options_for(folder)
    with guarded(options.places, address="the test suite"):
        it = setting(options, given=given())
        steps = Plan([one for one in servers(it, throwaway=True) if one.name != "mlflow"])
        require_free_ports(steps.processes)
        supervisor = Supervisor(options.places)
        return supervise(supervisor, lambda: work(supervisor, it, steps, arguments))


def work(supervisor: Supervisor, it: Setting, steps: Plan, arguments: list[str]) -> int:
    supervisor.perform(steps)
    code = supervisor.run_task(pytest(it, arguments))
    say("The test servers are stopped and their data removed.")
    return code


def given() -> dict[str, str]:
    """The caller's environment without anything that could lead to servers in use."""
    kept = {name: value for name, value in os.environ.items() if _is_kept(name)}
    return kept | {"OMBUD_DEBUG": "1"}


def _is_kept(name: str) -> bool:
    return name.startswith(ASKED) or not name.startswith(FORGOTTEN)


def options_for(folder: Path) -> Options:
    web, postgresql, valkey, mlflow = free_ports(4)
    return Options(Places(folder), "127.0.0.1", web, postgresql, valkey, mlflow, 2, 2)


def pytest(it: Setting, arguments: list[str]) -> Task:
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "deploy.pytest_suite"]
    if not any(part.startswith("-n") for part in arguments):
        command += ["-n", WORKERS, "--dist", "loadfile"]
    # Webhooks reach every listener of a server, so each test process starts an MLflow of its own.
    environment = {name: it.environment[name] for name in it.environment if name != MLFLOW}
    return Task("pytest", "Tests", [*command, *arguments], environment, PROJECT, shown=True)
