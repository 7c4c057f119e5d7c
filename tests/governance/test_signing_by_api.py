"""Signing by API with a passkey: bound to person, record and act; SSO needs a browser."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import SigningChallenge
from accounts.services.challenges import MOST
from accounts.services.tokens import create_token
from audit.models import Event
from governance.models import FailedProof, SignOff, Waiver
from governance.services.waivers import ask_waiver
from tests.accounts.second_factors import app_of, key_of
from tests.conftest import PASSWORD, person
from tests.governance.conftest import Unchanged, ask
from tests.governance.test_proofs import raised

JSON = "application/json"


@pytest.fixture
def at_api(client):
    """Somebody's calls with their token: no session, no cookie."""

    def of(person):
        made = create_token(
            actor=person, owner=person, name="script", scopes=["read", "manage"], days=1
        )
        how = {"authorization": f"Bearer {made.text}"}

        def call(address, **body):
            return client.post(f"/api/v1/{address}", body, content_type=JSON, headers=how)

        return call

    return of


def challenge(call, request, **more):
    said = {"act": "change_request", "record": str(request.pk), "digest": request.digest}
    return call("signing-challenges", **said | more)


def decide(call, request, asked, answer, **more):
    said = {
        "decision": "approve",
        "meaning": "I reviewed the evidence",
        "reason": "It holds",
        "digest": request.digest,
        "challenge": asked["id"],
        "passkey": answer,
    }
    return call(f"change-requests/{request.pk}/decisions", **said | more)


def test_rita_signs_by_api_with_her_passkey(one, olga, rita, at_api):
    key, request, call = key_of(rita), ask(olga, one), at_api(rita)
    asked = challenge(call, request)
    assert asked.status_code == 201
    asked = asked.json()
    assert asked["about"] == f"change request {request.pk} over {request.digest}"
    assert asked["options"]["publicKey"]["userVerification"] == "required"
    done = decide(call, request, asked, key.get(asked["options"]))
    assert (done.status_code, done.json()["method"]) == (201, "passkey")
    given = Event.objects.get(event="governance.proof.given").data
    assert given["passkey"]["about"] == asked["about"]
    assert given["passkey"]["signature"]


def test_an_answer_counts_once(one, two, olga, rita, at_api):
    key, request, call = key_of(rita), ask(olga, one), at_api(rita)
    asked = challenge(call, request).json()
    answer = key.get(asked["options"])
    assert decide(call, request, asked, answer).status_code == 201
    SignOff.objects.all().delete()
    refused = decide(call, request, asked, answer)
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_password")
    again = decide(call, request, asked, key.get(asked["options"]))
    assert again.status_code == 403, "the challenge is taken, whatever the counter says"
    assert not SignOff.objects.exists()
    assert FailedProof.objects.filter(person=rita).count() == 2


def test_an_answer_counts_for_no_other_record(one, two, olga, rita, at_api):
    key, call = key_of(rita), at_api(rita)
    request, other = ask(olga, one), ask(olga, two)
    asked = challenge(call, request).json()
    refused = decide(call, other, asked, key.get(asked["options"]))
    assert refused.status_code == 403
    assert not SignOff.objects.exists()
    assert decide(call, request, asked, key.get(asked["options"])).status_code == 403, "used up"
    assert not SignOff.objects.exists()


def test_nobody_else_answers_rita_s_challenge(one, olga, rita, rosa, vera, at_api):
    hers, his = key_of(rita), key_of(vera)
    request, call, other = ask(olga, one), at_api(rita), at_api(vera)
    asked = challenge(call, request).json()
    for key in (hers, his):
        assert decide(other, request, asked, key.get(asked["options"])).status_code == 403
        assert decide(call, request, asked, his.get(asked["options"])).status_code == 403
    assert not SignOff.objects.exists()
    anew = challenge(call, request).json()
    assert decide(call, request, anew, hers.get(anew["options"])).status_code == 201


def test_somebody_else_does_not_use_the_challenge_up(one, olga, rita, at_api):
    key, request, call = key_of(rita), ask(olga, one), at_api(rita)
    asked = challenge(call, request).json()
    answer = key.get(asked["options"])
    second = person("renate", ("reviewer", one.model.team))
    key_of(second)
    assert decide(at_api(second), request, asked, answer).status_code == 403
    assert decide(call, request, asked, answer).status_code == 201


def test_an_answer_after_five_minutes_is_too_late(one, olga, rita, at_api):
    key, request, call = key_of(rita), ask(olga, one), at_api(rita)
    asked = challenge(call, request).json()
    row = SigningChallenge.objects.get()
    row.ceremony["at"] -= 301
    row.save()
    assert decide(call, request, asked, key.get(asked["options"])).status_code == 403
    assert not SignOff.objects.exists()


def test_a_passkey_that_was_not_unlocked_signs_nothing(one, olga, rita, at_api):
    key, request, call = key_of(rita), ask(olga, one), at_api(rita)
    key.verified = False
    asked = challenge(call, request).json()
    assert decide(call, request, asked, key.get(asked["options"])).status_code == 403
    assert not SignOff.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"challenge": None},
        {"challenge": "00000000-0000-0000-0000-000000000000"},
        {"passkey": {}},
        {"passkey": {"id": "x", "response": "y"}},
        {"passkey": {"id": "x" * 30_000}},
        {"passkey": None},
    ],
    ids=["no challenge", "unknown", "empty", "broken", "long", "no passkey"],
)
def test_half_an_answer_signs_nothing(one, olga, rita, at_api, change):
    key, request, call = key_of(rita), ask(olga, one), at_api(rita)
    asked = challenge(call, request).json()
    refused = decide(call, request, asked, key.get(asked["options"]), **change)
    assert refused.status_code in {403, 422}
    assert not SignOff.objects.exists()


def test_a_challenge_is_for_the_digest_that_is_in_force(one, olga, rita, at_api):
    key_of(rita)
    request, call = ask(olga, one), at_api(rita)
    refused = challenge(call, request, digest="0" * 64)
    assert (refused.status_code, refused.json()["code"]) == (409, "evidence_changed")
    assert not SigningChallenge.objects.exists()


def test_sam_asks_for_nothing_that_he_may_not_see(one, olga, sam, rita, at_api):
    key_of(sam)
    request, call = ask(olga, one), at_api(sam)
    assert challenge(call, request).status_code == 404
    for act, record in (("risk", one.model.slug), ("waiver", "1"), ("waiver", "x"), ("risk", "")):
        answer = call("signing-challenges", act=act, record=record)
        assert answer.status_code in {404, 422}
    assert not SigningChallenge.objects.exists()


def test_twenty_are_out_at_the_most(one, olga, rita, at_api):
    key_of(rita)
    request, call = ask(olga, one), at_api(rita)
    answers = [challenge(call, request).status_code for _ in range(MOST + 1)]
    assert answers == [201] * MOST + [429]
    SigningChallenge.objects.update(made_at=timezone.now() - timedelta(minutes=6))
    assert challenge(call, request).status_code == 201
    assert SigningChallenge.objects.count() == 1


def test_without_a_passkey_there_is_nothing_to_ask(one, olga, rita, at_api):
    request, call = ask(olga, one), at_api(rita)
    refused = challenge(call, request)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_passkey")


def test_a_password_and_a_code_sign_as_before(one, olga, rita, at_api):
    app = app_of(rita)
    request, call = ask(olga, one), at_api(rita)
    missing = decide(call, request, {"id": None}, None)
    assert missing.json()["errors"][0]["field"] == "password"
    done = decide(call, request, {"id": None}, None, password=PASSWORD, code=app.code())
    assert (done.status_code, done.json()["method"]) == (201, "password+totp")


def test_rosa_grants_a_waiver_with_her_passkey(flights, olga, rosa, at_api):
    key, call = key_of(rosa), at_api(rosa)
    waiver = ask_waiver(
        actor=olga,
        model_id=flights.pk,
        reason="No night flights in winter.",
        expires_on=timezone.now().date() + timedelta(days=30),
        finding_id=raised(flights, olga).pk,
    )
    asked = call("signing-challenges", act="waiver", record=str(waiver.pk)).json()
    said = {"decision": "grant", "reason": "Winter.", "challenge": asked["id"]}
    said["passkey"] = key.get(asked["options"])
    assert call(f"waivers/{waiver.pk}/decision", **said).status_code == 200
    assert Waiver.objects.get().method == "passkey"


# Single sign-on: a token alone never signs.


def test_who_comes_by_single_sign_on_is_sent_to_the_browser(one, olga, rita, at_api, settings):
    rita.set_unusable_password()
    rita.save()
    request, call = ask(olga, one), at_api(rita)
    with Unchanged():
        for refused in (
            challenge(call, request),
            decide(call, request, {"id": None}, None),
            decide(call, request, {"id": None}, None, password="guess"),
        ):
            said = refused.json()
            assert (refused.status_code, said["code"]) == (403, "sign_in_the_browser")
            page = f"{settings.PUBLIC_URL}/change-requests/{request.pk}/sign"
            assert said["address"] == page
    assert not SignOff.objects.exists()


def test_with_a_passkey_they_sign_by_api_as_well(one, olga, rita, at_api):
    key = key_of(rita)
    rita.set_unusable_password()
    rita.save()
    request, call = ask(olga, one), at_api(rita)
    asked = challenge(call, request).json()
    assert decide(call, request, asked, key.get(asked["options"])).status_code == 201
