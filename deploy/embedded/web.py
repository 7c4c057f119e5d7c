"""The web server: granian serving Django over WSGI."""

import sys
from collections.abc import Mapping

from deploy.answers import answers
from deploy.options import Options
from deploy.places import PROJECT
from deploy.process import Process

ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to ask, not where to listen


def process(options: Options, environment: Mapping[str, str]) -> Process:
    asked = ANY.get(options.host, options.host)
    return Process(
        name="web",
        title="Web",
        command=command(options),
        environment=environment,
        folder=PROJECT,
        ready=lambda: answers(f"http://{asked}:{options.web_port}/healthz"),
        restart=True,
        stop_group=True,
        stop_within=5,
        port=(options.host, options.web_port),
        port_variable="OMBUD_PORT",
    )


def command(options: Options) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
        *("--host", options.host, "--port", str(options.web_port)),
        *("--workers", str(options.web_workers), "--blocking-threads", "4"),
        *("--respawn-failed-workers", "--workers-kill-timeout", "3"),
        *("--no-ws", "--access-log", "config.wsgi:application"),
    ]
