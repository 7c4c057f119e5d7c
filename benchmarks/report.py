"""The parts of the report: what is measured for each, and how it is written down."""

import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy
import pyarrow
import scipy

from benchmarks import comparison, growth, markdown
from benchmarks.children import run_module

TITLES = {
    "compared": "Beside other libraries",
    "ingestion": "Ingestion",
    "growth": "Growth",
}
NAMES = (*comparison.PARTS, "ingestion", "growth")
GOALS = {("Parquet", 10): 250_000, ("NDJSON", 10): 40_000}
BOUND = 0.6
UPLOAD = 100_000


def parts(folder: Path, *, rows: int, only: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The chosen parts in their order, each measured when it is asked for: name and Markdown."""
    wanted = [name for name in comparison.PARTS if name in only]
    if wanted:
        yield "compared", _compared(folder, rows, wanted)
    if "ingestion" in only:
        yield "ingestion", _ingestion(min(rows, UPLOAD))
    if "growth" in only:
        yield "growth", _growth(folder, 10 * rows)


def written(page: str, name: str, body: str) -> str:
    """The page with one part written anew."""
    return markdown.replaced(page, name, f"## {TITLES[name]}\n\n{body}")


def machine() -> str:
    """Date, processor, cores and versions, in one line."""
    versions = (
        f"NumPy {numpy.__version__}, SciPy {scipy.__version__}, pyarrow {pyarrow.__version__}"
    )
    python = f"Python {platform.python_version()}"
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return f"{today}, {_processor()}, {os.cpu_count()} cores, {python}, {versions}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "?")


def _compared(folder: Path, rows: int, wanted: Sequence[str]) -> str:
    found = [row for name in wanted for row in comparison.PARTS[name](folder)]
    size = f"{rows:,} reference and {rows:,} current rows, 20 numeric and 5 categorical fields"
    return f"{machine()}; {size}.\n\n{comparison.table(found)}"


def _ingestion(rows: int) -> str:
    found = run_module("benchmarks.ingestion", str(rows)).said["found"]
    headers = ("format", "fields", "rows", "rows/s", "pyarrow writes", "% of it", "as we write")
    table = markdown.table((*headers, "% of it", "goal"), [_ingested(one) for one in found])
    return f"{machine()}; rows per CPU second.\n\n{table}"


def _ingested(one: dict[str, Any]) -> tuple[object, ...]:
    taken, default, same = one["taken"], one["default"], one["same"]
    return (
        one["format"],
        one["width"],
        f"{one['rows']:,}",
        f"{taken:,.0f}",
        f"{default:,.0f}",
        f"{taken / default:.0%}",
        f"{same:,.0f}",
        f"{taken / same:.0%}",
        _reached(one["format"], one["width"], taken, default),
    )


def _reached(kind: str, width: int, taken: float, default: float) -> str:
    said = []
    if goal := GOALS.get((kind, width)):
        said.append(f"≥ {goal:,}/s: {'yes' if taken >= goal else '**no**'}")
    if kind == "Parquet":
        said.append(f"≥ {BOUND:.0%}: {'yes' if taken >= BOUND * default else '**no**'}")
    return "; ".join(said) or "–"


def _growth(folder: Path, largest: int) -> str:
    found = run_module("benchmarks.growth", str(folder), str(largest)).said["found"]
    rows = [_grown(points, place) for points in found.values() for place in range(len(points))]
    table = markdown.table(("of", "count", "grows as", "judge", "grows as"), rows)
    return f"{machine()}; CPU time.\n\n{table}"


def _grown(points: list[dict[str, Any]], place: int) -> tuple[str, ...]:
    """One line: cost, and the power of the size with which it grew since the line before."""
    point, before = points[place], points[place - 1] if place else None
    cells = [f"{point['size']:,} {point['of']}"]
    for what in ("count", "judge"):
        cost = point[what]
        cells.append("–" if cost is None else markdown.seconds(cost))
        known = before is not None and cost is not None
        cells.append(f"n^{growth.slope(before, point, what):.2f}" if before and known else "–")
    return tuple(cells)
