"""Retirement policies change by approval; facts and registrations are kept with who said so."""

from datetime import timedelta

import pytest

from accounts.policies import Refused
from accounts.roles import Role
from audit.models import Event
from governance.models import (
    LifeFact,
    ModelClient,
    PolicyChange,
    Registration,
    RetirementPolicy,
)
from governance.reads.card_facts import content_of
from governance.reads.life_facts import life_facts
from governance.refusals import AlreadyRequested, Incomplete, NameTaken, NoSuchStep
from governance.services.life_facts import add_client, end_client, record_fact
from governance.services.policy_changes import withdraw_policy
from governance.services.registrations import keep_registration
from governance.services.retirement_policies import propose_retirement
from ledger.models import Job
from tests.conftest import person
from tests.days import today
from tests.governance.conftest import Unchanged, rulers, signed_policy
from tests.governance.retirements.conftest import OLD, SUPERSEDED, terms


class Untouched(Unchanged):
    @staticmethod
    def count():
        tables = (RetirementPolicy, PolicyChange, LifeFact, ModelClient, Registration)
        return [*Unchanged.count(), *(table.objects.count() for table in tables)]


def propose(actor, wanted=None, scope="tier", place="high", reason="Old ones mislead"):
    return propose_retirement(
        actor=actor, scope=scope, place=place, terms=wanted or terms(), reason=reason
    )


def test_a_risk_officer_of_the_organisation_puts_the_first_one_in_force(team, rosa):
    ronja, _ = rulers()
    change = propose(rosa)
    assert (change.loosens, change.needed) == (False, {"risk_officer": 1})
    with Untouched(), pytest.raises(Refused):
        signed_policy(rosa, change)
    signed_policy(ronja, change)
    policy = RetirementPolicy.objects.get()
    assert (policy.number, policy.risk_tier, policy.current) == (1, "high", True)
    event = Event.objects.get(event="governance.policy.set", subject_type__contains="retirement")
    assert event.data["terms"]["rules"] == [SUPERSEDED]
    assert change.signatures.get().meaning == "I put this retirement policy in force"
    waiting = Job.objects.get(kind="governance.retirements")
    assert waiting.key == f"policy-{policy.pk}", "every version is looked at now, not in an hour"


def test_one_that_asks_less_needs_an_administrator_too_and_the_earlier_stays(team, rosa):
    ronja, amos = rulers()
    signed_policy(ronja, propose(rosa))
    change = propose(rosa, terms(notice_days=7))
    assert change.loosens
    signed_policy(ronja, change)
    change.refresh_from_db()
    assert change.state == "open"
    assert RetirementPolicy.objects.get(current=True).terms["notice_days"] == 30
    signed_policy(amos, change)
    assert RetirementPolicy.objects.get(current=True).number == 2
    assert RetirementPolicy.objects.get(current=False).terms["notice_days"] == 30


def test_who_may_not_propose_proposes_nothing(team, olga, vera, rita, adam, sam, robot):
    for somebody in (olga, vera, rita, adam, sam, robot):
        with Untouched(), pytest.raises(Refused):
            propose(somebody)


def test_nothing_else_one_at_a_time_and_only_what_there_is(team, rosa, anna):
    ronja, _ = rulers()
    first = propose(rosa)
    with Untouched(), pytest.raises(AlreadyRequested):
        propose(anna)
    propose(anna, place="low")
    signed_policy(ronja, first)
    for wrong in (
        {"wanted": terms()},
        {"place": "extreme"},
        {"scope": "planet"},
        {"scope": "team", "place": "nobody"},
        {"wanted": terms({"rule": "mood"})},
        {"reason": " "},
    ):
        with Untouched(), pytest.raises(Incomplete):
            propose(rosa, **wrong)


def test_it_is_taken_back_by_who_proposed_it(team, rosa, rita):
    change = propose(rosa)
    with Untouched(), pytest.raises(Refused):
        withdraw_policy(actor=rita, change_id=change.pk, reason="No")
    withdraw_policy(actor=rosa, change_id=change.pk, reason="Later")
    assert not RetirementPolicy.objects.exists()


def test_a_stranger_sees_nothing_of_another_teams_model(flights, sam, rosa, client):
    change = propose(rosa, terms(OLD), "model", "flight-delay")
    client.force_login(sam, "allauth.account.auth_backends.AuthenticationBackend")
    for address in (
        f"/policy-changes/{change.pk}",
        f"/api/v1/policy-changes/{change.pk}",
        "/retirement-policies/model/flight-delay",
        "/api/v1/retirement-policies/model/flight-delay",
    ):
        assert client.get(address).status_code == 404
    listed = client.get("/api/v1/policy-changes").json()["results"]
    assert change.pk not in {one["id"] for one in listed}
    stranger = person("ruben", (Role.ADMINISTRATOR, None))
    client.force_login(stranger, "allauth.account.auth_backends.AuthenticationBackend")
    told = client.get(f"/api/v1/policy-changes/{change.pk}").json()
    assert (told["kind"], told["scope"], told["place"]) == ("retirement", "model", "flight-delay")


# Facts, clients, registrations --------------------------------------------------------------------


def fact(actor, model, days=60, **more):
    return record_fact(
        actor=actor,
        model_id=model.pk,
        kind=more.pop("kind", "legal_basis"),
        ends_on=today() + timedelta(days=days),
        source=more.pop("source", "Contract 7"),
        **more,
    )


def test_a_day_is_recorded_with_its_source_and_the_earlier_one_is_kept(one, two, flights, olga):
    fact(olga, flights)
    fact(olga, flights, days=90, source="Contract 7, renewed")
    fact(olga, flights, days=10, version=1)
    assert LifeFact.objects.in_force().count() == 2
    assert LifeFact.objects.count() == 3
    assert life_facts(two, today()).legal_basis.source == "Contract 7, renewed"
    assert life_facts(one, today()).legal_basis.ends_on == today() + timedelta(days=10)
    assert life_facts(one, today()).legal_basis.recorded_by == "Olga"


def test_facts_without_source_kind_version_or_right_are_refused(one, flights, olga, rita, sam):
    for somebody in (rita, sam):
        with Untouched(), pytest.raises(Refused):
            fact(somebody, flights)
    for wrong in ({"source": " "}, {"kind": "mood"}, {"version": 9}):
        with Untouched(), pytest.raises(Incomplete):
            fact(olga, flights, **wrong)


def test_a_client_is_named_once_with_an_account_of_the_team(flights, olga, robot, sam):
    said = {"model_id": flights.pk, "name": "Gates", "contact": "gates@example.org"}
    made = add_client(actor=olga, **said, account_email="Robot@example.org")
    assert made.account == robot
    with Untouched(), pytest.raises(NameTaken):
        add_client(actor=olga, **said)
    with Untouched(), pytest.raises(Incomplete):
        add_client(actor=olga, **{**said, "name": "Cargo"}, account_email=sam.email)
    with Untouched(), pytest.raises(Refused):
        add_client(actor=sam, **{**said, "name": "Cargo"})
    end_client(actor=olga, client_id=made.pk)
    add_client(actor=olga, **said)


def step(actor, model, verb, **more):
    return keep_registration(actor=actor, model_id=model.pk, verb=verb, reason="Annex VIII", **more)


def test_a_registration_goes_its_way_and_is_shown_in_the_card(one, flights, olga, rosa, vera, sam):
    for somebody in (vera, sam):
        with Untouched(), pytest.raises(Refused):
            step(somebody, flights, "draft")
    step(olga, flights, "draft")
    with Untouched(), pytest.raises(Incomplete):
        step(rosa, flights, "register", register="EU database")
    for verb in ("outdate", "fly"):
        with Untouched(), pytest.raises(Incomplete):
            step(rosa, flights, verb)
    with Untouched(), pytest.raises(NoSuchStep):
        step(rosa, flights, "withdraw")
    step(rosa, flights, "register", register="EU database", number="EU-7", registered_on=today())
    told = content_of(one, {}).facts["registration"]
    assert told == {
        "state": "registered",
        "register": "EU database",
        "number": "EU-7",
        "registered_on": str(today()),
    }
