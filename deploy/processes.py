"""Which processes one start of Ombud consists of, and in which order."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.embedded import beat, mlflow, postgresql, valkey, web, worker
from deploy.environment import environment
from deploy.options import Options
from deploy.places import PROJECT
from deploy.process import Call, Plan, Process, Step, Task
from deploy.secret_file import read_or_make
from deploy.static_files import collect_if_changed

EMBEDDED = {"DATABASE_URL", "REDIS_URL", "MLFLOW_TRACKING_URI"}


@dataclass(frozen=True)
class Setting:
    """Options, secrets and environment of one start, together."""

    options: Options
    secrets: Mapping[str, str]
    environment: Mapping[str, str]
    given: Mapping[str, str]

    def embedded(self, variable: str) -> bool:
        """Whether nobody gave the address of a real server."""
        return not self.given.get(variable)

    def manage(self, *arguments: str, title: str, **how: bool) -> Task:
        return self.task("manage.py", *arguments, name=arguments[0], title=title, **how)

    def task(self, *arguments: str, name: str, title: str, **how: bool) -> Task:
        command = [sys.executable, *arguments]
        return Task(name, title, command, self.environment, PROJECT, **how)


def setting(options: Options, given: Mapping[str, str] | None = None) -> Setting:
    given = os.environ if given is None else given
    secrets = read_or_make(options.places.secrets)
    return Setting(options, secrets, environment(options, secrets, given), given)


def servers(it: Setting, *, throwaway: bool = False) -> list[Process]:
    """The embedded servers that are needed; MLflow is slow, so it starts first of all."""
    found = []
    if it.embedded("MLFLOW_TRACKING_URI"):
        found.append(mlflow.process(it.options, it.secrets, it.environment))
    if it.embedded("DATABASE_URL"):
        found.append(postgresql.process(it.options, it.secrets, throwaway=throwaway))
    if it.embedded("REDIS_URL"):
        found.append(valkey.process(it.options, it.secrets))
    return found


def application(it: Setting) -> list[Process]:
    return [
        web.process(it.options, it.environment),
        worker.process(it.options, it.environment),
        beat.process(it.options, it.environment),
    ]


def plan(it: Setting) -> Plan:
    tables: list[Step] = [
        it.manage("migrate", "--noinput", title="Tables"),
        it.manage("load_frameworks", title="Frameworks"),
        it.manage("make_audit_key", title="Audit key"),
        Call("static", "Static files", lambda: collect_if_changed(it.environment)),
    ]
    return Plan([*servers(it), *tables, *application(it)])
