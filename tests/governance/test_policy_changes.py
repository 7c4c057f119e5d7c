"""Approval policies change by approval: proposed by one, signed by others; and their rounds."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Membership, User
from accounts.policies import Refused
from accounts.roles import Role
from audit.models import Event
from governance.models import ApprovalPolicy, ChangeRequest, PolicyChange, PolicySignature
from governance.policy_differences import differences
from governance.policy_table import DEFAULTS
from governance.refusals import (
    AlreadyRequested,
    AlreadySigned,
    EvidenceChanged,
    EvidenceStale,
    Incomplete,
    NotOpen,
    WrongPassword,
)
from governance.rounds import in_words, one_round
from governance.services.policy_changes import propose, sign_policy, withdraw_policy
from governance.services.requests import refresh_evidence
from tests.conftest import PASSWORD, person
from tests.governance.conftest import Unchanged, ask, put_in_force, sign, signed_policy

STAGE = {"gate": "stage", "mode": "prevent", "parameters": {}}
CARD = {"gate": "card_complete", "mode": "prevent", "parameters": {"minimum": 0.8}}
TWO_ROUNDS = [
    {"name": "Validation", "quorum": {"validator": 1}},
    {"name": "Decision", "quorum": {"reviewer": 1}},
]


@pytest.fixture
def ronja(db):
    """Answers for risk in the whole organisation."""
    return person("ronja", (Role.RISK_OFFICER, None))


def in_force(kind="promote", tier="medium"):
    return ApprovalPolicy.objects.get(kind=kind, risk_tier=tier, current=True)


def proposed(actor, *, rounds=None, gates=None, kind="promote", tier="medium", reason="Why not"):
    policy = in_force(kind, tier)
    return propose(
        actor=actor,
        kind=kind,
        risk_tier=tier,
        rounds=policy.rounds if rounds is None else rounds,
        gates=policy.gates if gates is None else gates,
        reason=reason,
    )


def stricter(actor, **more):
    return proposed(actor, rounds=one_round({"validator": 1, "reviewer": 2}), **more)


def test_a_stricter_policy_is_in_force_once_a_risk_officer_of_the_house_signs(anna, ronja):
    before = in_force()
    change = stricter(anna)
    assert (change.loosens, change.needed) == (False, {"risk_officer": 1})
    assert in_force() == before
    signed_policy(ronja, change)
    now = in_force()
    assert (now.number, now.quorum) == (before.number + 1, {"validator": 1, "reviewer": 2})
    change.refresh_from_db()
    assert (change.state, change.policy) == ("in_force", now)
    assert Event.objects.filter(event="governance.policy.set").latest("sequence").data[
        "change"
    ] == (change.pk)


def test_a_looser_policy_needs_a_risk_officer_and_an_administrator(anna, ronja):
    change = proposed(anna, rounds=one_round({"reviewer": 1}))
    assert (change.loosens, change.needed) == (True, {"risk_officer": 1, "administrator": 1})
    signed_policy(ronja, change)
    change.refresh_from_db()
    assert change.state == "open"
    signed_policy(person("amos", (Role.ADMINISTRATOR, None)), change)
    assert in_force().quorum == {"reviewer": 1}


def test_nobody_signs_what_they_proposed_whatever_roles_they_have(anna, ronja):
    Membership.objects.create(user=anna, role=Role.RISK_OFFICER, team=None)
    anna = User.objects.get(pk=anna.pk)
    change = stricter(anna)
    with Unchanged(), pytest.raises(Refused, match="did not propose it"):
        signed_policy(anna, change)
    with pytest.raises(IntegrityError, match="proposed"), transaction.atomic():
        PolicySignature.objects.create(
            change=change,
            person=anna,
            printed_name="Anna",
            role="risk_officer",
            decision="approve",
            meaning="m",
            reason="r",
            signed_digest=change.digest,
            method="password",
        )


def test_signatures_of_policies_cannot_be_altered(anna, ronja):
    signed_policy(ronja, stricter(anna))
    for verb in ("UPDATE {0} SET reason = 'x'", "DELETE FROM {0}"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            connection.cursor().execute(verb.format("governance_policysignature"))


@pytest.mark.parametrize("name", ["olga", "vera", "rita", "adam", "robot", "sam"])
def test_only_administrators_and_risk_officers_propose(name, request, anna):
    actor = request.getfixturevalue(name)
    with Unchanged(), pytest.raises(Refused):
        stricter(actor)


def test_a_risk_officer_of_a_team_proposes_but_does_not_sign_for_all(rosa, anna):
    change = stricter(rosa)
    with Unchanged(), pytest.raises(Refused):
        signed_policy(rosa, change)
    other = person("rolf", (Role.RISK_OFFICER, Membership.objects.get(user=rosa).team))
    with Unchanged(), pytest.raises(Refused, match="whole organisation"):
        signed_policy(other, change)


def test_who_rejects_leaves_the_policy_as_it_is(anna, ronja):
    before, change = in_force(), stricter(anna)
    signed_policy(ronja, change, "reject", reason="Nobody has the time")
    change.refresh_from_db()
    assert (change.state, in_force()) == ("rejected", before)
    with Unchanged(), pytest.raises(NotOpen, match="rejected"):
        signed_policy(person("amos", (Role.RISK_OFFICER, None)), change)


def test_what_was_read_is_what_is_signed_once_by_each(anna, ronja):
    change = proposed(anna, rounds=one_round({"reviewer": 1}))
    with Unchanged(), pytest.raises(EvidenceChanged):
        signed_policy(ronja, change, digest="0" * 64)
    with Unchanged(), pytest.raises(Incomplete):
        signed_policy(ronja, change, reason=" ")
    signed_policy(ronja, change)
    with Unchanged(), pytest.raises(AlreadySigned):
        signed_policy(ronja, change)
    second = person("rolf", (Role.RISK_OFFICER, None))
    with Unchanged(), pytest.raises(AlreadySigned, match="another role"):
        signed_policy(second, change)


def test_a_wrong_password_signs_nothing_and_is_counted(anna, ronja):
    change = stricter(anna)
    with pytest.raises(WrongPassword):
        signed_policy(ronja, change, password="guess")
    assert not change.signatures.exists()
    assert Event.objects.filter(event="governance.proof.failed").count() == 1


def test_one_proposal_waits_at_a_time_and_can_be_taken_back(anna, rosa):
    change = stricter(rosa)
    with Unchanged(), pytest.raises(AlreadyRequested, match=f"PC-{change.pk}"):
        proposed(anna, rounds=one_round({"reviewer": 3}))
    with Unchanged(), pytest.raises(Incomplete):
        withdraw_policy(actor=rosa, change_id=change.pk, reason="")
    withdraw_policy(actor=rosa, change_id=change.pk, reason="Too early")
    change.refresh_from_db()
    assert change.state == "withdrawn"
    assert stricter(anna).state == "open"


def test_only_who_proposed_it_or_an_administrator_takes_it_back(anna, rosa, ronja):
    change = stricter(rosa)
    with Unchanged(), pytest.raises(Refused):
        withdraw_policy(actor=ronja, change_id=change.pk, reason="No")
    withdraw_policy(actor=anna, change_id=change.pk, reason="She is on leave")


def test_the_same_again_is_no_proposal(anna):
    with Unchanged(), pytest.raises(Incomplete, match="Nothing would be different"):
        proposed(anna)


BAD = {
    "no round": ({"rounds": []}, "rounds", "One to 5"),
    "six rounds": ({"rounds": TWO_ROUNDS * 3}, "rounds", "One to 5"),
    "two of a name": ({"rounds": [TWO_ROUNDS[0], TWO_ROUNDS[0]]}, "rounds", "name of its own"),
    "no name": ({"rounds": one_round({"reviewer": 1}, "")}, "rounds.0.name", "name"),
    "a long name": ({"rounds": one_round({"reviewer": 1}, "n" * 41)}, "rounds.0.name", "40"),
    "nobody signs": ({"rounds": one_round({})}, "rounds.0.quorum", "at least one"),
    "a developer": ({"rounds": one_round({"developer": 1})}, "rounds.0.quorum", "validators"),
    "ten of a role": ({"rounds": one_round({"reviewer": 10})}, "rounds.0.quorum", "1 to 9"),
    "none of a role": ({"rounds": one_round({"reviewer": 0})}, "rounds.0.quorum", "1 to 9"),
    "a truth": ({"rounds": one_round({"reviewer": True})}, "rounds.0.quorum", "1 to 9"),
    "an unknown gate": (
        {"gates": [STAGE, {"gate": "luck", "mode": "warn"}]},
        "gates.1.gate",
        "One",
    ),
    "an unknown mode": ({"gates": [STAGE, {**CARD, "mode": "pray"}]}, "gates.1.mode", "prevent"),
    "a gate twice": ({"gates": [STAGE, CARD, CARD]}, "gates.2", "twice"),
    "no stage gate": ({"gates": [CARD]}, "gates", "would fail"),
    "a stage that warns": ({"gates": [{**STAGE, "mode": "warn"}]}, "gates", "would fail"),
    "more than whole": (
        {"gates": [STAGE, {**CARD, "parameters": {"minimum": 1.2}}]},
        "gates.1.parameters.minimum",
        "from 0 to 1",
    ),
    "not a number": (
        {"gates": [STAGE, {**CARD, "parameters": {"minimum": "most"}}]},
        "gates.1.parameters.minimum",
        "a number",
    ),
    "an unknown parameter": (
        {"gates": [STAGE, {**CARD, "parameters": {"color": "red"}}]},
        "gates.1.parameters",
        "takes minimum",
    ),
    "a limit of nothing": (
        {"gates": [STAGE, {"gate": "within_limits", "mode": "warn", "parameters": {}}]},
        "gates.1.parameters.metric",
        "say which",
    ),
    "a limit without a side": (
        {
            "gates": [
                STAGE,
                {"gate": "within_limits", "mode": "warn", "parameters": {"metric": "roc_auc"}},
            ]
        },
        "gates.1.parameters.at_least",
        "A limit",
    ),
    "limits the wrong way round": (
        {
            "gates": [
                STAGE,
                {
                    "gate": "within_limits",
                    "mode": "warn",
                    "parameters": {"metric": "roc_auc", "at_least": 0.9, "at_most": 0.1},
                },
            ]
        },
        "gates.1.parameters.at_most",
        "Not below",
    ),
    "an unknown kind of monitor": (
        {
            "gates": [
                STAGE,
                {"gate": "monitors_enabled", "mode": "warn", "parameters": {"kinds": ["luck"]}},
            ]
        },
        "gates.1.parameters.kinds",
        "some of",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_makes_no_sense_is_told_by_its_place(case, anna):
    what, field, sentence = BAD[case]
    with Unchanged(), pytest.raises(Incomplete, match=sentence) as told:
        proposed(anna, **what)
    assert told.value.field == field


def test_limits_of_a_text_that_is_no_number_are_told_not_raised(anna):
    gate = {
        "gate": "within_limits",
        "mode": "warn",
        "parameters": {"metric": "roc_auc", "at_least": "high", "at_most": 1},
    }
    with Unchanged(), pytest.raises(Incomplete, match="a number"):
        proposed(anna, gates=[STAGE, gate])


def test_two_limits_on_different_measures_stand_side_by_side(anna, one, olga):
    limits = [
        {
            "gate": "within_limits",
            "mode": "warn",
            "parameters": {"metric": metric, "at_least": least},
        }
        for metric, least in (("roc_auc", 0.6), ("accuracy", 0.9))
    ]
    put_in_force("promote", "medium", one_round({"reviewer": 1}), [STAGE, *limits])
    gates = [gate for gate in ask(olga, one).gates.all() if gate.gate == "within_limits"]
    assert [gate.title for gate in gates] == [
        "Number within its limits: roc auc",
        "Number within its limits: accuracy",
    ]


LOOSER = {
    "one signature less": (one_round({"validator": 1}), [STAGE, CARD], True),
    "one more": (one_round({"validator": 1, "reviewer": 2}), [STAGE, CARD], False),
    "an order": (TWO_ROUNDS, [STAGE, CARD], False),
    "a gate less": (one_round({"validator": 1, "reviewer": 1}), [STAGE], True),
    "a gate that warns": (
        one_round({"validator": 1, "reviewer": 1}),
        [STAGE, {**CARD, "mode": "warn"}],
        True,
    ),
    "a higher minimum": (
        one_round({"validator": 1, "reviewer": 1}),
        [STAGE, {**CARD, "parameters": {"minimum": 0.9}}],
        False,
    ),
    "a lower minimum": (
        one_round({"validator": 1, "reviewer": 1}),
        [STAGE, {**CARD, "parameters": {"minimum": 0.7}}],
        True,
    ),
    "another gate": (
        one_round({"validator": 1, "reviewer": 1}),
        [STAGE, CARD, {"gate": "format_safe", "mode": "inform"}],
        False,
    ),
}


@pytest.mark.parametrize("case", LOOSER)
def test_what_asks_less_counts_as_loosening(case):
    rounds, gates, loosens = LOOSER[case]
    base = one_round({"validator": 1, "reviewer": 1})
    found = differences((base, rounds), ([STAGE, CARD], gates))
    assert found
    assert any(one.loosens for one in found) is loosens


def test_an_order_that_is_given_up_or_turned_round_loosens():
    turned = [TWO_ROUNDS[1], TWO_ROUNDS[0]]
    together = one_round({"validator": 1, "reviewer": 1})
    for after in (turned, together):
        (found,) = differences((TWO_ROUNDS, after), ([], []))
        assert found.loosens
    assert in_words(TWO_ROUNDS) == "1 validator, then 1 reviewer"


def test_the_second_round_waits_for_the_first(one, olga, vera, rita):
    gates = in_force().gates
    put_in_force("promote", "medium", TWO_ROUNDS, gates)
    request = ask(olga, one)
    with Unchanged(), pytest.raises(AlreadySigned, match="Validation comes first"):
        sign(rita, request)
    assert not ChangeRequest.objects.signable_by(rita, ["reviewer"]).exists()
    assert ChangeRequest.objects.signable_by(vera, ["validator"]).get() == request
    sign(vera, request)
    request.refresh_from_db()
    assert (request.state, request.round) == ("open", 2)
    assert ChangeRequest.objects.signable_by(rita, ["reviewer"]).get() == request
    assert not ChangeRequest.objects.signable_by(vera, ["validator"]).exists()
    sign(rita, request)
    request.refresh_from_db()
    assert request.state == "approved"
    assert [one.round for one in request.signoffs.order_by("pk")] == [1, 2]


def test_who_signs_in_a_later_round_may_reject_in_the_first(one, olga, rita):
    put_in_force("promote", "medium", TWO_ROUNDS, in_force().gates)
    request = ask(olga, one)
    sign(rita, request, "reject")
    request.refresh_from_db()
    assert request.state == "rejected"


def test_the_same_role_in_two_rounds_is_two_people(one, olga, rita, team):
    rounds = [
        {"name": "First look", "quorum": {"reviewer": 1}},
        {"name": "Second look", "quorum": {"reviewer": 1}},
    ]
    put_in_force("promote", "medium", rounds, in_force().gates)
    request = ask(olga, one)
    sign(rita, request)
    with Unchanged(), pytest.raises(AlreadySigned):
        sign(rita, request)
    request.refresh_from_db()
    assert request.state == "open"
    sign(person("ruth", (Role.REVIEWER, team)), request)
    request.refresh_from_db()
    assert request.state == "approved"


def test_open_requests_under_the_old_policy_are_stale_and_start_over(one, olga, vera, rita):
    request = ask(olga, one)
    sign(vera, request)
    put_in_force("promote", "medium", TWO_ROUNDS, in_force().gates)
    with Unchanged(), pytest.raises(EvidenceStale, match="policy"):
        sign(rita, request)
    refresh_evidence(actor=olga, request_id=request.pk)
    request.refresh_from_db()
    assert (request.round, len(request.rounds)) == (1, 2)
    with Unchanged(), pytest.raises(AlreadySigned, match="comes first"):
        sign(rita, request)


def test_high_risk_promotions_start_with_validation_then_decision():
    rows = {(row.kind, row.risk_tier): row for row in DEFAULTS}
    assert [one["name"] for one in rows["promote", "high"].rounds] == ["Validation", "Decision"]
    assert len(rows["promote", "medium"].rounds) == 1


def test_a_signature_without_knowing_the_kind_of_decision_is_refused(anna, ronja):
    change = stricter(anna)
    with Unchanged(), pytest.raises(Incomplete):
        sign_policy(
            actor=ronja,
            change_id=change.pk,
            decision="maybe",
            reason="r",
            digest=change.digest,
            password=PASSWORD,
        )
    assert PolicyChange.objects.get(pk=change.pk).state == "open"
