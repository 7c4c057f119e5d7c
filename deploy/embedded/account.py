"""PostgreSQL does not run as root: the account that root lends it, and its way to the files."""

import os
import pwd
import stat
import subprocess
from pathlib import Path

from deploy.console import begin
from deploy.process import Account
from deploy.refusal import Refusal

NAME = "pgserver"


def account_for_servers() -> Account | None:
    """None for ordinary people, whose servers run as themselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        entry = create_account()
    return Account(NAME, entry.pw_uid, entry.pw_gid)


def create_account() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--shell", "/usr/sbin/nologin", NAME]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - constant words
    except (OSError, subprocess.CalledProcessError) as error:
        raise Refusal(
            f"PostgreSQL does not run as root, and the account {NAME} could not be made ({error}). "
            "Start Ombud as an ordinary account, or give DATABASE_URL."
        ) from error
    return pwd.getpwnam(NAME)


def allow_passage(target: Path) -> None:
    """Let other accounts walk through (not list) the folders above `target`, and say so."""
    closed = [folder for folder in target.parents if not passable(folder)]
    for folder in closed:
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    if closed:
        names = ", ".join(str(folder) for folder in reversed(closed))
        begin(f"(opened for passage by {NAME}: {names})")


def passable(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)
