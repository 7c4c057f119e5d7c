"""Starts the steps of a plan in order, keeps the processes running, and stops them all."""

import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from deploy import child as children
from deploy import notes
from deploy.child import Child
from deploy.console import begin, complain, say
from deploy.places import Places
from deploy.process import Call, Plan, Process, Step, Task, at_once
from deploy.refusal import Refusal

TURN = 0.1  # seconds between two looks at the children
DEATHS_WITHIN = 60  # seconds
DEATHS_ALLOWED = 3
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAsked(Exception):
    """Ctrl-C, or a signal that means the same."""


class Supervisor:
    """Owns the processes of one run; `with` stops them whatever happened."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.run = secrets.token_hex(8)
        self.children: list[Child] = []
        self.asked = False
        self.in_line = False

    def perform(self, plan: Plan) -> None:
        """Take the steps of the plan, one after the other."""
        for number, step in enumerate(plan.steps, start=1):
            begin(f"{number}/{len(plan.steps)} {step.title}")
            self.in_line = True
            started = time.monotonic()
            end = self.take(step)
            self.in_line = False
            say(f"{end} in {time.monotonic() - started:.1f} s")

    def take(self, step: Step) -> str:
        if isinstance(step, Call):
            return step.function() or "done"
        if isinstance(step, Task):
            self.complete(step)
            return "done"
        return self.launch(step)

    def launch(self, process: Process) -> str:
        process.prepare()
        order = len(self.children)
        child = children.spawn(process, order=order, run=self.run, places=self.places)
        self.children.append(child)
        if not process.wait:
            return "started"
        self.wait_for(process.name)
        return "started" if process.ready is at_once else "ready"

    def wait_for(self, name: str) -> None:
        """Until the process answers; its death before that, or silence, ends the run."""
        child = next(child for child in self.children if child.process.name == name)
        until = time.monotonic() + child.process.ready_within
        while not child.settled:
            self.turn()
            if child.start_again_at is None and child.process.ready():
                child.process.settle()
                child.settled = True
            elif time.monotonic() > until:
                raise Refusal(
                    f"{child.process.title} does not answer after "
                    f"{child.process.ready_within:.0f} s. {self.log_of(name)}"
                )

    def complete(self, task: Task) -> None:
        """Run the task to its end while the processes are watched."""
        if task.shown or task.interactive:
            self.break_line()
        code = self.run_task(task)
        if code:
            raise Refusal(
                f"{task.title} failed ({children.how_it_ended(code)})."
                + ("" if task.shown or task.interactive else f" {self.log_of(task.name)}")
            )

    def run_task(self, task: Task) -> int:
        """Run the task and return its exit status."""
        popen = children.start_task(task, places=self.places)
        try:
            while (code := popen.poll()) is None:
                self.turn()
            return code
        finally:
            children.end_task(popen)

    def stay(self) -> None:
        """Keep everything running until somebody asks to stop."""
        while True:
            self.turn()

    def turn(self) -> None:
        time.sleep(TURN)
        if self.asked:
            raise StopAsked
        for child in self.children:
            self.look_after(child)

    def look_after(self, child: Child) -> None:
        if child.start_again_at is not None:
            if time.monotonic() >= child.start_again_at:
                self.start_again(child)
        elif (code := child.popen.poll()) is not None:
            self.bury(child, code)

    def bury(self, child: Child, code: int) -> None:
        """A process ended by itself: end its group, then plan a new start or give up."""
        notes.stop(child.note)
        now = time.monotonic()
        child.deaths = [at for at in child.deaths if at > now - DEATHS_WITHIN] + [now]
        self.give_up_if_hopeless(child, children.how_it_ended(code))
        delay = 0.5 * 2 ** (len(child.deaths) - 1)
        child.start_again_at = now + delay
        self.break_line()
        complain(
            f"{child.process.title} ended unexpectedly ({children.how_it_ended(code)}); "
            f"it starts again in {delay:.1f} s."
        )

    def give_up_if_hopeless(self, child: Child, how: str) -> None:
        title, log = child.process.title, self.log_of(child.process.name)
        if child.process.wait and not child.settled:
            raise Refusal(f"{title} did not start ({how}). {log}")
        if not child.process.restart:
            raise Refusal(f"{title} ended unexpectedly ({how}); Ombud stops. {log}")
        if len(child.deaths) >= DEATHS_ALLOWED:
            raise Refusal(
                f"{title} ended {DEATHS_ALLOWED} times within {DEATHS_WITHIN} s (last: {how}); "
                f"Ombud stops. {log}"
            )

    def start_again(self, child: Child) -> None:
        fresh = children.spawn(child.process, order=child.order, run=self.run, places=self.places)
        child.popen, child.note, child.start_again_at = fresh.popen, fresh.note, None

    def stop(self) -> None:
        """Stop the processes, last started first."""
        for child in reversed(self.children):
            notes.stop(child.note)
            child.popen.wait()
            notes.forget(self.places.notes, child.process.name)
        self.children = []

    def log_of(self, name: str) -> str:
        path = self.places.log(name)
        return f"The end of {path}:\n{children.last_lines(path)}"

    def break_line(self) -> None:
        if self.in_line:
            say()
            self.in_line = False


@contextmanager
def signals_noted(supervisor: Supervisor) -> Iterator[None]:
    """Ctrl-C and its like set `asked`; stopping itself is not interrupted by them."""

    def note(_number: int, _frame: FrameType | None) -> None:
        supervisor.asked = True

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def supervise(supervisor: Supervisor, work: Callable[[], int]) -> int:
    """Do the work; whatever happens, stop every process. Returns the exit status."""
    with signals_noted(supervisor):
        try:
            return work()
        except StopAsked:
            supervisor.break_line()
            say("Stopping …")
            return 0
        except Refusal as refusal:
            supervisor.break_line()
            complain(str(refusal))
            return 1
        finally:
            supervisor.stop()
