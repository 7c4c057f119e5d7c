"""The compose file against the settings: what it sets is read, and nothing in it is careless."""

import re
from pathlib import Path

import pytest
import yaml

from config.environment import VARIABLES
from config.jobs import KINDS
from deploy.embedded.worker import QUEUES

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OMBUD = ["tables", "web", "worker", "beat"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / "deploy" / "production.env.example").read_text().splitlines()
    if line and not line.startswith("#")
)
WITH_VARIABLE = re.compile(r"\$\{(\w+)(:[?-][^}]*)?\}")
SECRET = re.compile("PASSWORD|SECRET|_KEY")
each_service = pytest.mark.parametrize("name", SERVICES)


def waited_for_until_it_ends():
    return {
        name
        for service in SERVICES.values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }


def variables_used():
    return {
        match[1]: match[2] or ""
        for match in WITH_VARIABLE.finditer(yaml.safe_dump(COMPOSE, width=9999))
    }


def test_the_services_of_the_design_are_all_there():
    assert set(SERVICES) == {*OMBUD, "postgresql", "valkey", "mlflow", "store"}


@pytest.mark.parametrize("name", OMBUD)
def test_every_variable_it_sets_is_one_that_the_settings_read(name):
    assert set(SERVICES[name]["environment"]) <= set(VARIABLES)


def test_every_variable_that_differs_between_installations_is_set():
    left_out = set(VARIABLES) - set(SERVICES["web"]["environment"])
    assert left_out == {"OMBUD_DEBUG", "OMBUD_VAR", "OMBUD_STATIC_ROOT"}
    assert "OMBUD_DEBUG" not in DOCKERFILE
    assert "OMBUD_VAR=" in DOCKERFILE
    assert "OMBUD_STATIC_ROOT=" in DOCKERFILE


def test_every_variable_it_needs_is_explained_and_has_no_default_secret():
    assert set(EXAMPLE) == set(variables_used())
    for name, rest in variables_used().items():
        if SECRET.search(name):
            needless = rest == ":-"
            assert rest.startswith(":?") or needless, f"{name} must be given, or is empty"
            assert EXAMPLE[name] == "", f"{name} has a value that somebody would keep"


@each_service
def test_no_secret_is_written_in_it(name):
    for variable, value in SERVICES[name].get("environment", {}).items():
        if SECRET.search(variable):
            assert WITH_VARIABLE.fullmatch(str(value)), variable
        if "://" in str(value) and "@" in str(value):
            assert re.search(r":\$\{\w+:\?[^}]*\}@", value), variable


@each_service
def test_every_service_is_locked_down(name):
    service = SERVICES[name]
    user = str(service["user"]).split(":")[0]
    assert user.isdecimal()
    assert int(user) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["tmpfs"]


@each_service
def test_every_service_that_stays_has_a_health_check(name):
    if name in waited_for_until_it_ends():
        assert SERVICES[name]["restart"] == "on-failure"
    else:
        assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@each_service
def test_every_image_is_pinned_or_built_here(name):
    service = SERVICES[name]
    assert "build" in service or re.search(r":v?\d+\.\d+", service["image"]), service["image"]


def test_every_image_that_is_built_upon_is_pinned():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 4
    for base in bases:
        assert re.search(r":v?\d+\.\d+", base), base
    targets = set(re.findall(r"^FROM \S+ AS (\w+)", DOCKERFILE, re.MULTILINE))
    assert {s["build"]["target"] for s in SERVICES.values() if "build" in s} <= targets


def test_the_image_runs_the_python_of_the_project():
    wanted = (ROOT / ".python-version").read_text().strip()
    assert set(re.findall(r"FROM python:(\d+\.\d+)", DOCKERFILE)) == {wanted}


def test_only_the_web_server_is_published_and_only_to_its_own_host():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in published["web"])
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_data_lives_in_named_volumes():
    mounted = {
        mount.split(":")[0]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if not mount.startswith("./")
    }
    assert mounted == set(COMPOSE["volumes"])


def test_the_worker_takes_every_queue_that_jobs_are_put_in():
    (queues,) = [part for part in SERVICES["worker"]["command"] if part.startswith("--queues=")]
    assert tuple(queues.removeprefix("--queues=").split(",")) == QUEUES
    assert {kind.queue for kind in KINDS.values()} <= set(QUEUES)


def test_the_image_holds_every_app(settings):
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    apps = {name.split(".")[0] for name in settings.INSTALLED_APPS}
    assert {app for app in apps if (ROOT / app).is_dir()} <= kept
