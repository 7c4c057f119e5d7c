"""`demo`, `up` and `run`: one start of Ombud, from the checks to the last stop."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deploy import guardian, lock
from deploy.checks import require_free_ports
from deploy.console import say
from deploy.embedded.postgresql import stop_orphan
from deploy.options import Options
from deploy.places import Places
from deploy.process import Plan
from deploy.processes import Setting, plan, setting
from deploy.supervisor import Supervisor, supervise


@contextmanager
def guarded(places: Places, *, address: str) -> Iterator[None]:
    """Alone in this folder, orphans stopped, and a guardian for the case of kill -9."""
    places.make()
    with lock.held(places, address=address) as descriptor:
        stop_orphans(places)
        watcher = guardian.start(places, lock=descriptor)
        try:
            yield
        finally:
            guardian.dismiss(watcher)


def stop_orphans(places: Places) -> None:
    titles = guardian.stop_noted(places)
    if stop_orphan(places.data("postgresql")):
        titles.append("PostgreSQL")
    if titles:
        say(f"Stopped what an earlier run had left running: {', '.join(titles)}.")


def start(options: Options, after: Callable[[Supervisor, Setting], None]) -> int:
    """Start everything, do what comes `after`, and stay until asked to stop."""
    with guarded(options.places, address=options.address):
        it = setting(options)
        steps = plan(it)
        require_free_ports(steps.processes)
        supervisor = Supervisor(options.places)
        return supervise(supervisor, lambda: work(supervisor, it, steps, after))


def work(
    supervisor: Supervisor,
    it: Setting,
    steps: Plan,
    after: Callable[[Supervisor, Setting], None],
) -> int:
    supervisor.perform(steps)
    after(supervisor, it)
    say(f"\nOmbud answers at {it.environment['OMBUD_PUBLIC_URL']} (Ctrl-C stops it).")
    supervisor.stay()
    return 0


def load_demo(supervisor: Supervisor, it: Setting) -> None:
    """The demonstration's people and data, once; then who they are."""
    places = it.options.places
    loaded = places.root / "demo.loaded"
    if not loaded.exists():
        prepare = it.manage("prepare_demo", title="People of the demonstration", shown=True)
        supervisor.complete(prepare)
        wait_for_mlflow(supervisor, it)
        supervisor.complete(
            it.task("-m", "demo", name="demo", title="Loading the demonstration", shown=True)
        )
        loaded.touch()
    introduce_people(places)


def wait_for_mlflow(supervisor: Supervisor, it: Setting) -> None:
    if it.embedded("MLFLOW_TRACKING_URI"):
        say("Waiting for MLflow …")
        supervisor.wait_for("mlflow")


def introduce_people(places: Places) -> None:
    """Names and passwords of the demo people, as var/demo.json has them."""
    say("\nPeople of the demonstration:")
    for person in json.loads(places.demo.read_text())["people"]:
        password = person.get("password", "(signs in with its token only)")
        say(f"  {person['email']:<20} {password:<32} {person['does']}")
    say(f"Their API tokens are in {places.demo}.")


def ask_for_administrator(supervisor: Supervisor, it: Setting) -> None:
    """Once, at the first start at a terminal; later or elsewhere the command is named."""
    asked = it.options.places.root / "administrator.asked"
    if asked.exists():
        return
    if not sys.stdin.isatty():
        say("Create the first administrator: make manage ARGS=create_first_administrator")
        return
    supervisor.complete(
        it.manage("create_first_administrator", title="First administrator", interactive=True)
    )
    asked.touch()


def nothing_more(_supervisor: Supervisor, _it: Setting) -> None:
    """`run`: the servers and nothing else."""
