"""A pytest plugin of `make test`: in CI nothing is skipped, and workers do not share a broker.

Loaded with `-p deploy.pytest_suite` before Django reads its settings.
"""

import os
import re
from pathlib import Path

import pytest

OWN = "OMBUD_TEST_SHARE_OF"


def separate(worker: str) -> None:
    """Give this xdist worker its own Redis database and object store; the database has a suffix."""
    if os.environ.get(OWN) == worker:
        return
    number = int(worker.removeprefix("gw")) + 1
    if url := os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = re.sub(r"/\d+$", f"/{number}", url)
    if (store := os.environ.get("OMBUD_STORE", "")).startswith("file://"):
        os.environ["OMBUD_STORE"] = f"{store.rstrip('/')}/{worker}"
    if folder := os.environ.get("OMBUD_VAR"):
        own = Path(folder) / worker
        own.mkdir(parents=True, exist_ok=True)
        os.environ["OMBUD_VAR"] = str(own)
    os.environ[OWN] = worker


if _worker := os.environ.get("PYTEST_XDIST_WORKER"):
    separate(_worker)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: a suite that checked less must not look green."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI", "").lower() not in {"1", "true"} or reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"\n{len(skipped)} tests were skipped; in CI none may be.", red=True)
