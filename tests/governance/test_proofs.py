"""Signatures by two components: password and code, or a passkey; counted, bound, once."""

import json
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.utils import websafe_decode

from accounts.proofs import KeyAnswer, Proof
from accounts.services.passkeys import begin_using, challenge_of
from audit.models import Event
from governance.jobs.findings import Found, raise_finding
from governance.models import Attestation, FailedProof, RiskAssessment, SignOff
from governance.refusals import (
    EvidenceChanged,
    Incomplete,
    SecondFactorNeeded,
    TooManyAttempts,
    WrongPassword,
)
from governance.risk_table import questionnaire
from governance.services.proofs import bound_to
from governance.services.risk import sign_risk
from governance.services.waivers import ask_waiver
from tests.accounts.second_factors import app_of, key_of
from tests.conftest import PASSWORD
from tests.governance.conftest import Unchanged, ask, sign


def over(request):
    return bound_to("change request", request.pk, request.digest)


def by_key(person, key, about, **change):
    options, ceremony = begin_using("sign", about, person)
    return Proof(key=KeyAnswer(ceremony, key.get(options) | change))


def test_without_a_second_factor_the_password_signs_as_before(one, olga, rita):
    assert sign(rita, ask(olga, one)).method == "password"


def test_rita_s_app_makes_her_signature_need_its_code(one, olga, rita):
    app = app_of(rita)
    request = ask(olga, one)
    with Unchanged(), pytest.raises(Incomplete, match="six digits"):
        sign(rita, request)
    assert not FailedProof.objects.exists(), "nothing was guessed"
    signoff = sign(rita, request, password=Proof(PASSWORD, app.code()))
    assert signoff.method == "password+totp"
    assert Event.objects.get(event="governance.signoff.signed").data["method"] == "password+totp"


@pytest.mark.parametrize(
    ("password", "steps"), [(PASSWORD, 99), ("guess", 0), ("guess", 99)], ids=str
)
def test_one_right_component_signs_nothing_and_does_not_say_which(one, olga, rita, password, steps):
    app = app_of(rita)
    request = ask(olga, one)
    with pytest.raises(WrongPassword, match="password, or not the code of now"):
        sign(rita, request, password=Proof(password, app.code(steps)))
    assert not SignOff.objects.exists()
    assert FailedProof.objects.filter(person=rita, request=request).count() == 1


def test_a_wrong_password_does_not_use_the_code_up(one, olga, rita):
    app = app_of(rita)
    request, code = ask(olga, one), app.code()
    with pytest.raises(WrongPassword):
        sign(rita, request, password=Proof("guess", code))
    assert sign(rita, request, password=Proof(PASSWORD, code)).pk


def test_a_code_signs_once(one, two, olga, rita):
    app = app_of(rita)
    code = app.code()
    sign(rita, ask(olga, one), password=Proof(PASSWORD, code))
    other = ask(olga, two)
    for replayed in (code, app.code(-1)):
        with pytest.raises(WrongPassword):
            sign(rita, other, password=Proof(PASSWORD, replayed))
    assert SignOff.objects.count() == 1
    assert sign(rita, other, password=Proof(PASSWORD, app.code(1))).pk


def test_guessed_codes_are_counted_by_the_lock_of_passwords(one, olga, rita):
    app = app_of(rita)
    request = ask(olga, one)
    for guess in range(5):
        with pytest.raises(WrongPassword):
            sign(rita, request, password=Proof(PASSWORD, f"{guess:06}"))
    with Unchanged(), pytest.raises(TooManyAttempts):
        sign(rita, request, password=Proof(PASSWORD, app.code()))


def test_required_means_that_a_password_alone_signs_nowhere(one, olga, rita, settings):
    settings.SIGN_SECOND_FACTOR = "required"
    request = ask(olga, one)
    with Unchanged(), pytest.raises(SecondFactorNeeded, match="Your security"):
        sign(rita, request)
    app = app_of(rita)
    assert sign(rita, request, password=Proof(PASSWORD, app.code())).pk


def test_rita_signs_with_her_passkey_alone(one, olga, rita):
    key = key_of(rita)
    request = ask(olga, one)
    with Unchanged(), pytest.raises(SecondFactorNeeded, match="passkey"):
        sign(rita, request)
    signoff = sign(rita, request, password=by_key(rita, key, over(request)))
    assert signoff.method == "passkey"


def test_the_trail_alone_proves_what_the_passkey_signed(one, olga, rita):
    """Everything that an auditor needs: the public key, what was signed, and the signature."""
    key = key_of(rita)
    request = ask(olga, one)
    sign(rita, request, password=by_key(rita, key, over(request)))
    added = Event.objects.get(event="accounts.passkey.added").data
    given = Event.objects.get(event="governance.proof.given").data["passkey"]
    assert given["about"] == f"change request {request.pk} over {request.digest}"
    said = websafe_decode(given["client_data"])
    challenge = challenge_of(websafe_decode(given["nonce"]), given["about"])
    assert websafe_decode(json.loads(said)["challenge"]) == challenge
    digest = hashes.Hash(hashes.SHA256())
    digest.update(said)
    public = CoseKey.parse(cbor.decode(websafe_decode(added["public_key"])))
    signed = websafe_decode(given["authenticator_data"]) + digest.finalize()
    public.verify(signed, websafe_decode(given["signature"]))
    assert isinstance(key.private.public_key(), ec.EllipticCurvePublicKey)


def test_a_passkey_s_answer_is_for_one_record_and_one_digest(one, two, olga, rita):
    key = key_of(rita)
    request, other = ask(olga, one), ask(olga, two)
    for about in (over(other), bound_to("change request", request.pk, "0" * 64), ""):
        with pytest.raises(WrongPassword):
            sign(rita, request, password=by_key(rita, key, about))
    assert not SignOff.objects.exists()
    assert FailedProof.objects.count() == 3


def test_changed_evidence_is_said_even_to_who_holds_a_passkey(one, olga, rita):
    key = key_of(rita)
    request = ask(olga, one)
    read = bound_to("change request", request.pk, "0" * 64)
    with pytest.raises(EvidenceChanged):
        sign(rita, request, password=by_key(rita, key, read), digest="0" * 64)
    assert not SignOff.objects.exists()


def test_a_late_or_foreign_or_unlocked_answer_signs_nothing(one, olga, rita, vera, monkeypatch):
    key = key_of(rita)
    request = ask(olga, one)
    late = by_key(rita, key, over(request))
    monkeypatch.setattr("accounts.services.passkeys.LIVES", -1)
    with pytest.raises(WrongPassword):
        sign(rita, request, password=late)
    monkeypatch.undo()
    with pytest.raises(WrongPassword):
        sign(vera, request, password=by_key(rita, key, over(request)))
    key.verified = False
    with pytest.raises(WrongPassword):
        sign(rita, request, password=by_key(rita, key, over(request)))
    with pytest.raises(WrongPassword):
        sign(rita, request, password=Proof(key=KeyAnswer(None, {"id": "x"})))
    assert not SignOff.objects.exists()


def test_the_risk_questionnaire_asks_for_both_components_too(flights, rosa):
    app = app_of(rosa)
    answers = {one.id: one.options[-1].id for one in questionnaire().questions}
    how = {"actor": rosa, "model_id": flights.pk, "answers": answers, "reason": "Seen."}
    with pytest.raises(Incomplete):
        sign_risk(**how, password=PASSWORD)
    assert not RiskAssessment.objects.exists()
    assert sign_risk(**how, password=Proof(PASSWORD, app.code())).method == "password+totp"


# Through the page and the API.


def words(request, **more):
    said = {"decision": "approve", "meaning": "I reviewed the evidence", "reason": "It holds"}
    return said | {"digest": request.digest} | more


def test_the_page_asks_for_the_code_and_shows_how_it_was_proved(one, olga, rita, signed_in):
    app = app_of(rita)
    request = ask(olga, one)
    desk, address = signed_in(rita), f"/change-requests/{request.pk}/sign"
    assert b"Code of your authenticator app" in desk.get(address).content
    assert desk.post(address, words(request, password=PASSWORD)).status_code == 422
    assert not SignOff.objects.exists()
    desk.post(address, words(request, password=PASSWORD, code=app.code()))
    shown = desk.get(f"/change-requests/{request.pk}").content.decode()
    assert "proved by password and one-time code" in shown


def test_the_page_takes_a_passkey_s_answer_once(one, two, olga, rita, signed_in):
    key = key_of(rita)
    request = ask(olga, one)
    desk, address = signed_in(rita), f"/change-requests/{request.pk}/sign"
    page = desk.get(address).content.decode()
    assert f'data-about="{over(request)}"' in page
    assert 'name="password"' not in page
    options = desk.post("/accounts/passkey/sign", {"about": over(request)}).json()
    said = json.dumps(key.get(options))
    assert desk.post(address, words(request, passkey=said)).status_code == 302
    assert SignOff.objects.get().method == "passkey"
    SignOff.objects.all().delete()
    row = Authenticator.objects.get(user=rita, type="webauthn")
    row.data["counter"] = 0
    row.save()
    assert desk.post(address, words(request, passkey=said)).status_code == 403, "taken back"
    assert not SignOff.objects.exists()


def test_the_api_takes_the_code_beside_the_password(one, olga, rita, signed_in):
    app = app_of(rita)
    request = ask(olga, one)
    desk, address = signed_in(rita), f"/api/v1/change-requests/{request.pk}/decisions"

    def sent(**more):
        body = words(request, password=PASSWORD, **more)
        return desk.post(address, body, content_type="application/json")

    assert sent().json()["errors"][0]["field"] == "code"
    wrong = sent(code="000000")
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    done = sent(code=app.code())
    assert (done.status_code, done.json()["method"]) == (201, "password+totp")


def test_the_page_says_when_a_second_factor_must_be_set_up(one, olga, rita, signed_in, settings):
    request = ask(olga, one)
    desk, address = signed_in(rita), f"/change-requests/{request.pk}/sign"
    assert b"needs a second factor" not in desk.get(address).content
    settings.SIGN_SECOND_FACTOR = "required"
    assert b"needs a second factor" in desk.get(address).content
    refused = desk.post(address, words(request, password=PASSWORD))
    assert refused.status_code == 403
    assert not SignOff.objects.exists()


def test_an_attestation_s_page_asks_for_the_code_too(flights, olga, signed_in):
    app = app_of(olga)
    row = Attestation.objects.create(model=flights, tier="medium", due_on="2030-01-01")
    desk, address = signed_in(olga), f"/attestations/{row.pk}"
    said = {"result": "fit", "statement": "Looked at.", "password": PASSWORD}
    assert b"Code of your authenticator app" in desk.get(address).content
    assert desk.post(address, said).status_code == 422
    assert desk.post(address, said | {"code": "000000"}).status_code == 403
    row.refresh_from_db()
    assert row.signed_at is None
    assert desk.post(address, said | {"code": app.code()}).status_code == 302
    assert b"password and one-time code" in desk.get(address).content


def test_a_waiver_is_granted_by_passkey_on_its_page(flights, olga, rosa, signed_in):
    key = key_of(rosa)
    waiver = ask_waiver(
        actor=olga,
        model_id=flights.pk,
        reason="No night flights in winter.",
        expires_on=timezone.now().date() + timedelta(days=30),
        finding_id=raised(flights, olga).pk,
    )
    desk, address = signed_in(rosa), f"/waivers/{waiver.pk}"
    about = f"waiver {waiver.pk}"
    assert f'data-about="{about}"' in desk.get(address).content.decode()
    said = {"decision": "grant", "reason": "It is winter."}
    assert desk.post(address, said).status_code == 422
    answer = json.dumps(key.get(desk.post("/accounts/passkey/sign", {"about": about}).json()))
    assert desk.post(address, said | {"passkey": answer}).status_code == 302
    waiver.refresh_from_db()
    assert (waiver.state, waiver.method) == ("granted", "passkey")
    assert b"passkey, unlocked by its person" in desk.get(address).content


def raised(model, owner):
    found = Found(kind="validation", severity="high", title="Night flights", text="Too few.")
    return raise_finding(actor=owner, model=model, found=found)
