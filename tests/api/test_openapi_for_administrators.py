"""What only administrators may ask for keeps the promise of its OpenAPI document as well."""

import logging

import pytest
import schemathesis

from accounts.services.tokens import create_token
from tests.accounts.second_factors import key_of
from tests.api.test_openapi import app, tried, world

__all__ = ["app", "world"]
DESK = ("/people", "/teams", "/signing-challenges")


@pytest.fixture
def headers(anna):
    """Administers, and has a passkey, so that challenges are given out."""
    key_of(anna)
    token = create_token(actor=anna, owner=anna, name="desk", scopes=["read", "manage"], days=1)
    return {"Authorization": f"Bearer {token.text}"}


def test_every_answer_to_an_administrator_is_documented(app, world, headers, caplog):
    caplog.set_level(logging.CRITICAL)
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    desk = [one for one in operations if any(part in one.path for part in DESK)]
    faults, asked = [], 0
    for operation in desk:
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            try:
                asked += tried(operation, mode, world, headers)
            except (Exception, BaseExceptionGroup) as fault:
                faults.append(f"{operation.label} ({mode}): {fault}")
    assert faults == [], "\n\n".join(faults)
    assert len(desk) == 14
    assert asked > 50
