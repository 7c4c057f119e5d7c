"""`make bench ARGS=answers`: how a running demonstration answers, beside doing nothing.

Two addresses are asked in turn in one run, over one connection, so that a busy machine slows both:
the ratio and the difference mean something, single times do not. "In the server" is what the answer
itself says (`Server-Timing`): the rest of the time went on the way and in this client.
"""

import json
import os
import platform
import re
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

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


class Times(NamedTuple):
    """Milliseconds of requests: from the client's side, and as the server says."""

    whole: list[float]
    server: list[float]


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
    write(f"{ROUNDS} requests each, in turn, over one connection; median (95 %)\n\n")
    write("| address | in the server | whole | more than doing nothing | × doing nothing |\n")
    write("|---|---|---|---|---|\n")
    for path in ASKED:
        nothing, found = in_turn(session, address + NOTHING, address + path)
        whole = statistics.median(found.whole)
        floor = statistics.median(nothing.whole)
        more = f"{whole - floor:.1f} ms | {whole / floor:.1f}"
        write(f"| `{path}` | {spread(found.server)} | {spread(found.whole)} | {more} |\n")


def spread(times: list[float]) -> str:
    """Median and 95th percentile."""
    late = statistics.quantiles(times, n=20)[-1]
    return f"{statistics.median(times):.1f} ms ({late:.1f} ms)"


def in_turn(session: requests.Session, one: str, other: str) -> tuple[Times, Times]:
    """Times of both addresses, asked alternately after a warm-up."""
    taken = (Times([], []), Times([], []))
    for turn in range(WARM_UP + ROUNDS):
        for times, url in zip(taken, (one, other), strict=True):
            began = time.perf_counter()
            answer = session.get(url, timeout=30)
            ended = time.perf_counter()
            answer.raise_for_status()
            if turn >= WARM_UP:
                times.whole.append(1000 * (ended - began))
                times.server.append(server_time(answer.headers.get("Server-Timing", "")))
    return taken


def server_time(header: str) -> float:
    """The milliseconds that an answer says it took.

    Raises:
        ValueError: the server does not say.
    """
    found = re.search(r"\bapp;dur=([0-9.]+)", header)
    if found is None:
        raise ValueError(f"This server does not say how long it took: {header!r}.")
    return float(found[1])
