"""Approval policies on pages: read by everybody, proposed in a form, signed by others."""

import pytest
from django.urls import reverse

from accounts.roles import Role
from governance.gate_parameters import key_of
from governance.models import ApprovalPolicy, PolicyChange
from governance.rounds import one_round
from governance.services.policies import install_default_policies
from governance.services.policy_changes import propose
from tests.conftest import PASSWORD, person

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PROPOSE = "/policies/promote/medium/propose"


@pytest.fixture(autouse=True)
def _policies(db):
    install_default_policies()


def filled(client, **changes):
    """The form's fields as the page shows them, with changes."""
    form = client.get(PROPOSE).context["form"]
    data = {}
    for name in form.fields:
        value = form[name].value()
        if value not in (None, "", False):
            data[name] = value
    return data | {"reason": "Two see more than one."} | changes


def waiting(actor, rounds):
    policy = ApprovalPolicy.objects.get(kind="promote", risk_tier="medium", current=True)
    return propose(
        actor=actor,
        kind="promote",
        risk_tier="medium",
        rounds=rounds,
        gates=policy.gates,
        reason="Better so",
    )


def test_vera_reads_who_signs_and_which_gates_stand_before_it(client, vera):
    client.force_login(vera, backend=BACKEND)
    listed = client.get("/policies").content.decode()
    assert "1 validator, then 1 reviewer and 1 risk officer" in listed
    page = client.get("/policies/promote/high").content.decode()
    for words in ("Validation", "Decision", "Share of the card at least: 1", "prevents"):
        assert words in page
    assert "Propose a change" not in page
    assert client.get("/policies/promote/huge").status_code == 404


def test_anna_proposes_with_the_form_as_it_is_and_one_signature_more(client, anna):
    client.force_login(anna, backend=BACKEND)
    answer = client.post(PROPOSE, filled(client, **{"round1-reviewer": 2}))
    change = PolicyChange.objects.get()
    assert answer.url == reverse("policy-change", args=[change.pk])
    assert change.rounds == one_round({"validator": 1, "reviewer": 2})
    before = ApprovalPolicy.objects.get(kind="promote", risk_tier="medium", current=True)
    assert sorted(change.gates, key=key_of) == sorted(before.gates, key=key_of)
    page = client.get(answer.url).content.decode()
    assert "1 validator and 2 reviewers" in page
    assert "You proposed it: others sign." in page


def test_a_form_that_changes_nothing_or_makes_no_sense_keeps_what_was_written(client, anna):
    client.force_login(anna, backend=BACKEND)
    same = client.post(PROPOSE, filled(client))
    assert same.status_code == 422
    assert "Nothing would be different" in same.content.decode()
    data = filled(client, **{"card_complete-minimum": 7, "reason": "My long reason"})
    wrong = client.post(PROPOSE, data)
    assert "card_complete-minimum" in wrong.context["form"].errors
    assert "My long reason" in wrong.content.decode()
    nameless = client.post(PROPOSE, filled(client, **{"round3-reviewer": 1}))
    assert "round3-name" in nameless.context["form"].errors
    limit = client.post(
        PROPOSE, filled(client, **{"within_limits2-mode": "warn", "within_limits2-metric": "x y"})
    )
    assert limit.status_code == 422
    assert not PolicyChange.objects.exists()


def test_a_limit_on_another_measure_is_filled_in_beside_the_first(client, anna):
    client.force_login(anna, backend=BACKEND)
    more = {
        "within_limits2-mode": "warn",
        "within_limits2-metric": "roc_auc",
        "within_limits2-at_least": 0.7,
    }
    assert client.post(PROPOSE, filled(client, **more)).status_code == 302
    (added,) = [gate for gate in PolicyChange.objects.get().gates if gate["mode"] == "warn"][-1:]
    assert PolicyChange.objects.get().loosens is False
    limits = [g for g in PolicyChange.objects.get().gates if g["gate"] == "within_limits"]
    assert limits[1]["parameters"] == {"metric": "roc_auc", "at_least": 0.7}
    assert added["mode"] == "warn"


def test_ronja_signs_it_into_force_and_a_wrong_password_does_not(client, anna):
    change = waiting(anna, one_round({"validator": 1, "reviewer": 2}))
    ronja = person("ronja", (Role.RISK_OFFICER, None))
    client.force_login(ronja, backend=BACKEND)
    page = client.get(f"/policy-changes/{change.pk}")
    assert "Your signature" in page.content.decode()
    form = {"digest": change.digest, "decision": "approve", "reason": "It holds"}
    address = f"/policy-changes/{change.pk}/sign"
    wrong = client.post(address, form | {"password": "guess"})
    assert wrong.status_code == 403
    assert "Nothing was signed" in wrong.content.decode()
    done = client.post(address, form | {"password": PASSWORD}, follow=True).content.decode()
    assert "in force from now on" in done
    now = ApprovalPolicy.objects.get(kind="promote", risk_tier="medium", current=True)
    assert now.quorum == {"validator": 1, "reviewer": 2}


def test_a_loosening_says_so_and_who_is_missing(client, anna, vera):
    change = waiting(anna, one_round({"reviewer": 1}))
    client.force_login(vera, backend=BACKEND)
    page = client.get(f"/policy-changes/{change.pk}").content.decode()
    assert "It asks less than the policy in force" in page
    assert "Nobody can give this signature" in page


def test_anna_takes_it_back_with_a_reason(client, anna):
    change = waiting(anna, one_round({"reviewer": 1}))
    client.force_login(anna, backend=BACKEND)
    address = f"/policy-changes/{change.pk}/withdraw"
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "Too early"}).status_code == 302
    change.refresh_from_db()
    assert change.state == "withdrawn"


def test_the_api_proposes_signs_and_tells_what_is_wrong(client, anna):
    client.force_login(anna, backend=BACKEND)
    policy = client.get("/api/v1/policies/promote/medium").json()
    body = {
        "kind": "promote",
        "risk_tier": "medium",
        "rounds": one_round({"validator": 1, "reviewer": 2}),
        "gates": policy["gates"],
        "reason": "Two see more than one.",
    }
    bad = client.post(
        "/api/v1/policy-changes",
        body | {"rounds": one_round({})},
        content_type="application/json",
    )
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "rounds.0.quorum")
    made = client.post("/api/v1/policy-changes", body, content_type="application/json").json()
    assert (made["state"], made["missing"]) == ("open", {"risk_officer": 1})
    assert made["differences"][0]["what"] == "Signatures"
    ronja = person("ronja", (Role.RISK_OFFICER, None))
    client.force_login(ronja, backend=BACKEND)
    signed = client.post(
        f"/api/v1/policy-changes/{made['id']}/decisions",
        {
            "decision": "approve",
            "reason": "It holds",
            "digest": made["digest"],
            "password": PASSWORD,
        },
        content_type="application/json",
    )
    assert (signed.status_code, signed.json()["state"]) == (201, "in_force")
