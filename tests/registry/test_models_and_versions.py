"""Registering models and versions: who may, what is refused, and that a refusal changes nothing."""

import pytest

from accounts.policies import Refused
from audit.models import Event
from ledger.models import Job
from registry.models import Contribution, Model, Version
from registry.reads.models import model_detail, models_for
from registry.refusals import AlreadyThere, ModelInvalid, VersionInvalid
from registry.services.models import change_model, register_model, set_tier
from registry.services.versions import register_version

FACTS = {
    "name": "Air time",
    "purpose": "How long will it be in the air?",
    "task": "regression",
    "risk_tier": "low",
}


def test_olga_registers_a_model_and_owns_it(olga, team):
    model = register_model(actor=olga, slug="air-time", team_id=team.pk, **FACTS)
    assert (model.owner, model.team) == (olga, team)
    event = Event.objects.get()
    assert (event.event, event.actor_name, event.subject_name, event.team_id) == (
        "registry.model.registered",
        "Olga",
        "Air time",
        team.pk,
    )


def test_a_service_account_of_the_team_registers_too(robot, team):
    assert register_model(actor=robot, slug="air-time", team_id=team.pk, **FACTS).owner == robot


@pytest.mark.parametrize("name", ["vera", "rita", "rosa", "adam", "sam", "anna"])
def test_others_register_nothing(request, name, team, olga):
    with pytest.raises(Refused):
        register_model(
            actor=request.getfixturevalue(name), slug="air-time", team_id=team.pk, **FACTS
        )
    assert not Model.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "  "},
        {"name": "x" * 121},
        {"purpose": ""},
        {"task": "ranking"},
        {"risk_tier": "none"},
        {"kpis": ["x" * 201]},
        {"kpis": [5]},
        {"components": ["asr", "asr"]},
        {"components": ["x" * 41]},
        {"outcome_horizon_hours": 0},
        {"mlflow_name": "a/b"},
        {"mlflow_name": ".."},
        {"mlflow_name": ""},
        {"owner_id": 0x7FFFFFFF},
    ],
)
def test_a_model_that_makes_no_sense_is_refused(olga, team, wrong):
    with pytest.raises(ModelInvalid):
        register_model(actor=olga, slug="air-time", team_id=team.pk, **(FACTS | wrong))
    assert not Model.objects.exists()
    assert not Event.objects.exists()


def test_a_stranger_cannot_be_made_the_owner(olga, team, sam):
    with pytest.raises(ModelInvalid, match="active member of the team"):
        register_model(actor=olga, slug="air-time", team_id=team.pk, **FACTS, owner_id=sam.pk)


def test_a_slug_or_an_mlflow_name_is_taken_once(olga, team, flights):
    with pytest.raises(AlreadyThere, match="slug"):
        register_model(actor=olga, slug="flight-delay", team_id=team.pk, **FACTS)
    with pytest.raises(AlreadyThere, match="mlflow_name"):
        register_model(
            actor=olga, slug="other", team_id=team.pk, **FACTS, mlflow_name=flights.mlflow_name
        )
    assert Model.objects.count() == 1


def test_a_change_is_recorded_with_before_and_after(olga, flights):
    change_model(actor=olga, model_id=flights.pk, changes={"name": "Late flights"})
    event = Event.objects.latest("sequence")
    assert event.data == {"before": {"name": "Flight delay"}, "after": {"name": "Late flights"}}


def test_a_change_that_changes_nothing_is_not_recorded(olga, flights):
    before = Event.objects.count()
    change_model(actor=olga, model_id=flights.pk, changes={"name": "Flight delay"})
    assert Event.objects.count() == before


def test_only_the_risk_officer_lowers_the_tier(olga, rosa, flights):
    with pytest.raises(Refused, match="risk officer"):
        set_tier(actor=olga, model_id=flights.pk, tier="low")
    flights.refresh_from_db()
    assert flights.risk_tier == "high"
    set_tier(actor=rosa, model_id=flights.pk, tier="low")
    set_tier(actor=olga, model_id=flights.pk, tier="medium")
    flights.refresh_from_db()
    assert flights.risk_tier == "medium"
    assert Event.objects.latest("sequence").data["before"] == {"risk_tier": "low"}


def test_a_tier_is_not_changed_without_the_signed_questionnaire(rosa, flights):
    before = Event.objects.count()
    with pytest.raises(ModelInvalid, match="signed questionnaire"):
        change_model(actor=rosa, model_id=flights.pk, changes={"risk_tier": "low"})
    flights.refresh_from_db()
    assert (flights.risk_tier, Event.objects.count()) == ("high", before)


def test_slug_task_and_team_are_fixed(olga, flights):
    for field in ("slug", "task", "team_id"):
        with pytest.raises(ModelInvalid, match="cannot be changed"):
            change_model(actor=olga, model_id=flights.pk, changes={field: "x"})


def test_olga_registers_a_version_and_has_a_hand_in_it(olga, flights):
    version = register_version(
        actor=olga, model_id=flights.pk, mlflow_version=3, summary="Trained on two months"
    )
    assert (version.number, version.stage, version.artifact_digest) == (3, "candidate", "")
    assert list(Contribution.objects.values_list("person__name", "kind")) == [
        ("Olga", "registered")
    ]
    assert Job.objects.get(kind="registry.inspect").subject_id == version.pk
    event = Event.objects.latest("sequence")
    assert (event.event, event.data["number"]) == ("registry.version.registered", 3)


def test_a_version_from_a_run_says_its_number(olga, flights):
    version = register_version(
        actor=olga, model_id=flights.pk, run_id="abc123", artifact_path="model", number=0
    )
    assert (version.number, version.mlflow_version) == (0, None)
    assert version.artifact_uri == "runs:/abc123/model"


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "either mlflow_version, or run_id"),
        ({"mlflow_version": 1, "run_id": "a", "artifact_path": "m"}, "either mlflow_version"),
        ({"mlflow_version": 0}, "from 1 in MLflow"),
        ({"mlflow_version": 2**31}, "whole number"),
        ({"mlflow_version": 1, "number": 2}, "keeps MLflow's number"),
        ({"run_id": "a", "artifact_path": "model"}, "say which number"),
        ({"run_id": "a", "number": 1}, "artifact_path"),
        ({"run_id": "a/../b", "artifact_path": "model", "number": 1}, "letters, digits"),
        ({"run_id": "a", "artifact_path": "../model", "number": 1}, "plain path"),
        ({"run_id": "a", "artifact_path": "/etc", "number": 1}, "plain path"),
        ({"run_id": "a", "artifact_path": "a%2e", "number": 1}, "plain path"),
    ],
)
def test_a_version_that_makes_no_sense_is_refused(olga, flights, sent, sentence):
    with pytest.raises(VersionInvalid, match=sentence):
        register_version(actor=olga, model_id=flights.pk, **sent)
    assert not Version.objects.exists()
    assert not Job.objects.exists()


def test_a_number_is_registered_once(olga, flights, one):
    with pytest.raises(AlreadyThere, match="has a version 1 already"):
        register_version(actor=olga, model_id=flights.pk, mlflow_version=1)
    assert Version.objects.count() == 1


@pytest.mark.parametrize("name", ["vera", "rita", "rosa", "adam", "sam", "anna"])
def test_others_register_no_version(request, name, flights):
    with pytest.raises(Refused):
        register_version(actor=request.getfixturevalue(name), model_id=flights.pk, mlflow_version=1)
    assert not Version.objects.exists()


def test_the_list_shows_who_serves_with_three_queries(
    olga, adam, sam, flights, champion, two, django_assert_num_queries
):
    _ = adam.held, olga.held, sam.held
    with django_assert_num_queries(3):
        (row,) = models_for(adam)
    assert (row.champion, row.versions, row.owner) == (1, 2, "Olga")
    assert models_for(sam) == []
    with django_assert_num_queries(5):
        detail = model_detail(olga, "flight-delay")
    assert [(version.number, version.stage) for version in detail.versions] == [
        (2, "candidate"),
        (1, "serving"),
    ]
    assert detail.versions[1].roles[0].role == "champion"
    assert detail.periods[0].running
