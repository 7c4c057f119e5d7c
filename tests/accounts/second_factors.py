"""People with second factors, for tests."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from django.test import Client

from accounts import totp
from accounts.models import User
from accounts.proofs import KeyAnswer
from accounts.services.codes import activate_app
from accounts.services.passkeys import add_passkey, begin_adding
from tests.accounts.software_key import SoftwareKey
from tests.conftest import PASSWORD


class App:
    """An authenticator app. Every code that it shows is one that was not shown before."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def code(self, steps: int = 0) -> str:
        return totp.code_of(self.secret, totp.step_at() + steps)


def app_of(person: User) -> App:
    """Set an app up a minute ago, so that the code of now was not used."""
    secret = totp.new_secret()
    activate_app(actor=person, secret=secret, code=App(secret).code())
    row = Authenticator.objects.get(user=person, type="totp")
    row.data["step"] -= 2
    row.save()
    return App(secret)


def key_of(person: User, **how: Any) -> SoftwareKey:
    key = SoftwareKey(**how)
    options, ceremony = begin_adding(person)
    add_passkey(actor=person, name="Laptop", answer=KeyAnswer(ceremony, key.create(options)))
    return key


def at_the_door(client: Client, person: User, password: str = PASSWORD) -> Any:
    return client.post("/accounts/login/", {"login": person.email, "password": password})


def proved(client: Client, person: User) -> Client:
    """Signed in, and proved anew just now."""
    client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()
    return client
