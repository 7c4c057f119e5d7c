"""`make bench`: how long a running demonstration takes to answer, beside doing nothing.

Two addresses are asked in turn in one run, over one connection, so that a busy machine slows both:
the ratio and the difference mean something, single times do not.
"""

import json
import os
import platform
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import requests

ROUNDS = 500
WARM_UP = 50
NOTHING = "/healthz"
ASKED = (
    "/api/v1/models/flight-delay/status",
    "/api/v1/models/flight-delay/status?at=2100-01-01T00:00:00Z",
    "/api/v1/models",
    "/api/v1/models/flight-delay/measurements",
)


def main() -> int:
    written = Path(os.environ.get("OMBUD_VAR", "var")) / "demo.json"
    if not written.exists():
        sys.stderr.write("Start the demonstration first: make demo\n")
        return 1
    demo = json.loads(written.read_text())
    token = next(one["token"] for one in demo["people"] if one["key"] == "robot")
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {token}"
    print_table(demo["address"], session)
    return 0


def print_table(address: str, session: requests.Session) -> None:
    now = datetime.now(UTC)
    write = sys.stdout.write
    write(f"{now:%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}, ")
    write(f"{ROUNDS} requests each, in turn, over one connection\n\n")
    write("| address | median | 95 % | more than doing nothing | × doing nothing |\n")
    write("|---|---|---|---|---|\n")
    for path in ASKED:
        nothing, times = in_turn(session, address + NOTHING, address + path)
        floor, median = statistics.median(nothing), statistics.median(times)
        late = statistics.quantiles(times, n=20)[-1]
        more = f"{median - floor:.1f} ms | {median / floor:.1f}"
        write(f"| `{path}` | {median:.1f} ms | {late:.1f} ms | {more} |\n")


def in_turn(session: requests.Session, one: str, other: str) -> tuple[list[float], list[float]]:
    """Milliseconds of both addresses, asked alternately after a warm-up."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(WARM_UP + ROUNDS):
        for times, url in zip(taken, (one, other), strict=True):
            began = time.perf_counter()
            session.get(url, timeout=30).raise_for_status()
            if turn >= WARM_UP:
                times.append(1000 * (time.perf_counter() - began))
    return taken


if __name__ == "__main__":
    sys.exit(main())
