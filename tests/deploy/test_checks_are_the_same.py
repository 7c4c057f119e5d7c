"""pre-commit and CI run exactly what `make check` runs."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()


def checks():
    return re.search(r"^check: (check-.*)$", MAKEFILE, re.MULTILINE)[1].split()


def test_pre_commit_runs_every_check_and_no_other():
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    entries = [hook["entry"] for repo in configuration["repos"] for hook in repo["hooks"]]
    assert entries == [f"make --no-print-directory {name}" for name in checks()]
    assert len(entries) == 7


def test_ci_runs_check_and_test():
    script = (ROOT / ".ci" / "run").read_text()
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert re.findall(r"^make --no-print-directory (\w+)", script, re.MULTILINE) == [
        "check",
        "test",
    ]
    assert "export CI=true" in script


def test_every_command_of_the_makefile_is_explained():
    targets = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)
    inner = {name for name in targets if name.startswith(("check-", "environment"))}
    explained = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    assert set(targets) - inner == explained
