"""A policy finds a version; people hear of it, object, answer; a request opens by itself."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from governance.jobs.retirements import look_for_retirements, schedule
from governance.models import (
    ChangeRequest,
    ModelClient,
    Retirement,
    RetirementNotice,
    RetirementObjection,
    RetirementPolicy,
)
from governance.reads.life_facts import policy_for
from governance.reads.waiting_on import waiting_on
from governance.refusals import AlreadySigned, Incomplete, NotOpen
from governance.services.requests import withdraw
from governance.services.retirements import answer_objection, name_replacement, object_to
from ledger import claims, runner
from ledger.models import Job
from registry.models import ArtifactFile, Deployment, Version
from tests.days import today
from tests.governance.conftest import Unchanged, ask, carry_out, sign
from tests.governance.retirements.conftest import OLD, in_force, look, terms


class Untouched(Unchanged):
    @staticmethod
    def count():
        more = [RetirementObjection.objects.count(), RetirementNotice.objects.count()]
        states = list(Retirement.objects.values_list("pk", "state", "notice_until", "replacement"))
        return [*Unchanged.count(), *more, states]


def test_notice_is_given_to_the_team_its_signers_and_the_clients(old, policy, vera, rita, sam):
    model = old.model
    ModelClient.objects.create(
        model=model, name="Gate screens", contact="gates@example.org", added_by=vera
    )
    row = look(old)
    assert (row.state, row.episode) == ("notice", 1)
    assert row.notice_until == today() + timedelta(days=30)
    told = set(RetirementNotice.objects.values_list("address", flat=True))
    assert {"olga@example.org", "rita@example.org", "gates@example.org"} <= told
    assert sam.email not in told
    event = Event.objects.get(event="governance.retirement.notice_given")
    assert event.data["rules"] == ["superseded"]
    assert "Version 2 has been champion in its place" in row.found_rules[0]["said"]


def test_looking_twice_gives_notice_once(notice, old):
    before = Event.objects.count()
    look(old)
    assert Retirement.objects.count() == 1
    assert Event.objects.count() == before


def test_a_round_is_a_job_of_its_hour(old, policy):
    schedule()
    schedule()
    job = Job.objects.exclude(key__startswith="policy-").get(kind="governance.retirements")
    look_for_retirements(claims.claim(job_id=job.pk))
    assert Retirement.objects.get().version == old
    job.refresh_from_db()
    assert job.state == "done"


def test_the_champion_and_versions_without_a_policy_are_left_alone(old, two):
    assert look(old) is None
    in_force()
    assert look(two) is None
    assert not Retirement.objects.exists()


def test_the_policy_of_the_model_goes_before_that_of_its_team(old, policy):
    own = RetirementPolicy.objects.create(model=old.model, terms=terms(OLD))
    assert policy_for(old) == own
    assert look(old) is None
    RetirementPolicy.objects.filter(pk=own.pk).update(current=False)
    assert look(old).policy == policy


def test_what_is_no_longer_true_lifts_the_notice_by_itself(notice, old, two):
    Deployment.objects.filter(version=two).update(ended_at=timezone.now())
    row = look(old, days=3)
    assert row.state == "lifted"
    assert "No other version has taken its place" in row.outcome
    assert RetirementNotice.objects.filter(kind="lifted").exists()
    assert Event.objects.filter(event="governance.retirement.lifted").count() == 1
    Deployment.objects.filter(version=two).update(ended_at=None)
    again = look(old, days=4)
    assert (again.state, again.episode) == ("notice", 2)


def test_people_are_reminded_near_the_end_and_on_the_last_day(notice, old):
    look(old, days=10)
    assert not RetirementNotice.objects.filter(kind="soon").exists()
    look(old, days=25)
    look(old, days=26)
    look(old, days=30)
    kinds = list(RetirementNotice.objects.filter(person__name="Olga").values_list("kind", flat=1))
    assert kinds == ["given", "soon", "last_day"]


def test_without_a_replacement_the_page_says_what_is_missing(notice, old, olga):
    row = look(old, days=31)
    assert row.state == "notice"
    assert "what takes its place" in row.held_up
    with Untouched(), pytest.raises(Incomplete):
        name_replacement(actor=olga, retirement_id=row.pk, number=None, reason=" ")
    with Untouched(), pytest.raises(Incomplete):
        name_replacement(actor=olga, retirement_id=row.pk, number=1)
    name_replacement(actor=olga, retirement_id=row.pk, number=None, reason="The route is closed")
    row = look(old, days=31)
    assert (row.state, row.held_up) == ("requested", "")


def test_the_request_opens_with_the_rules_frozen(requested, old):
    request = requested.request
    assert (request.kind, request.state) == ("retire", "open")
    assert request.requested_by.name == "Ombud"
    frozen = request.evidence["retirement"]
    assert frozen["rules"][0]["rule"] == "superseded"
    assert frozen["rules"][0]["holds"] is True
    assert frozen["replacement"] == 2
    assert frozen["policy"] == "retirement policy 1 of team Flight operations"
    look(old, days=31)
    assert ChangeRequest.objects.filter(kind="retire").count() == 1


def test_a_gate_that_prevents_holds_the_request_up(notice, old, two, olga, vera, rita):
    name_replacement(actor=olga, retirement_id=notice.pk, number=2)
    ask(olga, old, kind="retire")
    row = look(old, days=31)
    assert row.state == "notice"
    assert "asks for this already" in row.held_up


def test_a_request_that_is_no_longer_true_is_taken_back(requested, old, two):
    Deployment.objects.filter(version=two).update(ended_at=timezone.now())
    row = look(old, days=32)
    requested.request.refresh_from_db()
    assert (row.state, requested.request.state) == ("lifted", "withdrawn")


def test_a_rejected_request_ends_it_and_people_are_left_in_peace(requested, old, rita):
    sign(rita, requested.request, decision="reject", meaning="I reject it")
    row = look(old, days=32)
    assert row.state == "refused"
    Retirement.objects.update(ended_at=timezone.now())
    assert look(old, days=60) is None
    assert look(old, days=95).episode == 2


def test_a_withdrawn_request_ends_it_too(requested, old, olga):
    withdraw(actor=olga, request_id=requested.request.pk, reason="Not now")
    assert look(old, days=32).state == "refused"


def test_a_retirement_asked_for_by_hand_is_cleaned_up_too(notice, old, olga, rita):
    request = ask(olga, old, kind="retire")
    sign(rita, request)
    carry_out(request)
    notice.refresh_from_db()
    assert (notice.state, notice.request) == ("ending", request)
    assert notice.steps.count() == 11


# Objections ---------------------------------------------------------------------------------------


def test_an_objection_is_answered_by_somebody_else(notice, old, olga, vera, rita, rosa):
    objection = object_to(actor=olga, retirement_id=notice.pk, reason="Cargo still uses it")
    name_replacement(actor=vera, retirement_id=notice.pk, number=2)
    assert look(old, days=31).held_up == "An objection has no answer yet."
    for somebody in (olga, vera):
        with Untouched(), pytest.raises(Refused):
            answer_objection(
                actor=somebody, objection_id=objection.pk, answer="overruled", reason="No"
            )
    answer_objection(
        actor=rosa, objection_id=objection.pk, answer="overruled", reason="It does not"
    )
    with Untouched(), pytest.raises(NotOpen):
        answer_objection(actor=rita, objection_id=objection.pk, answer="upheld", reason="Yes")
    row = look(old, days=31)
    assert row.state == "requested"
    said = row.request.evidence["retirement"]["objections"][0]
    assert (said["by"], said["answer"], said["answered_by"]) == ("Olga", "overruled", "Rosa")


def test_a_reviewer_who_objects_does_not_answer_it(notice, rita):
    objection = object_to(actor=rita, retirement_id=notice.pk, reason="Too early")
    with Untouched(), pytest.raises(Refused):
        answer_objection(actor=rita, objection_id=objection.pk, answer="upheld", reason="Mine")


def test_an_upheld_objection_ends_the_retirement(notice, old, olga, rita):
    objection = object_to(actor=olga, retirement_id=notice.pk, reason="Cargo still uses it")
    answer_objection(actor=rita, objection_id=objection.pk, answer="upheld", reason="It does")
    notice.refresh_from_db()
    assert notice.state == "upheld"
    assert "Cargo" not in notice.outcome
    assert "Rita" in notice.outcome
    Retirement.objects.update(ended_at=timezone.now())
    assert look(old, days=60) is None


def test_strangers_auditors_machines_and_latecomers_do_not_object(
    notice, sam, adam, robot, anna, olga
):
    for somebody in (sam, adam, robot, anna):
        with Untouched(), pytest.raises(Refused):
            object_to(actor=somebody, retirement_id=notice.pk, reason="No")
    object_to(actor=olga, retirement_id=notice.pk, reason="No")
    with Untouched(), pytest.raises(AlreadySigned):
        object_to(actor=olga, retirement_id=notice.pk, reason="No again")
    Retirement.objects.update(notice_until=today() - timedelta(days=1))
    with Untouched(), pytest.raises(NotOpen):
        object_to(actor=olga, retirement_id=notice.pk, reason="Late")


@pytest.mark.django_db(transaction=True)
def test_an_objection_and_the_request_at_the_same_instant_are_one_or_the_other(notice, old, olga):
    """On the last day the round runs as if it were the next: it opens, or the objection stands."""
    name_replacement(actor=olga, retirement_id=notice.pk, number=2)
    barrier, met = Barrier(2), []

    def at_once(do):
        barrier.wait()
        try:
            do()
        except NotOpen as error:
            met.append(error)
        finally:
            connection.close()

    todo = [
        lambda: look(old, days=31),
        lambda: object_to(actor=olga, retirement_id=notice.pk, reason="Wait"),
    ]
    threads = [Thread(target=at_once, args=(do,)) for do in todo]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    notice.refresh_from_db()
    opened = notice.state == "requested"
    assert opened == bool(met)
    assert RetirementObjection.objects.count() == int(not opened)
    assert bool(notice.held_up) == (not opened)


def test_a_killed_round_done_again_tells_nobody_twice(old, policy, monkeypatch):
    schedule()
    job = Job.objects.exclude(key__startswith="policy-").get(kind="governance.retirements")

    def killed(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("governance.jobs.retirements.claims.finish", killed)
    with pytest.raises(KeyboardInterrupt):
        look_for_retirements(claims.claim(job_id=job.pk))
    monkeypatch.undo()
    told = RetirementNotice.objects.count()
    Job.objects.filter(pk=job.pk).update(state="due", lease_until=None)
    runner.run(job_id=job.pk)
    assert Retirement.objects.count() == 1
    assert RetirementNotice.objects.count() == told
    assert Version.objects.get(pk=old.pk).stage == "approved"


def test_what_a_policy_asked_for_waits_on_the_owner_not_on_a_machine(requested, olga):
    ArtifactFile.objects.filter(version=requested.version).update(sha256="f" * 64)
    Version.objects.filter(pk=requested.version_id).update(artifact_digest="f" * 64)
    requested.request.version.refresh_from_db()
    people, what = waiting_on(requested.request)
    assert people == [olga]
    assert "stale" in what
