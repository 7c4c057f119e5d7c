"""`python -m deploy COMMAND`; `make help` lists the short names."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

from deploy import lock, start, suite
from deploy.checks import require_python
from deploy.console import complain, say
from deploy.options import Options, options_from
from deploy.places import PROJECT
from deploy.processes import setting
from deploy.refusal import Refusal

Command = Callable[[Options, list[str]], int]


def demo(options: Options, _rest: list[str]) -> int:
    return start.start(options, start.load_demo)


def up(options: Options, _rest: list[str]) -> int:
    return start.start(options, start.ask_for_administrator)


def run(options: Options, _rest: list[str]) -> int:
    return start.start(options, start.nothing_more)


def manage(options: Options, rest: list[str]) -> int:
    """A management command with the settings of the running servers."""
    options.places.make()
    command = [sys.executable, "manage.py", *rest]
    environment = dict(setting(options).environment)
    done = subprocess.run(command, env=environment, cwd=PROJECT, check=False)  # noqa: S603 - asked
    return done.returncode


def clean(options: Options, _rest: list[str]) -> int:
    """Remove the data of the embedded servers, unless they run."""
    root = options.places.root
    if not root.exists():
        say(f"There is nothing in {root}.")
        return 0
    if lock.is_running(options.places):
        raise Refusal(f"Ombud runs from {root}; stop it first (Ctrl-C in its terminal).")
    if not options.places.secrets.exists() and any(root.iterdir()):
        raise Refusal(f"{root} was not made by Ombud (it has no secrets.json); nothing removed.")
    start.stop_orphans(options.places)
    shutil.rmtree(root)
    say(f"Removed {root}.")
    return 0


def test(_options: Options, rest: list[str]) -> int:
    return suite.run(rest)


COMMANDS: dict[str, tuple[Command, str]] = {
    "demo": (demo, "start Ombud with the data and people of the demonstration"),
    "up": (up, "start Ombud; asks for the first administrator at the first start"),
    "run": (run, "start Ombud and ask nothing"),
    "manage": (manage, "run a management command of Django with the settings of these servers"),
    "clean": (clean, "remove the data of the embedded servers"),
    "test": (test, "run the tests on servers of their own"),
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy", description="Start and stop Ombud.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, purpose) in COMMANDS.items():
        commands.add_parser(name, help=purpose, add_help=name not in {"manage", "test"})
    known, rest = parser.parse_known_args(arguments)
    command, _ = COMMANDS[known.command]
    try:
        require_python()
        return command(options_from(os.environ), rest)
    except Refusal as refusal:
        complain(str(refusal))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
