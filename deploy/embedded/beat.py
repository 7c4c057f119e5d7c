"""Beat: tells the workers when it is time; the ledger decides what is due."""

import sys
from collections.abc import Mapping

from deploy.options import Options
from deploy.places import PROJECT
from deploy.process import Process


def process(options: Options, environment: Mapping[str, str]) -> Process:
    data = options.places.data("beat")
    return Process(
        name="beat",
        title="Beat",
        command=[
            *(sys.executable, "-m", "celery", "-A", "config", "beat", "--loglevel", "INFO"),
            *("--schedule", str(data / "schedule")),
        ],
        environment=environment,
        folder=PROJECT,
        prepare=lambda: data.mkdir(parents=True, exist_ok=True),
        restart=True,
        stop_within=5,
    )
