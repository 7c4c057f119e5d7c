"""A small Ombud for the tests: `python -m tests.deploy.small_run SERVER…`.

Addresses come from the environment. `site` stands where the web server stands: it answers on the
port, and its child would survive it.
"""

import os
import sys
from collections.abc import Mapping

from deploy.answers import answers
from deploy.checks import require_free_ports
from deploy.console import complain, say
from deploy.embedded import postgresql, valkey
from deploy.options import Options, options_from
from deploy.places import PROJECT
from deploy.process import Plan, Process, Task
from deploy.refusal import Refusal
from deploy.secret_file import read_or_make
from deploy.start import guarded
from deploy.supervisor import Supervisor, supervise

SITE = """
import http.server, os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "child-of-site"])
class Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"here")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Quiet).serve_forever()
"""
BROKEN = "import sys; print('a setting is missing'); sys.exit(3)"


def script(options: Options, name: str, source: str, *, restart: bool) -> Process:
    return Process(
        name=name,
        title=name.capitalize(),
        command=[sys.executable, "-c", source, str(options.web_port)],
        environment=dict(os.environ),
        folder=PROJECT,
        ready=lambda: answers(f"http://127.0.0.1:{options.web_port}/"),
        ready_within=10,
        restart=restart,
        stop_within=3,
        port=("127.0.0.1", options.web_port),
        port_variable="OMBUD_PORT",
    )


def chosen(options: Options, secrets: Mapping[str, str], name: str) -> Process | Task:
    if name == "postgresql":
        return postgresql.process(options, secrets, throwaway=True)
    if name == "valkey":
        return valkey.process(options, secrets)
    if name == "task":
        command = [sys.executable, "-c", BROKEN]
        return Task("task", "Tables", command, dict(os.environ), PROJECT)
    source = SITE if name == "site" else BROKEN
    return script(options, name, source, restart=True)


def main(names: list[str]) -> int:
    options = options_from(os.environ)
    with guarded(options.places, address=options.address):
        secrets = read_or_make(options.places.secrets)
        plan = Plan([chosen(options, secrets, name) for name in names])
        require_free_ports(plan.processes)
        supervisor = Supervisor(options.places)

        def work() -> int:
            supervisor.perform(plan)
            say("all up")
            supervisor.stay()
            return 0

        return supervise(supervisor, work)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as refusal:
        complain(str(refusal))
        sys.exit(1)
