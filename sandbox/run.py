"""The parent's side: start a clean child, listen under limits, and name how it ended."""

import contextlib
import errno
import importlib.util
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import folders
from sandbox.errand import LAYERS, REQUIRED, Ending, Errand, Limits, Outcome

PACKAGE = Path(__file__).resolve().parent
START = "import sys; sys.path.insert(0, sys.argv[1]); from sandbox.inside.child import main; main()"
SHOWN_LOG = 64_000
CHUNK = 65_536
MEND = {
    "limits": "resource limits cannot be set here",
    "no_new_privileges": "the kernel has no no_new_privs",
    "system_calls": "the filter of system calls is missing: install libseccomp2",
    "files": "Landlock is missing: Linux 5.13 or newer with landlock among its security modules",
    "users": "user namespaces are closed to plain users: let this service have them",
    "network": "a network namespace needs a user namespace, or a container that may unshare",
    "mounts": "a mount namespace needs a user namespace, or a container that may unshare",
    "interprocess": "an IPC namespace needs a user namespace, or a container that may unshare",
}
OnLog = Callable[[str], None]


def run(errand: Errand, on_log: OnLog | None = None) -> Outcome:
    """Do the errand in a process that can compute and nothing else; never raises for what it does.

    The child sees `errand.readable`, its interpreter and the system's libraries, writes into
    `errand.writable` (or a folder that is gone afterwards), and is killed at its wall clock.
    """
    began = time.monotonic()
    with _folder(errand) as work:
        child = _Child(errand, work, on_log)
        code = child.attend()
    return _outcome(errand, child.heard, code, time.monotonic() - began)


@contextlib.contextmanager
def _folder(errand: Errand) -> Iterator[Path]:
    """The working folder: the errand's own, or one that nobody sees again."""
    if errand.writable is not None:
        yield errand.writable.resolve()
        return
    with folders.own() as folder:
        yield folder


@dataclass
class _Heard:
    """What came through the pipes."""

    layers: dict[str, bool] = field(default_factory=dict)
    tried: str = ""
    last: dict[str, Any] = field(default_factory=dict)
    log: bytearray = field(default_factory=bytearray)
    logged: int = 0
    said: bytearray = field(default_factory=bytearray)
    too_much: bool = False
    folder_full: bool = False
    too_late: bool = False


class _Child:
    """One process in a session of its own, its output, and the clock that ends it."""

    def __init__(self, errand: Errand, work: Path, on_log: OnLog | None) -> None:
        self.limits = errand.limits
        self.on_log = on_log
        self.heard = _Heard()
        self.line = b""
        self.quota = folders.Quota(
            work,
            most_bytes=errand.limits.folder_bytes,
            most_entries=errand.limits.folder_entries,
        )
        # Without `site`: what a package would have run at every start is not run.
        clean = [str(errand.python or sys.executable), "-I", "-S"]
        reads, writes = os.pipe()
        self.answers = reads
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and package
                [*clean, "-c", START, str(PACKAGE.parent)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=work,
                env=_environment(work),
                pass_fds=(writes,),
                start_new_session=True,
            )
        finally:
            os.close(writes)
        with contextlib.suppress(BrokenPipeError), self._stdin() as given:
            given.write(json.dumps(_told(errand, work, writes)).encode())

    def _stdin(self) -> Any:
        return self.process.stdin

    def attend(self) -> int:
        """Listen until both pipes end or the wall clock does; leave nothing behind."""
        end = time.monotonic() + self.limits.wall_seconds
        try:
            self._listen(end)
            self._wait(end)
        finally:
            self._kill()
            os.close(self.answers)
            if self.process.stdout:
                self.process.stdout.close()
        self._look(None)
        return self.process.returncode

    def _listen(self, end: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.answers, selectors.EVENT_READ, self._answer)
            selector.register(self.process.stdout, selectors.EVENT_READ, self._output)  # type: ignore[arg-type]  # a pipe was asked for
            while selector.get_map() and not self._over(end):
                for key, _ in selector.select(self._moment(end)):
                    chunk = os.read(key.fd, CHUNK)
                    if chunk:
                        key.data(chunk)
                    else:
                        selector.unregister(key.fileobj)

    def _wait(self, end: float) -> None:
        """It may live on after it has closed its pipes."""
        while not self._over(end):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self._moment(end))
                return

    def _over(self, end: float) -> bool:
        """Whether it has used up what it may, or its time."""
        self._look(self.process.pid)
        heard = self.heard
        heard.too_late = not self._full() and time.monotonic() >= end
        return heard.too_late or self._full()

    def _full(self) -> bool:
        return self.heard.too_much or self.heard.folder_full

    def _look(self, pid: int | None) -> None:
        self.heard.folder_full = self.heard.folder_full or self.quota.exceeded(pid)

    def _moment(self, end: float) -> float:
        """How long to wait before the folder is measured again."""
        return min(max(0.0, end - time.monotonic()), self.quota.EVERY)

    def _answer(self, chunk: bytes) -> None:
        self.heard.said += chunk
        if len(self.heard.said) > self.limits.answer_bytes + CHUNK:
            self.heard.too_much = True

    def _output(self, chunk: bytes) -> None:
        heard = self.heard
        heard.logged += len(chunk)
        heard.too_much = heard.too_much or heard.logged > self.limits.log_bytes
        heard.log += chunk[: max(0, SHOWN_LOG - len(heard.log))]
        if self.on_log:
            *lines, self.line = (self.line + chunk).split(b"\n")
            for line in lines:
                self.on_log(line.decode("utf-8", "replace"))
            self.line = self.line[-SHOWN_LOG:]

    def _kill(self) -> None:
        """The whole session, whatever state it is in."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _environment(work: Path) -> dict[str, str]:
    """Nothing of ours: no addresses, no keys. One thread, so that numbers come out the same."""
    return {
        "HOME": str(work),
        "TMPDIR": str(work),
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "JOBLIB_MULTIPROCESSING": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_CACHE_DIR": str(work),
        "MPLCONFIGDIR": str(work),
    }


def _told(errand: Errand, work: Path, answer_to: int) -> dict[str, Any]:
    library = importlib.util.find_spec("pyseccomp")
    limits = {name: int(getattr(errand.limits, name)) for name in Limits.__dataclass_fields__}
    return {
        "task": errand.task,
        "packages": _packages(errand),
        "inputs": dict(errand.inputs),
        "work": str(work),
        "readable": [*(str(path.resolve()) for path in errand.readable), *_interpreter(errand)],
        "writable": [str(work)],
        "limits": limits,
        "required": REQUIRED,
        "answer_to": answer_to,
        "filter_library": library.origin if library else "",
        "parent": os.getpid(),
    }


def _packages(errand: Errand) -> list[str]:
    """The folders of packages that the task may import from, once the layers hold."""
    if errand.packages is not None:
        return [str(errand.packages.resolve())]
    if errand.python is not None:
        found = errand.python.parent.parent.glob("lib/python3*/site-packages")
        return sorted(str(path) for path in found)
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]


def _interpreter(errand: Errand) -> list[str]:
    """The folders of the interpreter and of this package: code that is imported late."""
    given = errand.python
    prefixes = {sys.base_prefix, str(PACKAGE), *_packages(errand)}
    if given is not None:
        prefixes |= {str(given.parent.parent), str(given.resolve().parent.parent)}
    elif errand.packages is None:
        prefixes.add(sys.prefix)
    return sorted(os.path.realpath(prefix) for prefix in prefixes)


def _outcome(errand: Errand, heard: _Heard, code: int, seconds: float) -> Outcome:
    _read_lines(heard)
    ending, detail = _named(errand.limits, heard, code)
    answer = heard.last.get("answer") if ending is Ending.DONE else None
    layers = {name: heard.layers.get(name, False) for name in LAYERS}
    log = heard.log.decode("utf-8", "replace")
    return Outcome(ending, answer, detail, layers, seconds, log)


def _read_lines(heard: _Heard) -> None:
    """The child is not believed: a line that is no JSON object is no answer."""
    for line in bytes(heard.said).splitlines():
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(told, dict):
            continue
        if not heard.layers and isinstance(told.get("layers"), dict):
            heard.layers = {str(name): value is True for name, value in told["layers"].items()}
        elif isinstance(told.get("tried"), str):
            heard.tried = told["tried"][:80]
        elif "answer" in told or "failed" in told:
            heard.last = told


def _named(limits: Limits, heard: _Heard, code: int) -> tuple[Ending, str]:
    """The word and the sentence for what happened, the gravest first."""
    if heard.too_much:
        return Ending.TOO_MUCH_OUTPUT, "It wrote more than it may; it was ended."
    if heard.folder_full:
        return Ending.FOLDER_FULL, _folder_full(limits)
    if heard.too_late:
        return Ending.OUT_OF_TIME, f"It was still running after {limits.wall_seconds:g} seconds."
    if code < 0:
        return _signalled(limits, heard, -code)
    missing = [name for name in REQUIRED if not heard.layers.get(name)]
    if missing and heard.layers:
        told = "; ".join(MEND[name] for name in missing)
        return Ending.UNAVAILABLE, f"The sandbox cannot be closed on this machine: {told}."
    if "failed" in heard.last:
        return _failed(limits, heard.last)
    if not isinstance(heard.last.get("answer"), dict):
        told = _last_line(heard) or f"exit status {code}"
        return Ending.CRASHED, f"It ended without an answer: {told}"
    return Ending.DONE, ""


def _signalled(limits: Limits, heard: _Heard, number: int) -> tuple[Ending, str]:
    if number == signal.SIGSYS:
        what = f" ({heard.tried})" if heard.tried else ""
        return Ending.FORBIDDEN_CALL, f"It called what no model may call{what}; it was killed."
    if number == signal.SIGXCPU:
        return Ending.OUT_OF_CPU, f"It used more than {limits.cpu_seconds} s of processor time."
    if "bad_alloc" in _last_line(heard) or "MemoryError" in _last_line(heard):
        return Ending.OUT_OF_MEMORY, _memory(limits)
    return Ending.CRASHED, f"It was ended by {signal.Signals(number).name}."


def _failed(limits: Limits, told: dict[str, Any]) -> tuple[Ending, str]:
    kind, text = str(told["failed"]), str(told.get("text", ""))
    said = f"{kind}: {text}" if text else kind
    if kind == "TooMuchOutput" or told.get("errno") == errno.EFBIG:
        return Ending.TOO_MUCH_OUTPUT, "It wrote more than it may."
    if kind == "MemoryError" or told.get("errno") == errno.ENOMEM:
        return Ending.OUT_OF_MEMORY, _memory(limits)
    if told.get("errno") in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EXDEV):
        return Ending.FORBIDDEN_CALL, f"It reached for what it may not have. {said}"
    if told.get("refused") is True:
        return Ending.REFUSED, text
    return Ending.CRASHED, said


def _folder_full(limits: Limits) -> str:
    size, entries = limits.folder_bytes / 1e6, limits.folder_entries
    return f"It put more into its folder than {size:,.0f} MB or {entries:,} files; it was ended."


def _memory(limits: Limits) -> str:
    return f"It needed more than {limits.address_space / 1024**3:.1f} GiB of memory."


def _last_line(heard: _Heard) -> str:
    lines = heard.log.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else ""
