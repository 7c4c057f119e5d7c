"""The browser of the browser tests: Debian's Chromium."""

import os
import shutil
import subprocess

from deploy.console import say
from deploy.refusal import Refusal

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]


def find() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def require() -> None:
    """Install it when root on Debian; else say which command does."""
    if find():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Refusal(
            "The browser tests need Chromium, which is not installed. "
            "On Debian or Ubuntu: sudo apt-get install chromium"
        )
    say("Installing Chromium for the browser tests …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], INSTALL):
        done = subprocess.run(  # noqa: S603 - constant words
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Refusal(f"{' '.join(command)} failed:\n{done.stderr.strip()[-1000:]}")
