"""Training code in the form of an MLflow project: `MLproject` names programs and parameters.

An entry point is one Python program, run in this process with its layers, never by a shell. It
declares the parameters `data` (a Parquet file with the features and the outcome) and `model` (a
folder), and leaves the fitted estimator in the folder as `model.skops`. MLflow itself opens
sockets, which nothing in here may: what is trained is logged in MLflow outside.
"""

import re
import runpy
import shlex
import sys
import zipfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd
import skops.io
import yaml

from sandbox.inside.entry import NoEntry
from sandbox.inside.models import TRUSTED

FILE, MODEL = "MLproject", "model.skops"
DATA, FOLDER, OUTCOME = "data", "model", "outcome"  # parameters that are ours to give
LARGEST = 1_000_000
PYTHON = re.compile(r"python(3(\.\d+)?)?")
NAMED = re.compile(r"\{(\w+)\}")
SHELL = re.compile(r"[|&;<>`]|\$\(")
TYPES = ("string", "float", "path", "uri")


@dataclass(frozen=True)
class Project:
    """An entry point of a project, which can fit like a module of training code."""

    folder: Path
    name: str
    command: str
    declared: Mapping[str, Mapping[str, Any]]
    work: Path
    trusted: tuple[str, ...]

    def fit(self, rows: pd.DataFrame, outcome: pd.Series, *, parameters: dict[str, Any]) -> Any:
        """Run the program on these rows; the estimator that it leaves.

        Raises:
            NoEntry: parameters or command do not fit, or it left no estimator of known classes.
        """
        data, folder = self.work / "data.parquet", self.work / "trained"
        rows.assign(**{str(outcome.name): outcome}).to_parquet(data, index=False)
        folder.mkdir(exist_ok=True)
        (folder / MODEL).unlink(missing_ok=True)
        ours = {DATA: str(data), FOLDER: str(folder), OUTCOME: str(outcome.name)}
        self._run(self._words(self._values(parameters, ours)))
        return self._left(folder / MODEL)

    def _values(self, given: Mapping[str, Any], ours: Mapping[str, str]) -> dict[str, str]:
        """Every declared parameter as text."""
        if lacking := [name for name in (DATA, FOLDER) if name not in self.declared]:
            raise NoEntry(
                f"{self} must declare {' and '.join(lacking)}: {', '.join(ours)} are set."
            )
        if unknown := sorted(set(given) - set(self.declared)):
            raise NoEntry(f"{self} declares no parameter {', '.join(unknown[:5])}.")
        if taken := sorted(set(given) & set(ours)):
            raise NoEntry(f"The parameter {taken[0]} of {self} is set by the retraining.")
        return {name: self._value(name, {**given, **ours}) for name in self.declared}

    def _value(self, name: str, given: Mapping[str, Any]) -> str:
        about = self.declared[name]
        value = given.get(name, about.get("default"))
        if value is None:
            raise NoEntry(f"{self} asks for {name}: name it in the policy's parameters.")
        if about["type"] == "float" and not _is_number(value):
            raise NoEntry(f"The parameter {name} of {self} is a float, and {value!r} is none.")
        return str(value)

    def _words(self, values: Mapping[str, str]) -> list[str]:
        """The command's words after `python`. Values are put into words, so they stay words."""
        if SHELL.search(self.command):
            raise NoEntry(f"{self} needs a shell; a command here is one Python program.")
        words = _split(self.command, self)
        if unknown := sorted({*NAMED.findall(self.command)} - set(values)):
            raise NoEntry(f"The command of {self} names {unknown[0]}, which is not declared.")
        if len(words) < 2 or not PYTHON.fullmatch(words[0]):
            raise NoEntry(f"The command of {self} must begin with python and a program of its own.")
        found = [NAMED.sub(lambda one: values[one[1]], word) for word in words[1:]]
        return found[1:] if found[0] == "-u" else found

    def _run(self, words: list[str]) -> None:
        if words[:1] == ["-m"] and len(words) > 1:
            with _called([words[1], *words[2:]], self.folder):
                self._end(lambda: runpy.run_module(words[1], run_name="__main__", alter_sys=True))
            return
        script = (self.folder / words[0]).resolve()
        if not script.is_relative_to(self.folder.resolve()) or not script.is_file():
            raise NoEntry(f"The command of {self} runs {words[0][:100]}, which the project lacks.")
        with _called([str(script), *words[1:]], script.parent):
            self._end(lambda: runpy.run_path(str(script), run_name="__main__"))

    def _end(self, program: Any) -> None:
        try:
            program()
        except SystemExit as end:
            if end.code not in (None, 0):
                raise NoEntry(f"The program of {self} ended with {str(end.code)[:200]}.") from end

    def _left(self, path: Path) -> Any:
        if not zipfile.is_zipfile(path):
            raise NoEntry(f"The program of {self} left no {MODEL} in the folder of `{FOLDER}`.")
        known = {*TRUSTED, *self.trusted}
        if unknown := sorted(set(skops.io.get_untrusted_types(file=path)) - known):
            said = ", ".join(unknown[:5])
            raise NoEntry(f"What {self} left is made of classes that nobody has reviewed: {said}.")
        return skops.io.load(path, trusted=sorted(known))

    def __str__(self) -> str:
        return f"the entry point {self.name} of {FILE}"


def project_of(code: str, name: str, work: Path, trusted: list[str]) -> Project | None:
    """The project's entry point of this name; None where there is no project, or not this one.

    Raises:
        NoEntry: `MLproject` cannot be read, or asks for another environment than this one.
    """
    found = _file(Path(code))
    if found is None:
        return None
    told = _read(found)
    points = told.get("entry_points") or {}
    if not isinstance(points, dict) or name not in points:
        return None
    about = points[name] if isinstance(points[name], dict) else {}
    if not isinstance(about.get("command"), str):
        raise NoEntry(f"The entry point {name} of {FILE} has no command.")
    _same_environment(told, found.parent)
    declared = {
        str(key): _declared(key, one) for key, one in (about.get("parameters") or {}).items()
    }
    return Project(found.parent, name, about["command"], declared, work, tuple(trusted))


def _file(code: Path) -> Path | None:
    """In the code folder itself, or in the one folder below it that has one."""
    places = [code / FILE, *sorted(code.glob(f"*/{FILE}"))]
    return next((path for path in places if path.is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > LARGEST:
        raise NoEntry(f"{path.name} is larger than a description can be.")
    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NoEntry(f"{path.name} is no YAML: {str(error)[:200]}") from error
    if not isinstance(told, dict):
        raise NoEntry(f"{path.name} is no YAML object.")
    return told


def _declared(name: object, about: object) -> dict[str, Any]:
    """`name: float` and `name: {type: float, default: 0.1}` say the same."""
    found = dict(about) if isinstance(about, dict) else {"type": about}
    kind = found.setdefault("type", "string")
    if kind not in TYPES:
        known = ", ".join(TYPES)
        raise NoEntry(f"The parameter {name} in {FILE} is of type {kind}; known are {known}.")
    return found


def _split(command: str, project: Project) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise NoEntry(f"The command of {project} cannot be read: {error}.") from error


def _is_number(value: object) -> bool:
    try:
        return abs(float(str(value))) < float("inf")
    except ValueError:
        return False


@contextmanager
def _called(words: list[str], beside: Path) -> Any:
    """As an interpreter would have been started: arguments, and where it looks for modules."""
    before, paths = sys.argv, list(sys.path)
    sys.argv, sys.path[:] = words, [str(beside), *paths]
    try:
        yield
    finally:
        sys.argv, sys.path[:] = before, paths


def _same_environment(told: dict[str, Any], folder: Path) -> None:
    """Programs run in the environment of the runner: where the project pins another, it stops.

    Raises:
        NoEntry: a container is asked for, or packages differ from their pins.
    """
    if "docker_env" in told:
        raise NoEntry(f"{FILE} asks for a container; name its packages in python_env.yaml instead.")
    name = told.get("python_env") or told.get("conda_env")
    if name is None:
        return
    path = (folder / str(name)).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise NoEntry(f"{FILE} names {str(name)[:100]}, which the project lacks.")
    wrong = [one for one in map(_differs, _requirements(_read(path), folder)) if one]
    if wrong:
        raise NoEntry(f"The environment is not the project's: {'; '.join(wrong[:10])}.")


def _requirements(told: dict[str, Any], folder: Path) -> list[str]:
    """The lines of python_env.yaml or conda.yaml, with the files that they name."""
    found: list[str] = []
    for one in told.get("dependencies") or []:
        found += one.get("pip", []) if isinstance(one, dict) else [one]
    lines: list[str] = []
    for one in map(str, found):
        lines += _lines(one, folder) if one.startswith("-r ") else [one]
    return lines


def _lines(named: str, folder: Path) -> list[str]:
    path = (folder / named.removeprefix("-r ").strip()).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise NoEntry(f"The project's environment names {named[3:100]}, which the project lacks.")
    return path.read_text("utf-8", "replace").splitlines()


def _differs(line: str) -> str:
    """What is wrong with one pin; only exact pins are promises."""
    name, pinned, number = line.split(";")[0].partition("==")
    name, number = name.partition("[")[0].strip(), number.strip()
    if not pinned or not name:
        return ""
    try:
        there = version(name)
    except PackageNotFoundError:
        there = "missing"
    return "" if there == number else f"{name} {there} instead of {number}"
