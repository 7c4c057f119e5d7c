"""`make calibrate`: the null and power suites, observed against declared. `--quick` in a minute.

Exits with 1 where the declared false-alarm rate is broken or a power goal is missed.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import scipy

from benchmarks.calibrate import report
from benchmarks.calibrate.looks import looks
from benchmarks.calibrate.monitors import Contingency, one_sample
from benchmarks.calibrate.power import powers
from benchmarks.calibrate.quiet import Setting, Tally, grid, margins, quarter
from benchmarks.calibrate.tails import of_cells, of_rows
from monitoring.stats import null
from monitoring.stats.evidence import VERSION


def main() -> int:
    """Print every table as Markdown; returns the exit code."""
    wanted = _arguments()
    began = time.perf_counter()
    _heading()
    contingency = one_sample if wanted.plant_fault else null.contingency
    kept = _quiet(quick=wanted.quick, repeats=wanted.repeats, contingency=contingency)
    met = _power(quick=wanted.quick)
    _rest(quick=wanted.quick)
    _say(f"\nThe whole took {time.perf_counter() - began:.0f} s on one core.\n")
    return 0 if kept and met else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make calibrate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small grid, within a minute")
    parser.add_argument("--repeats", type=int, default=1, help="model-quarters for each setting")
    parser.add_argument("--plant-fault", action="store_true", help="PSI by a one-sample chi-square")
    return parser.parse_args()


def _heading() -> None:
    libraries = f"NumPy {np.__version__}, SciPy {scipy.__version__}"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    _say(f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {libraries}, statistics {VERSION}\n")


def _quiet(*, quick: bool, repeats: int, contingency: Contingency) -> bool:
    results: dict[Setting, Tally] = {}
    for place, setting in enumerate(grid(quick=quick)):
        results[setting] = Tally()
        for repeat in range(repeats):
            seed = 1_000 * place + repeat
            results[setting].add(quarter(setting, seed, contingency=contingency))
    totals = margins(results)
    _say(f"\n### Nothing changes\n\n{report.quiet_table(totals)}\n")
    _say(report.measures_table(totals["all"]))
    return all(tally.kept for tally in totals.values()) and not totals["all"].broken


def _power(*, quick: bool) -> bool:
    found = powers(runs=40 if quick else 200, references=(100_000,) if quick else (10_000, 100_000))
    _say(f"\n### Something changes\n\n{report.power_table(found)}")
    return all(one.second >= report.GOAL * one.runs for one in found if one.reference == 100_000)


def _rest(*, quick: bool) -> None:
    parts: tuple[tuple[str, Callable[[], str]], ...] = (
        ("Looking every hour", lambda: report.looks_table(looks(quarters=10 if quick else 200))),
        ("Tails: counts", lambda: report.tails_table(of_cells(2_000 if quick else 100_000))),
        ("Tails: rows", lambda: report.tails_table(of_rows(200 if quick else 10_000))),
    )
    for title, made in parts:
        _say(f"\n### {title}\n\n{made()}")


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
