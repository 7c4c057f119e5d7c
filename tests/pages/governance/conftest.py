"""A model whose first version serves, whose second waits for signatures, and pages to ask for."""

import pytest

from governance.jobs.status import rebuild_status
from tests.governance.conftest import (  # fixtures are used by their names
    _policies,
    ask,
    flights,
    one,
    promoted,
    two,
)

__all__ = ["_policies", "flights", "one", "two"]


@pytest.fixture
def serving(one, olga, vera, rita):
    """Version 1 is champion by an approved request."""
    return promoted(one, olga, vera, rita)


@pytest.fixture
def asked(serving, two, olga):
    """Olga asks to promote version 2."""
    request = ask(olga, two, reason="It is better on newer weather")
    rebuild_status(model_ids=[two.model_id])
    return request


@pytest.fixture
def page(client):
    """Get a page as somebody: its text, after checking the status."""

    def get(person, address, status=200):
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        answer = client.get(address)
        assert answer.status_code == status, (address, answer.status_code)
        return answer.content.decode()

    return get


@pytest.fixture
def post(client):
    """Send a form as somebody; the answer."""

    def send(person, address, data=None, follow=False):
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client.post(address, data or {}, follow=follow)

    return send
