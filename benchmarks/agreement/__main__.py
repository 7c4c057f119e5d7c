"""`make agreement`: every measure beside its oracle, with the largest difference seen.

make agreement                  print the table; exit code 1 where a difference is too large
make agreement ARGS=--write     and write it into docs/statistics.md
"""

import argparse
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.agreement import distances, groups, joints, outcomes, report, series, service
from benchmarks.agreement.catalogue import MEASURES
from benchmarks.agreement.seen import Seen
from monitoring.stats.evidence import VERSION

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
PARTS = (distances, joints, outcomes, groups, series, service)


def main() -> int:
    """Print the table as Markdown; return the exit code."""
    asked = _asked()
    began = time.perf_counter()
    seen = everything()
    body = f"{_heading()}\n\n{report.summary(seen)}\n\n{report.tabled(MEASURES, seen)}"
    sys.stdout.write(f"{body}\n\nIt took {time.perf_counter() - began:.0f} s.\n")
    if asked.write:
        PAGE.write_text(report.written(PAGE.read_text(), body))
    return 0 if all(one.kept for one in seen) else 1


def everything() -> list[Seen]:
    """Return every comparison, seeds fixed."""
    return [one for part in PARTS for one in part.compared()]


def _asked() -> argparse.Namespace:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("agreement", description=__doc__, formatter_class=formatter)
    parser.add_argument("--write", action="store_true", help="write docs/statistics.md")
    return parser.parse_args()


def _heading() -> str:
    libraries = ", ".join(report.versioned(name) for name in report.LIBRARIES)
    python = f"Python {platform.python_version()}, {platform.machine()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {python}, {libraries}, statistics {VERSION}."


if __name__ == "__main__":
    sys.exit(main())
