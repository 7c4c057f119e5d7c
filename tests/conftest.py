"""Known people, and what all tests share."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, TransactionTestCase

from accounts.models import Membership, Team, User
from accounts.roles import Role

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _store_of_its_own(settings: Any, tmp_path: Any) -> None:
    settings.STORE_URL = f"file://{tmp_path}/store"
    settings.CHECKPOINTS = f"{tmp_path}/checkpoints"
    settings.AUDIT_KEY = f"{tmp_path}/audit-key.pem"
    # Hashing a password slowly is allauth's and Django's business, not what is tested here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _no_walk_through_static_files(request: pytest.FixtureRequest, settings: Any) -> None:
    """WhiteNoise reads the list of all static files for every new client: 20 ms, and only browsers
    ask for them."""
    if "live_server" not in request.fixturenames:
        settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "whitenoise" not in one]


@pytest.fixture(autouse=True)
def _forget_rates() -> None:
    cache.clear()


_flush = getattr(TransactionTestCase, "_fixture_teardown")  # noqa: B009 - untyped there


def _flush_as_owner(self: TransactionTestCase) -> None:
    """Emptying tables between tests is the owner's right; the triggers refuse it to everyone."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    try:
        _flush(self)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = DEFAULT")


setattr(TransactionTestCase, "_fixture_teardown", _flush_as_owner)  # noqa: B010 - untyped there


def person(name: str, *roles: tuple[str, Team | None]) -> User:
    user = User.objects.create_user(f"{name.lower()}@example.org", name.capitalize(), PASSWORD)
    for role, team in roles:
        Membership.objects.create(user=user, role=role, team=team)
    return user


@pytest.fixture
def team(db: None) -> Team:
    return Team.objects.create(name="Flight operations", slug="flight-operations")


@pytest.fixture
def other_team(db: None) -> Team:
    return Team.objects.create(name="Lending", slug="lending")


@pytest.fixture
def olga(team: Team) -> User:
    """Owns models: a developer of the team."""
    return person("olga", (Role.DEVELOPER, team))


@pytest.fixture
def vera(team: Team) -> User:
    """Validates."""
    return person("vera", (Role.VALIDATOR, team))


@pytest.fixture
def rita(team: Team) -> User:
    """Reviews."""
    return person("rita", (Role.REVIEWER, team))


@pytest.fixture
def rosa(team: Team) -> User:
    """Is the risk officer."""
    return person("rosa", (Role.RISK_OFFICER, team))


@pytest.fixture
def adam(db: None) -> User:
    """Audits: reads everything, writes nothing."""
    return person("adam", (Role.AUDITOR, None))


@pytest.fixture
def anna(db: None) -> User:
    """Administers."""
    return person("anna", (Role.ADMINISTRATOR, None))


@pytest.fixture
def sam(other_team: Team) -> User:
    """Is a stranger: a developer of another team."""
    return person("sam", (Role.DEVELOPER, other_team))


@pytest.fixture
def robot(team: Team) -> User:
    """Is the service account of the team's serving system."""
    user = person("robot", (Role.SERVICE_ACCOUNT, team))
    user.kind = "service"
    user.save(update_fields=["kind"])
    return user


@pytest.fixture
def signed_in(client: Client) -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in
