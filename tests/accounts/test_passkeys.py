"""Passkeys: real WebAuthn answers of an authenticator in software."""

import json

import pytest
from allauth.mfa.models import Authenticator

from accounts.factors import factors_of
from audit.models import Event
from tests.accounts.second_factors import at_the_door, key_of, proved
from tests.accounts.software_key import SoftwareKey


def added(client, key, name="Laptop"):
    options = client.post("/accounts/security/passkeys/options").json()
    sent = {"name": name, "passkey": json.dumps(key.create(options))}
    return client.post("/accounts/security/passkeys/new", sent)


def signed_in_with(client, key, change=None):
    options = client.post("/accounts/login/passkey/options").json()
    said = key.get(options)
    if change is not None:
        change(said)
    return client.post("/accounts/login/passkey", {"passkey": json.dumps(said)})


def is_in(client):
    return client.get("/accounts/me").status_code == 200


def test_olga_adds_a_passkey_and_signs_in_with_it_alone(client, olga):
    proved(client, olga)
    key = SoftwareKey()
    shown = added(client, key)
    assert shown.content.count(b"<code>") == 10, "recovery codes come with the first factor"
    assert factors_of(olga).passkeys[0].name == "Laptop"
    told = Event.objects.get(event="accounts.passkey.added").data
    assert told["public_key"]
    client.logout()
    assert signed_in_with(client, key).status_code == 302
    assert is_in(client)
    assert Event.objects.latest("sequence").data["by"] == ["passkey"]


@pytest.mark.parametrize(
    "key",
    [SoftwareKey(verified=False), SoftwareKey(origin="https://ombud.example.net")],
    ids=["nobody unlocked it", "another address"],
)
def test_a_key_that_proves_too_little_is_not_added(client, olga, key):
    proved(client, olga)
    assert added(client, key).status_code == 422
    assert not Authenticator.objects.exists()
    assert not Event.objects.exists()


def test_a_challenge_is_answered_once_and_within_five_minutes(client, olga, monkeypatch):
    key = key_of(olga)
    options = client.post("/accounts/login/passkey/options").json()
    said = {"passkey": json.dumps(key.get(options))}
    monkeypatch.setattr("accounts.services.passkeys.LIVES", -1)
    client.post("/accounts/login/passkey", said)
    assert not is_in(client)
    monkeypatch.undo()
    client.post("/accounts/login/passkey", said)
    assert not is_in(client), "the challenge was taken back already"
    signed_in_with(client, key)
    assert is_in(client)
    client.logout()
    client.post("/accounts/login/passkey", said)
    assert not is_in(client)


def spoiled(said):
    said["response"]["signature"] = said["response"]["signature"][::-1]


def nobody(said):
    said["response"]["userHandle"] = "OTk5OTk"


def nonsense(said):
    said.clear()


@pytest.mark.parametrize("change", [spoiled, nobody, nonsense])
def test_a_forged_answer_opens_nothing(client, olga, change):
    key = key_of(olga)
    assert signed_in_with(client, key, change)["Location"] == "/accounts/login/"
    assert not is_in(client)


def test_another_key_or_another_person_s_handle_opens_nothing(client, olga, rita):
    key, stolen = key_of(olga), SoftwareKey()
    stolen.id, stolen.handle = key.id, key.handle
    signed_in_with(client, stolen)
    assert not is_in(client)
    key.handle = str(rita.pk).encode()
    signed_in_with(client, key)
    assert not is_in(client)
    refused = Event.objects.filter(event="accounts.passkey.refused")
    assert {event.actor_name for event in refused} == {"Olga", "Rita"}


def test_a_key_that_was_not_unlocked_opens_nothing(client, olga):
    key = key_of(olga)
    key.verified = False
    signed_in_with(client, key)
    assert not is_in(client)


def test_a_copied_key_shows_itself(client, olga):
    key = key_of(olga)
    signed_in_with(client, key)
    signed_in_with(client, key)
    client.logout()
    key.counter = 0
    signed_in_with(client, key)
    assert not is_in(client)


def test_who_left_does_not_come_back_by_passkey(client, olga):
    key = key_of(olga)
    olga.is_active = False
    olga.save()
    signed_in_with(client, key)
    assert not is_in(client)


def test_the_password_alone_is_not_enough_beside_a_passkey(client, olga):
    key = key_of(olga)
    assert at_the_door(client, olga)["Location"] == "/accounts/2fa/"
    assert not is_in(client)
    client.post("/accounts/2fa/", {"credential": json.dumps({"id": "x"})})
    assert not is_in(client)
    signed_in_with(client, key)
    assert is_in(client)


def test_a_passkey_is_removed_by_its_owner_only(client, olga, sam):
    key = key_of(olga)
    row = Authenticator.objects.get(type="webauthn")
    address = f"/accounts/security/passkeys/{row.pk}/remove"
    assert proved(client, sam).post(address).status_code == 404
    assert factors_of(olga).passkeys
    proved(client, olga).post(address)
    assert not Authenticator.objects.exists()
    assert Event.objects.latest("sequence").event == "accounts.passkey.removed"
    client.logout()
    signed_in_with(client, key)
    assert not is_in(client)
