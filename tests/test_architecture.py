"""The conventions that no ordinary linter sees: each test names one of them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ["sandbox", "ledger", "audit", "accounts", "registry", "monitoring", "governance"]
FILES = [
    path
    for app in APPS
    for path in sorted((ROOT / app).rglob("*.py"))
    if "migrations" not in path.parts
]
WRITES = {
    "save",
    "create",
    "get_or_create",
    "update_or_create",
    "bulk_create",
    "bulk_update",
    "delete",
}
SKINS = {"api", "web", "tasks.py"}


def tree(path):
    return ast.parse(path.read_text())


def functions(path):
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]


def calls(node):
    names = (call.func for call in ast.walk(node) if isinstance(call, ast.Call))
    return {
        name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "") for name in names
    }


def rooms(path):
    return set(path.relative_to(ROOT).parts)


def name(path):
    return str(path.relative_to(ROOT))


def test_the_house_was_looked_at():
    assert len(FILES) > 60


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_fits_on_a_few_screens(path):
    assert len(path.read_text().splitlines()) <= 450
    assert max((f.end_lineno - f.lineno + 1 for f in functions(path)), default=0) <= 50


@pytest.mark.parametrize("path", [p for p in FILES if SKINS & rooms(p)], ids=name)
def test_skins_do_not_write(path):
    assert not calls(tree(path)) & WRITES


@pytest.mark.parametrize("path", [p for p in FILES if "services" in p.parts], ids=name)
def test_a_use_case_takes_names_and_its_actor_first(path):
    for function in functions(path):
        if "transaction.atomic" not in {ast.unparse(d) for d in function.decorator_list}:
            continue
        if function.name.startswith("_"):
            continue
        assert not function.args.args, f"{function.name}: keyword arguments only"
        first = function.args.kwonlyargs[0].arg
        assert first == "actor" or function.name == "create_first_administrator", function.name


@pytest.mark.parametrize("path", [p for p in FILES if p.name == "tasks.py"], ids=name)
def test_a_task_is_one_line_around_a_job(path):
    for function in functions(path):
        assert len(function.body) == 1, function.name
        assert all(argument.arg.endswith("_id") for argument in function.args.args), function.name


@pytest.mark.parametrize("path", [p for p in FILES if p.name == "models.py"], ids=name)
def test_models_do_not_override_save(path):
    assert "save" not in {function.name for function in functions(path)}


def test_every_dependency_is_explained():
    project = (ROOT / "pyproject.toml").read_text()
    explained = (ROOT / "docs/dependencies.md").read_text()
    named = project[project.index("dependencies = [") : project.index("[tool.uv]")]
    wanted = [*re.findall(r'"([a-zA-Z0-9_-]+)[^"\n]*[=>]=', named), "pandas-stubs"]
    assert len(wanted) > 40
    assert [package for package in wanted if f"`{package}`" not in explained] == []


def test_every_variable_of_the_environment_is_documented():
    from config.environment import VARIABLES

    documented = (ROOT / "docs/operations.md").read_text()
    assert [variable for variable in VARIABLES if f"`{variable}`" not in documented] == []


def test_every_job_kind_and_every_wake_up_has_its_function():
    from django.utils.module_loading import import_string

    from config.celery import app
    from config.jobs import BEAT, KINDS

    app.loader.import_default_modules()
    for kind in KINDS.values():
        assert callable(import_string(kind.function)), kind.function
    for entry in BEAT.values():
        assert entry["task"] in app.tasks
