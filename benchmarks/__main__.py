"""`make bench`: the figures to beat, ingestion and growth; `answers` times a running demonstration.

make bench                             all parts, one million rows on each side
make bench ARGS="--rows 100000"        the same, quickly
make bench ARGS="--only drift ks"      some parts
make bench ARGS=--write                and write docs/benchmarks.md
make bench ARGS=answers                how long a running demonstration takes to answer
"""

import argparse
import sys
from pathlib import Path

from benchmarks import answers, datasets, report
from benchmarks.children import PROJECT

PAGE = PROJECT / "docs" / "benchmarks.md"
FOLDER = PROJECT / "var" / "bench"


def main() -> int:
    asked = _asked()
    if asked.what == "answers":
        return answers.main()
    folder = _prepared(asked.rows)
    parts = report.parts(folder, rows=asked.rows, only=asked.only)
    for name, body in parts:
        sys.stdout.write(f"## {report.TITLES[name]}\n\n{body}\n\n")
        sys.stdout.flush()
        if asked.write:
            PAGE.write_text(report.written(PAGE.read_text(), name, body))
    return 0


def _asked() -> argparse.Namespace:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("benchmarks", description=__doc__, formatter_class=formatter)
    parser.add_argument("what", nargs="?", default="all", choices=("all", "answers"))
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows on each side")
    parser.add_argument("--only", nargs="+", choices=report.NAMES, default=report.NAMES)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


def _prepared(rows: int) -> Path:
    """The folder with the data of this size, which are made where they are not there."""
    folder = FOLDER / f"{rows}-{datasets.VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    for side in datasets.SIDES:
        for name, made in (("features", datasets.features), ("decisions", datasets.decisions)):
            path = folder / f"{name}-{side}.parquet"
            if not path.exists():
                unfinished = path.with_suffix(".part")
                datasets.write(unfinished, made(rows, side=side)).rename(path)
    return folder


if __name__ == "__main__":
    sys.exit(main())
