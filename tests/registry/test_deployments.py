"""Who serves: stages and verbs, one champion at any time, and who may not do it in person."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from threading import Thread

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.policies import Refused
from audit.models import Event
from audit.record import SYSTEM
from ledger.models import Job
from registry.models import Deployment, Version
from registry.reads.deployments import champion_at, periods_of, serving_now
from registry.refusals import VersionInvalid
from registry.services.deployments import approve_version, deploy, retire_version, undeploy
from registry.states import MOVES, VERBS, IllegalMove, Stage
from tests.registry.conftest import serve


def do(verb, version):
    """The verb as governance would carry it out; archive and purge have their own tests."""
    if verb == "approve":
        approve_version(actor=SYSTEM, version_id=version.pk, because="CR-1")
    elif verb == "deploy":
        deploy(
            actor=SYSTEM,
            version_id=version.pk,
            environment="production",
            role="shadow",
            because="CR-1",
        )
    elif verb == "undeploy":
        undeploy(actor=SYSTEM, version_id=version.pk, environment="production", because="CR-1")
    else:
        retire_version(actor=SYSTEM, version_id=version.pk, because="CR-1")


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"archive", "purge"}))
def test_every_verb_in_every_stage_does_what_the_table_says(one, stage, verb):
    if stage == Stage.SERVING:
        serve(one, role="challenger")
    else:
        Version.objects.filter(pk=one.pk).update(stage=stage)
    events = Event.objects.count()
    if (stage, verb) in MOVES:
        do(verb, one)
        one.refresh_from_db()
        assert one.stage == MOVES[stage, verb]
        assert Event.objects.count() > events
        return
    with pytest.raises(IllegalMove, match=f"is {stage} cannot {verb}"):
        do(verb, one)
    one.refresh_from_db()
    assert one.stage == stage
    assert Event.objects.count() == events


@pytest.mark.parametrize("verb", ["approve", "deploy", "undeploy", "retire"])
@pytest.mark.parametrize("name", ["olga", "rita", "anna", "adam", "robot"])
def test_nobody_changes_a_life_in_person(request, champion, verb, name):
    person = request.getfixturevalue(name)
    before = Event.objects.count()
    calls = {
        "approve": lambda: approve_version(actor=person, version_id=champion.pk, because=""),
        "deploy": lambda: deploy(
            actor=person,
            version_id=champion.pk,
            environment="production",
            role="champion",
            because="",
        ),
        "undeploy": lambda: undeploy(
            actor=person, version_id=champion.pk, environment="production", because=""
        ),
        "retire": lambda: retire_version(actor=person, version_id=champion.pk, because=""),
    }
    with pytest.raises(Refused, match="follow approved change requests"):
        calls[verb]()
    champion.refresh_from_db()
    assert champion.stage == "serving"
    assert Deployment.objects.get().ended_at is None
    assert Event.objects.count() == before


def test_a_new_champion_ends_the_old_one_at_the_same_instant(champion, two, flights):
    serve(two)
    old, new = Deployment.objects.order_by("pk")
    assert old.ended_at == new.started_at
    champion.refresh_from_db()
    two.refresh_from_db()
    assert (champion.stage, two.stage) == ("approved", "serving")
    assert champion_at(flights.pk, "production", new.started_at).number == 2
    just_before = new.started_at - timedelta(microseconds=1)
    assert champion_at(flights.pk, "production", just_before).number == 1
    assert champion_at(flights.pk, "production", old.started_at).number == 1
    assert champion_at(flights.pk, "production", old.started_at - timedelta(seconds=1)) is None
    assert champion_at(flights.pk, "staging", new.started_at) is None
    assert [(period.number, period.running) for period in periods_of(flights.pk)] == [
        (2, True),
        (1, False),
    ]


def test_an_old_champion_that_serves_elsewhere_stays_serving(champion, two):
    serve(champion, role="shadow", environment="staging")
    serve(two)
    champion.refresh_from_db()
    assert champion.stage == "serving"


def test_a_challenger_that_becomes_champion_has_one_role(champion, two, flights):
    serve(two, role="challenger")
    assert [(one.number, one.role) for one in serving_now(flights.pk)] == [
        (1, "champion"),
        (2, "challenger"),
    ]
    serve(two)
    assert [(one.number, one.role) for one in serving_now(flights.pk)] == [(2, "champion")]


def test_rolling_back_is_deploying_the_earlier_version_again(champion, two, flights):
    serve(two)
    serve(champion)
    assert [one.number for one in serving_now(flights.pk)] == [1]
    assert [one.number for one in periods_of(flights.pk)] == [1, 2, 1]


def test_retiring_ends_every_deployment(champion):
    serve(champion, role="shadow", environment="staging")
    retire_version(actor=SYSTEM, version_id=champion.pk, because="CR-9")
    champion.refresh_from_db()
    assert champion.stage == "retired"
    assert not Deployment.objects.filter(ended_at__isnull=True).exists()
    ended = Event.objects.filter(event="registry.deployment.ended")
    assert [event.data["because"] for event in ended] == ["CR-9", "CR-9"]


def test_the_database_refuses_two_champions_at_once(champion, two, flights):
    with pytest.raises(IntegrityError, match="one_champion_at_any_time"), transaction.atomic():
        Deployment.objects.create(
            version=two,
            model=flights,
            environment="production",
            role="champion",
            started_at=Deployment.objects.get().started_at + timedelta(days=1),
        )
    assert Deployment.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "king"},
        {"environment": ""},
        {"environment": "x" * 41},
        {"environment": "a b"},
        {"traffic_share": Decimal("1.1")},
        {"traffic_share": Decimal(-1)},
    ],
)
def test_a_deployment_that_makes_no_sense_is_refused(one, wrong):
    do("approve", one)
    facts = {"environment": "production", "role": "champion", "because": "CR-1"} | wrong
    with pytest.raises(VersionInvalid):
        deploy(actor=SYSTEM, version_id=one.pk, **facts)
    one.refresh_from_db()
    assert one.stage == "approved"
    assert not Deployment.objects.exists()


def test_a_version_is_undeployed_only_from_where_it_serves(champion):
    with pytest.raises(VersionInvalid, match="does not serve in staging"):
        undeploy(actor=SYSTEM, version_id=champion.pk, environment="staging", because="CR-1")
    assert Deployment.objects.get().ended_at is None


def test_every_change_has_mlflow_told_again(champion, flights):
    job = Job.objects.get(kind="registry.push")
    Job.objects.update(state="done", attempts=3)
    undeploy(actor=SYSTEM, version_id=champion.pk, environment="production", because="CR-1")
    job.refresh_from_db()
    assert (job.state, job.attempts, job.subject_id) == ("due", 0, flights.pk)


@pytest.mark.django_db(transaction=True)
def test_two_that_change_the_champion_at_once_leave_one(one, two, flights):
    serve(one)
    serve(two)
    failed = []

    def change(version):
        try:
            for _ in range(5):
                serve(version)
        except Exception as error:  # whatever it is, the test must hear of it
            failed.append(error)
        finally:
            connection.close()

    threads = [Thread(target=change, args=[version]) for version in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    periods = periods_of(flights.pk)
    assert len(periods) == 12
    assert [period.running for period in periods] == [True] + [False] * 11
    for later, earlier in pairwise(periods):
        assert earlier.ended_at == later.started_at
    stages = {v.number: v.stage for v in Version.objects.all()}
    assert stages[periods[0].number] == "serving"
    assert sorted(stages.values()) == ["approved", "serving"]
