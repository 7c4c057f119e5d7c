"""The worker: Celery, one message at a time for every process."""

import sys
from collections.abc import Mapping

from deploy.options import Options
from deploy.places import PROJECT
from deploy.process import Process

QUEUES = ("ingest", "evaluate", "lifecycle", "sandbox")


def process(options: Options, environment: Mapping[str, str]) -> Process:
    return Process(
        name="worker",
        title="Worker",
        command=[
            *(sys.executable, "-m", "celery", "-A", "config", "worker"),
            *("--concurrency", str(options.worker_concurrency), "--prefetch-multiplier", "1"),
            *("-O", "fair", "--queues", ",".join(QUEUES), "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        environment=environment,
        folder=PROJECT,
        restart=True,
        stop_within=10,  # a job that is cut off here is taken again by its lease
    )
