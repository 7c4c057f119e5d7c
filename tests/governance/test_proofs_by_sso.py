"""Signatures of people who come by single sign-on: signed in anew, for one signature."""

import time

import pytest

from accounts.proofs import FreshSignIn, Proof
from audit.models import Event
from governance.models import FailedProof, SignOff
from governance.refusals import SecondFactorNeeded, WrongPassword
from governance.services.proofs import bound_to
from tests.accounts.oidc_provider import running
from tests.accounts.second_factors import app_of
from tests.accounts.sso_world import away, back_from, connected, entered, known
from tests.governance.conftest import Unchanged, ask, sign


@pytest.fixture
def provider(db, settings):
    with running() as one:
        yield connected(settings, one)


@pytest.fixture
def rita(rita, provider, client):
    """Reviews, without a password here: signed in through the provider."""
    rita.set_unusable_password()
    rita.save()
    provider.person = known("Rita", rita.email)
    entered(client)
    return rita


def over(request):
    return bound_to("change request", request.pk, request.digest)


def words(request, **more):
    said = {"decision": "approve", "meaning": "I reviewed the evidence", "reason": "It holds"}
    return said | {"digest": request.digest} | more


def signed_in_anew(client, request):
    address = f"/change-requests/{request.pk}/sign"
    sent = {"about": over(request), "back": address}
    return client.get(back_from(away(client.post("/accounts/sso/confirm", sent))), follow=True)


def test_rita_signs_in_anew_and_signs(client, one, olga, rita):
    request = ask(olga, one)
    address = f"/change-requests/{request.pk}/sign"
    page = client.get(address).content
    assert b"Sign in anew with Aviation ID" in page
    assert b'name="password"' not in page
    assert b"You have signed in anew" in signed_in_anew(client, request).content
    assert client.post(address, words(request)).status_code == 302
    assert SignOff.objects.get().method == "sso"
    given = Event.objects.get(event="governance.proof.given").data
    assert (given["identity"], given["about"]) == ("sub-Rita", over(request))
    shown = client.get(f"/change-requests/{request.pk}").content.decode()
    assert "proved by single sign-on, made anew" in shown


def test_without_it_she_does_not_sign(client, one, olga, rita):
    request = ask(olga, one)
    with Unchanged():
        answer = client.post(f"/change-requests/{request.pk}/sign", words(request))
    assert answer.status_code == 422


def test_a_sign_in_counts_for_one_signature(client, one, two, olga, rita):
    request, other = ask(olga, one), ask(olga, two)
    signed_in_anew(client, request)
    client.post(f"/change-requests/{other.pk}/sign", words(other))
    assert not SignOff.objects.exists(), "it was for another request"
    client.post(f"/change-requests/{request.pk}/sign", words(request))
    assert not SignOff.objects.exists(), "and it is used up"


def test_somebody_else_at_her_desk_signs_nothing(client, one, olga, vera, rita, provider):
    request = ask(olga, one)
    provider.person = known("Vera", vera.email)
    assert b"Somebody else signed in" in signed_in_anew(client, request).content
    client.post(f"/change-requests/{request.pk}/sign", words(request))
    assert not SignOff.objects.exists()


@pytest.mark.parametrize("lie", [{"auth_time": 1}, {"auth_time": None}, {"nonce": "x"}], ids=str)
def test_an_old_sign_in_signs_nothing(client, one, olga, rita, provider, lie):
    request = ask(olga, one)
    provider.lies = lie
    assert b"You have signed in anew" not in signed_in_anew(client, request).content
    client.post(f"/change-requests/{request.pk}/sign", words(request))
    assert not SignOff.objects.exists()


def fresh(request, **change):
    said = {"about": over(request), "subject": "sub-Rita", "at": time.time()}
    return Proof(sign_in=FreshSignIn(**(said | {"many_factors": False} | change)))


@pytest.mark.parametrize(
    "change",
    [{"subject": "sub-Vera"}, {"at": time.time() - 301}, {"about": "waiver 1"}],
    ids=["another person", "five minutes ago", "another record"],
)
def test_the_service_refuses_what_is_not_hers_and_counts_it(one, olga, rita, change):
    request = ask(olga, one)
    with pytest.raises(WrongPassword, match="sign-in"):
        sign(rita, request, password=fresh(request, **change))
    assert not SignOff.objects.exists()
    assert FailedProof.objects.count() == 1


def test_it_does_not_stand_in_for_a_password_that_there_is(one, olga, vera, provider):
    request = ask(olga, one)
    with pytest.raises(WrongPassword):
        sign(vera, request, password=fresh(request, subject="sub-Vera"))
    assert not SignOff.objects.exists()


def test_her_app_is_the_second_component(one, olga, rita):
    app = app_of(rita)
    request = ask(olga, one)
    proof = Proof(code=app.code(), sign_in=fresh(request).sign_in)
    assert sign(rita, request, password=proof).method == "sso+totp"


def test_required_needs_a_provider_that_asked_for_more_than_one(one, olga, rita, settings):
    settings.SIGN_SECOND_FACTOR = "required"
    request = ask(olga, one)
    with Unchanged(), pytest.raises(SecondFactorNeeded):
        sign(rita, request, password=fresh(request))
    assert sign(rita, request, password=fresh(request, many_factors=True)).method == "sso+mfa"
