"""A promotion from submission to serving, and everything that refuses it."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.policies import Refused
from audit.models import Event
from governance.models import ChangeRequest, Clearance, FailedProof, SignOff
from governance.refusals import (
    AlreadyRequested,
    AlreadySigned,
    EvidenceChanged,
    EvidenceStale,
    GatesNotPassed,
    Incomplete,
    NotOpen,
    TooManyAttempts,
    WrongPassword,
)
from governance.rounds import one_round
from governance.services.cards import revise_card
from governance.services.requests import refresh_evidence, withdraw
from registry.models import Contribution, Deployment, Version
from tests.governance.conftest import (
    Unchanged,
    ask,
    carry_out,
    critical_incident,
    promoted,
    put_in_force,
    sign,
    version_of,
)


def events():
    return list(Event.objects.order_by("sequence").values_list("event", flat=True))


def test_a_promotion_is_signed_by_two_and_carried_out(one, olga, vera, rita):
    request = ask(olga, one)
    assert request.quorum == {"validator": 1, "reviewer": 1}
    sign(vera, request)
    request.refresh_from_db()
    assert request.state == "open"
    sign(rita, request)
    request.refresh_from_db()
    assert request.state == "approved"
    carry_out(request)
    one.refresh_from_db()
    assert (request.state, one.stage) == ("executed", "serving")
    assert Deployment.objects.get(version=one).role == "champion"
    assert Clearance.objects.get(version=one).state == "cleared"
    told = events()
    for event in ("submitted", "approved", "executed"):
        assert told.count(f"governance.request.{event}") == 1
    assert told.count("governance.signoff.signed") == 2


def test_the_signature_shows_name_role_meaning_and_what_was_signed(one, olga, vera):
    request = ask(olga, one)
    signoff = sign(vera, request, meaning="I validated the model")
    assert (signoff.printed_name, signoff.role) == ("Vera", "validator")
    assert signoff.meaning == "I validated the model"
    assert signoff.signed_digest == request.digest
    assert signoff.method == "password"


def test_a_high_risk_model_needs_the_risk_officer_too(flights, one, olga, vera, rita, rosa):
    flights.risk_tier = "high"
    flights.save()
    request = ask(olga, one)
    for person in (vera, rita):
        sign(person, request)
    request.refresh_from_db()
    assert request.state == "open"
    sign(rosa, request)
    request.refresh_from_db()
    assert request.state == "approved"


@pytest.mark.parametrize("name", ["rita", "rosa", "adam", "anna", "sam"])
def test_others_than_builders_do_not_ask(one, name, request):
    stranger = request.getfixturevalue(name)
    with Unchanged(), pytest.raises(Refused):
        ask(stranger, one)


def test_a_service_account_asks_but_does_not_sign(one, robot):
    request = ask(robot, one)
    with Unchanged(), pytest.raises(Refused):
        sign(robot, request)


@pytest.mark.parametrize("name", ["olga", "adam", "anna", "sam", "rosa"])
def test_who_has_no_role_of_the_quorum_does_not_sign(one, olga, name, request):
    asked = ask(olga, one)
    with Unchanged(), pytest.raises(Refused):
        sign(request.getfixturevalue(name), asked)


def test_the_requester_does_not_sign(one, vera):
    request = ask(vera, one)
    with Unchanged(), pytest.raises(Refused, match="asked for this change"):
        sign(vera, request)


def test_who_edited_the_card_does_not_sign(one, olga, vera):
    revise_card(
        actor=vera, version_id=one.pk, sections={"risks": "More"}, note="", expected_revision=1
    )
    request = ask(olga, one)
    with Unchanged(), pytest.raises(Refused, match="edited the card"):
        sign(vera, request)


@pytest.mark.parametrize("who", ["requester", "editor"])
def test_the_database_refuses_signatures_of_ones_own_work(one, olga, vera, rita, who):
    request = ask(vera if who == "requester" else olga, one)
    person = vera if who == "requester" else rita
    if who == "editor":
        Contribution.objects.create(version=one, person=rita, kind="card")
    statement = (
        "INSERT INTO governance_signoff (request_id, person_id, printed_name, role, decision,"
        " meaning, reason, signed_digest, method)"
        " VALUES (%s, %s, 'X', 'reviewer', 'approve', 'x', 'x', %s, 'password')"
    )
    refused = pytest.raises(IntegrityError)
    with Unchanged(), refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [request.pk, person.pk, request.digest])


def test_a_hole_in_the_policy_is_stopped_by_the_database(one, vera, monkeypatch):
    request = ask(vera, one)
    monkeypatch.setattr("governance.services.signoffs.had_a_hand", lambda *_: "")
    with Unchanged(), pytest.raises(Refused, match="had a hand"):
        sign(vera, request)


def test_a_wrong_password_signs_nothing_and_is_told(one, olga, rita):
    request = ask(olga, one)
    with pytest.raises(WrongPassword):
        sign(rita, request, password="guess")
    assert not SignOff.objects.exists()
    assert events()[-1] == "governance.signoff.proof_failed"


def test_five_wrong_passwords_lock_the_signature_for_a_while(one, olga, rita):
    request = ask(olga, one)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            sign(rita, request, password="guess")
    with Unchanged(), pytest.raises(TooManyAttempts):
        sign(rita, request)
    FailedProof.objects.all().delete()
    assert sign(rita, request).pk


def test_a_signature_over_another_digest_is_refused(one, olga, rita):
    request = ask(olga, one)
    with Unchanged(), pytest.raises(EvidenceChanged):
        sign(rita, request, digest="0" * 64)


def test_nobody_signs_twice_nor_for_a_role_that_is_filled(one, team, olga, rita):
    from tests.conftest import person

    request = ask(olga, one)
    sign(rita, request)
    with Unchanged(), pytest.raises(AlreadySigned):
        sign(rita, request)
    with Unchanged(), pytest.raises(AlreadySigned, match="another role"):
        sign(person("rolf", ("reviewer", team)), request)


def test_one_rejection_ends_the_request(one, olga, vera, rita):
    request = ask(olga, one)
    sign(vera, request)
    sign(rita, request, "reject", reason="Too few flights in summer")
    request.refresh_from_db()
    assert request.state == "rejected"
    with Unchanged(), pytest.raises(NotOpen):
        sign(rita, request)


@pytest.mark.parametrize(
    ("field", "value"),
    [("decision", "maybe"), ("meaning", " "), ("reason", ""), ("reason", "a\0b")],
)
def test_a_signature_without_meaning_or_reason_is_no_signature(one, olga, rita, field, value):
    request = ask(olga, one)
    words = {"decision": "approve", field: value}
    with Unchanged(), pytest.raises(Incomplete) as refused:
        sign(rita, request, **words)
    assert refused.value.field == field


def test_a_changed_card_makes_signatures_stale_until_the_evidence_is_refreshed(
    one, olga, vera, rita
):
    request = ask(olga, one)
    sign(vera, request)
    revise_card(
        actor=olga, version_id=one.pk, sections={"risks": "New"}, note="", expected_revision=1
    )
    with Unchanged(), pytest.raises(EvidenceStale, match="card changed from revision 1 to 2"):
        sign(rita, request)
    refresh_evidence(actor=olga, request_id=request.pk)
    before = request.digest
    request.refresh_from_db()
    assert request.digest != before
    sign(rita, request)
    request.refresh_from_db()
    assert request.state == "open", "vera signed what was there before"
    sign(vera, request)
    request.refresh_from_db()
    assert request.state == "approved"


@pytest.mark.parametrize(
    ("field", "sentence"), [("artifact_digest", "artifact"), ("schema", "schema")]
)
def test_changed_bytes_or_schema_make_the_evidence_stale(one, olga, rita, field, sentence):
    request = ask(olga, one)
    if field == "schema":
        one.schema.digest = "e" * 64
        one.schema.save()
    else:
        Version.objects.filter(pk=one.pk).update(artifact_digest="f" * 64)
    with Unchanged(), pytest.raises(EvidenceStale, match=sentence):
        sign(rita, request)


def test_a_new_policy_makes_the_evidence_stale(one, olga, rita):
    request = ask(olga, one)
    gates = [{"gate": "stage", "mode": "prevent", "parameters": {}}]
    put_in_force("promote", "medium", one_round({"reviewer": 1}), gates)
    with Unchanged(), pytest.raises(EvidenceStale, match="policy"):
        sign(rita, request)


def test_gates_that_prevent_refuse_the_request_and_say_how_to_mend_it(flights, olga):
    bare = Version.objects.create(model=flights, number=5, registered_by=olga)
    with Unchanged(), pytest.raises(GatesNotPassed) as refused:
        ask(olga, bare)
    failing = {gate["gate"]: gate["message"] for gate in refused.value.failing}
    assert failing.keys() == {
        "artifact_hashed",
        "schema_present",
        "reference_present",
        "card_complete",
    }
    assert "declare the fields" in failing["schema_present"]


def test_a_gate_that_warns_is_shown_and_does_not_refuse(one, olga):
    one.lineage["pickled"] = ["model.pkl"]
    one.save()
    request = ask(olga, one)
    gate = request.gates.get(gate="format_safe")
    assert (gate.passed, gate.mode) == (False, "warn")
    assert "model.pkl" in gate.message


def test_a_version_with_an_open_critical_incident_is_not_promoted(one, olga):
    critical_incident(one)
    with Unchanged(), pytest.raises(GatesNotPassed, match="Temperature drifted"):
        ask(olga, one)


def test_a_worse_version_of_a_high_risk_model_is_not_promoted(flights, one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    flights.risk_tier = "high"
    flights.save()
    worse = version_of(flights, 3, olga, auc=0.60)
    with Unchanged(), pytest.raises(GatesNotPassed, match="champion 1"):
        ask(olga, worse)


def test_the_evidence_holds_champion_and_challenger_side_by_side(one, two, olga, vera, rita):
    promoted(one, olga, vera, rita)
    request = ask(olga, two)
    gate = request.gates.get(gate="not_worse")
    assert gate.passed
    assert gate.evidence["proposed_number"]["value"] == "0.72"
    assert request.evidence["champion"]["version"] == 1


def test_the_same_change_is_asked_for_once(one, olga):
    ask(olga, one)
    with Unchanged(), pytest.raises(AlreadyRequested):
        ask(olga, one)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "sell"),
        ("role", "king"),
        ("environment", "Prod uction"),
        ("reason", " "),
        ("traffic_share", 0),
        ("traffic_share", 2),
    ],
)
def test_a_request_that_makes_no_sense_names_the_field(one, olga, field, value):
    words = {"kind": "promote", "role": "champion", field: value}
    with Unchanged(), pytest.raises(Incomplete) as refused:
        ask(olga, one, **words)
    assert refused.value.field == field


def test_who_asked_withdraws_and_then_nobody_signs(one, olga, vera, rita, sam):
    request = ask(olga, one)
    with Unchanged(), pytest.raises(Refused):
        withdraw(actor=rita, request_id=request.pk, reason="no")
    withdraw(actor=olga, request_id=request.pk, reason="Not yet")
    request.refresh_from_db()
    assert request.state == "withdrawn"
    with Unchanged(), pytest.raises(NotOpen):
        sign(vera, request)
    assert ChangeRequest.objects.count() == 1
