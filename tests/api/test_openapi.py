"""The API keeps its own promise: every answer is one that its OpenAPI document names."""

import io
import logging
import os

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.services.tokens import create_token
from tests.world import world_of

# Of each kind for every operation; `make fuzz` tries more.
EXAMPLES = int(os.environ.get("OMBUD_TEST_FUZZ", "4"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def world(team, olga, vera):
    return world_of(team, olga)


@pytest.fixture
def headers(olga):
    token = create_token(
        actor=olga, owner=olga, name="fuzz", scopes=["ingest", "read", "manage"], days=1
    )
    return {"Authorization": f"Bearer {token.text}"}


@pytest.fixture
def app():
    """The application as a server calls it, on the test's own connection and transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def ids(operation, world):
    """Values of the operation's path parameters that name things that are there."""
    archive = operation.path.startswith("/api/v1/archives")
    known = {
        "model": world.model,
        "version": world.version,
        "monitor": world.monitor,
        "incident": world.incident,
        "archive": world.archive,
        "experiment": world.experiment,
        "policy": world.policy,
        "retraining": world.retraining,
        "runner": world.runner,
        "prediction": world.prediction,
        "framework": world.framework,
        "control": world.control,
        "evidence": world.evidence,
        "finding": world.finding,
        "erasure": world.erasure,
        "purge": world.purge,
        "hold": world.hold,
        "table": world.table,
        "roll_back": world.roll_back,
        "watch": world.watch,
        "retirement": world.retirement,
        "objection": world.objection,
        "step": world.step,
        "client": world.client,
        "scope": world.scope,
        "place": world.place,
        "waiver": world.waiver,
        "attestation": world.attestation,
        "guideline": world.guideline,
        "sequence": world.sequence,
        "sample": world.sample,
        "position": world.position,
        "bundle": world.bundle,
        "person": world.person,
        "membership": world.membership,
        "team": world.team,
        "kind": world.kind,
        "tier": world.tier,
        "change": world.change,
        "table_change": world.table_change,
        "recommendation": world.recommendation,
        "delegation": world.delegation,
        "back_test": world.back_test,
        "id": world.archive if archive else world.request,
        "pk": world.archive if archive else world.request,
    }
    names = [one.name for one in operation.path_parameters]
    return {name: known[name] for name in names}


def tried(operation, mode, world, headers):
    """Ask the operation with generated content; returns how often it was asked."""
    asked = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode, path_parameters=ids(operation, world)))
    def ask(case):
        with transaction.atomic():
            response = case.call(headers=headers)
            transaction.set_rollback(True)  # every case meets the same world
        case.validate_response(response, checks=CHECKS)
        asked.append(case)

    ask()
    return len(asked)


def test_every_answer_is_documented(app, world, headers, caplog):
    caplog.set_level(logging.CRITICAL)
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", app)
    faults, asked, operations = [], 0, 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/reference"):
            continue  # takes Parquet alone, which is not generated; tests/registry has its refusals
        operations += 1
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                asked += tried(operation, mode, world, headers)
            except (Exception, BaseExceptionGroup) as fault:
                faults.append(f"{operation.label} ({mode}): {fault}")
    assert faults == [], "\n\n".join(faults)
    assert operations > 35
    assert asked > 300


def test_the_document_is_valid_and_names_everything():
    said = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=said)
    assert "openapi: 3.1.0" in said.getvalue()


def test_the_interactive_documentation_needs_no_other_host(client, signed_in, olga):
    page = signed_in(olga).get("/api/docs")
    assert page.status_code == 200
    text = page.content.decode()
    assert "https://" not in text.replace("https://www.w3.org", "")
    assert "<script>" not in text
