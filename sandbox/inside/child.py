"""The child's side of an errand: put the layers on, prove them, do the task, answer once.

Started by `sandbox.run` as `python -I`, with the errand on its standard input. Everything it says
to its parent goes through one pipe, a line of JSON each: `layers`, `tried`, then `answer` or
`failed`.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from sandbox import layers

LONGEST_TEXT = 2000
# Audit events of Python that lead to a forbidden call: told before it happens, because it kills.
TELLING = (
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.kill",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.spawn",
    "socket.__new__",
    "subprocess.Popen",
    "syslog.openlog",
)


class Line:
    """The pipe to the parent."""

    def __init__(self, descriptor: int, most: int) -> None:
        self.descriptor = descriptor
        self.most = most

    def say(self, **told: Any) -> None:
        text = json.dumps(told, allow_nan=False).encode() + b"\n"
        if len(text) > self.most:
            text = b'{"failed": "TooMuchOutput", "text": ""}\n'
        while text:
            text = text[os.write(self.descriptor, text) :]


def main() -> None:
    told = json.loads(sys.stdin.buffer.read())
    line = Line(told["answer_to"], told["limits"]["answer_bytes"])
    layers.die_with(told["parent"])
    held = {"limits": layers.limit(told["limits"])}
    before = layers.namespaces()
    layers.separate()
    after = layers.namespaces()
    held |= {name: after[name] not in (0, before[name]) for name in after}
    seccomp = _filter_library(told)
    layers.give_up_capabilities()
    held["no_new_privileges"] = layers.no_new_privileges()
    held["files"] = layers.hide_files(told["readable"], told["writable"])
    held["system_calls"] = seccomp is not None and layers.filter_calls(seccomp)
    line.say(layers=held)
    if not all(held[name] for name in told["required"]):
        return
    _tell_what_is_tried(line)
    # Packages are somebody else's programs too: nothing of theirs runs before the layers hold, and
    # what runs by itself when an interpreter starts (`.pth`, sitecustomize) not even then.
    sys.path += told["packages"]
    _perform(told, line)


def _filter_library(told: dict[str, Any]) -> Any:
    try:
        return layers.load_filter_library(told["filter_library"])
    except (ImportError, OSError, RuntimeError):
        return None


def _tell_what_is_tried(line: Line) -> None:
    def hook(event: str, _: Any) -> None:
        if event in TELLING:
            line.say(tried=event)

    sys.addaudithook(hook)


def _perform(told: dict[str, Any], line: Line) -> None:
    try:
        task = importlib.import_module(f"sandbox.inside.{told['task']}")
        answer = task.perform(told["inputs"], Path(told["work"]))
        line.say(answer=answer)
    except BaseException as error:  # whatever a model does is an answer to its parent
        text = str(error)[:LONGEST_TEXT]
        refused = bool(getattr(error, "refused", False))
        line.say(failed=type(error).__name__, text=text, refused=refused, errno=_number(error))


def _number(error: BaseException) -> int:
    number = getattr(error, "errno", None)
    return number if isinstance(number, int) else 0
