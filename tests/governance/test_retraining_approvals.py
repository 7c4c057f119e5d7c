"""Approving a retraining policy is a signature: who does it proves who they are, once more."""

import pytest
from django.urls import reverse

from accounts.policies import Refused
from accounts.proofs import Proof
from accounts.services.tokens import create_token
from audit.models import Event
from governance.models import FailedProof
from governance.refusals import (
    EvidenceChanged,
    Incomplete,
    NotOpen,
    SecondFactorNeeded,
    TooManyAttempts,
    WrongPassword,
)
from governance.services.retraining_policies import sign_retraining_policy
from monitoring.models import RetrainingPolicy
from monitoring.services.retraining_policies import switch_off, switch_on, write_policy
from tests.accounts.second_factors import app_of, key_of
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
TERMS = {"triggers": [{"on": "schedule", "every_days": 90}], "parameters": {"C": 0.5}}
JSON = "application/json"


@pytest.fixture
def policy(one, olga):
    made = write_policy(actor=olga, model_id=one.model_id, terms=TERMS, reason="Spring comes.")
    return switch_on(actor=olga, policy_id=made.pk)


def sign(actor, policy, password=PASSWORD, **more):
    said = {"reason": "It is right.", "digest": policy.digest, "password": password} | more
    return sign_retraining_policy(actor=actor, policy_id=policy.pk, **said)


def is_asked(policy):
    """Nothing happened: it waits, nobody approved it, and the trail has no line of it."""
    found = RetrainingPolicy.objects.get(pk=policy.pk)
    approved = Event.objects.filter(event="monitoring.retraining_policy.approved")
    return found.state == "asked" and found.approved_by is None and not approved.exists()


def test_rita_approves_with_her_password_and_the_trail_says_how(policy, rita):
    assert sign(rita, policy).state == "on"
    told = Event.objects.get(event="monitoring.retraining_policy.approved")
    assert (told.data["method"], told.data["digest"]) == ("password", policy.digest)


def test_a_wrong_password_approves_nothing_and_is_counted(policy, rita):
    for _ in range(5):
        with pytest.raises(WrongPassword):
            sign(rita, policy, "not hers")
    with pytest.raises(TooManyAttempts):
        sign(rita, policy)
    assert is_asked(policy)
    assert FailedProof.objects.filter(person=rita).count() == 5
    assert Event.objects.filter(event="governance.proof.failed").count() == 5


def test_who_has_an_app_gives_its_code_too(policy, rita):
    app = app_of(rita)
    with pytest.raises(Incomplete):
        sign(rita, policy)
    with pytest.raises(WrongPassword):
        sign(rita, policy, Proof(password=PASSWORD, code="000000"))
    assert is_asked(policy)
    sign(rita, policy, Proof(password=PASSWORD, code=app.code()))
    told = Event.objects.get(event="monitoring.retraining_policy.approved")
    assert told.data["method"] == "password+totp"


def test_where_a_second_factor_is_required_a_password_alone_approves_nothing(
    policy, rita, settings
):
    settings.SIGN_SECOND_FACTOR = "required"
    with pytest.raises(SecondFactorNeeded):
        sign(rita, policy)
    assert is_asked(policy)
    assert not FailedProof.objects.exists()


def test_nobody_approves_their_own_however_they_prove_it(policy, olga, vera, sam):
    for somebody in (olga, vera, sam):
        with pytest.raises(Refused):
            sign(somebody, policy)
    assert is_asked(policy)
    assert not FailedProof.objects.exists()


def test_only_what_was_read_and_still_waits_is_signed(policy, olga, rita):
    with pytest.raises(EvidenceChanged):
        sign(rita, policy, digest="d" * 64)
    with pytest.raises(Incomplete):
        sign(rita, policy, reason=" ")
    assert is_asked(policy)
    switch_off(actor=olga, policy_id=policy.pk, reason="Not now.")
    with pytest.raises(NotOpen):
        sign(rita, policy)
    assert RetrainingPolicy.objects.get(pk=policy.pk).approved_by is None


def test_on_its_page_the_policy_is_read_and_signed(client, policy, olga, rita):
    address = reverse("retraining-policy-approve", args=[policy.pk])
    client.force_login(olga)
    assert client.get(address).status_code == 403
    client.force_login(rita)
    offered = client.get(reverse("monitoring-retraining", args=[policy.model.slug]))
    assert f'href="{address}"' in offered.content.decode()
    page = client.get(address).content.decode()
    assert "Retrains when 90 days have passed" in page
    assert "C: 0.5" in page
    assert 'name="password"' in page
    said = {"digest": policy.digest, "reason": "It is right."}
    assert client.post(address, said).status_code == 422
    wrong = client.post(address, said | {"password": "not hers"})
    assert (wrong.status_code, is_asked(policy)) == (403, True)
    assert "This is not your password" in wrong.content.decode()
    done = client.post(address, said | {"password": PASSWORD})
    assert done.status_code == 302
    assert RetrainingPolicy.objects.get(pk=policy.pk).approved_by == rita
    assert "Nothing is left to sign" in client.get(address).content.decode()


def test_by_api_a_token_alone_approves_nothing_and_a_passkey_does(client, policy, rita):
    key = key_of(rita)
    token = create_token(actor=rita, owner=rita, name="me", scopes=["read", "manage"], days=1)
    how = {"content_type": JSON, "headers": {"authorization": f"Bearer {token.text}"}}
    address = f"/api/v1/retraining-policies/{policy.pk}/approve"
    said = {"reason": "It is right.", "digest": policy.digest}
    bare = client.post(address, said, **how)
    assert (bare.status_code, bare.json()["errors"][0]["field"]) == (422, "password")
    act = {"act": "retraining_policy", "record": str(policy.pk)}
    other = client.post("/api/v1/signing-challenges", act | {"digest": "d" * 64}, **how)
    assert other.json()["code"] == "evidence_changed"
    asked = client.post("/api/v1/signing-challenges", act | {"digest": policy.digest}, **how).json()
    assert asked["about"] == f"retraining policy {policy.pk} over {policy.digest}"
    assert is_asked(policy)
    proof = {"challenge": asked["id"], "passkey": key.get(asked["options"])}
    done = client.post(address, said | proof, **how)
    assert (done.status_code, done.json()["state"]) == (200, "on"), done.content
    told = Event.objects.get(event="monitoring.retraining_policy.approved")
    assert told.data["method"] == "passkey"
