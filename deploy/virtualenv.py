"""`python3.11 -m deploy.virtualenv demo|all`: .venv as uv.lock says, at once when it already is.

Runs on a bare Python, so it imports nothing but the standard library.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
STAMP = VENV / ".ombud"
UV = "uv==0.13.9"
GROUPS = {
    "demo": ["--no-default-groups", "--group", "demo", "--group", "explanations"],
    "all": ["--group", "dev", "--group", "demo", "--group", "explanations", "--group", "formats"],
}


def wanted() -> str:
    """What identifies a finished environment: the lock file and the interpreter."""
    digest = hashlib.sha256((PROJECT / "uv.lock").read_bytes()).hexdigest()
    return f"{digest} {sys.version.split()[0]}"


def finished(kind: str) -> bool:
    """`all` holds everything that `demo` needs."""
    if not (VENV / "bin" / "python").exists() or not STAMP.exists():
        return False
    stamped = STAMP.read_text()
    return stamped in {f"{wanted()} {kind}", f"{wanted()} all"}


def build(kind: str) -> None:
    STAMP.unlink(missing_ok=True)
    say(f"Preparing .venv from uv.lock ({kind}); this needs the network and takes a minute …")
    if not (VENV / "bin" / "pip").exists():
        shutil.rmtree(VENV, ignore_errors=True)
        perform(
            [sys.executable, "-m", "venv", str(VENV)], "On Debian: apt-get install python3.11-venv"
        )
    mend = "Is the package index reachable? (No compiler is needed: there are wheels for Linux.)"
    perform([str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", UV], mend)
    perform([str(VENV / "bin" / "uv"), "sync", "--frozen", "--quiet", *GROUPS[kind]], mend)
    STAMP.write_text(f"{wanted()} {kind}")


def perform(command: list[str], mend: str) -> None:
    try:
        done = subprocess.run(command, cwd=PROJECT, check=False)  # noqa: S603 - our own commands
    except OSError as error:
        raise SystemExit(f"{command[0]} cannot be run ({error.strerror}). {mend}") from error
    if done.returncode:
        raise SystemExit(f"This command failed: {' '.join(command)}\n{mend}")


def say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def main(kind: str) -> None:
    if sys.version_info[:2] != (3, 11):
        raise SystemExit(f"Ombud runs on Python 3.11, not on {sys.version.split()[0]}.")
    if not shutil.which("git"):
        say("git is not installed. Ombud runs without it, but MLflow cannot note the commit.")
    if not finished(kind):
        build(kind)


if __name__ == "__main__":
    main(sys.argv[1])
