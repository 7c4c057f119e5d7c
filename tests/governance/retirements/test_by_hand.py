"""A retirement that somebody asks for by hand ends as one that a policy asks for."""

import json

import pytest
from django.db import IntegrityError, transaction

from audit.models import Event
from governance.jobs import retirement_steps
from governance.jobs.retirement_end import begin_ending
from governance.jobs.tombstones import NotProved, close
from governance.models import ChangeRequest, Retirement, RetirementNotice, RetirementStep
from governance.refusals import ObjectionWaits
from governance.services.requests import retry
from governance.services.retirements import answer_objection, object_to
from tests.governance.conftest import ask, carry_out, sign
from tests.governance.retirements.conftest import (
    SUPERSEDED,
    ask_again,
    in_force,
    look,
    terms,
    to_the_end,
    until_archived,
    work,
)

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def by_hand(old, olga, rita):
    """Olga asked for it and Rita signed; no policy was ever in force."""
    request = ask(olga, old, kind="retire", reason="The route is closed")
    assert not Retirement.objects.exists()
    sign(rita, request)
    carry_out(request)
    return Retirement.objects.get()


def test_it_has_the_whole_checklist_without_policy_and_notice(by_hand, old):
    assert (by_hand.state, by_hand.policy, by_hand.version) == ("ending", None, old)
    assert (by_hand.notice_from, by_hand.notice_until) == (None, None)
    assert (by_hand.episode, by_hand.kept_days) == (1, 365)
    assert list(by_hand.steps.values_list("name", flat=True))[:3] == ["serving", "archive", "drill"]
    assert by_hand.steps.count() == 11
    assert set(RetirementNotice.objects.values_list("kind", flat=True)) == {"retired"}
    event = Event.objects.get(event="governance.retirement.begun")
    assert event.data["request"] == by_hand.request_id


def test_it_closes_with_a_tombstone_only_after_the_drill(by_hand):
    with transaction.atomic(), pytest.raises(NotProved):
        close(by_hand)
    closed = to_the_end(by_hand)
    stone = closed.tombstone
    assert stone["policy"] == {
        "name": f"change request CR-{closed.request_id}, by hand",
        "terms": None,
    }
    assert [one["name"] for one in stone["change_request"]["signatures"]] == ["Rita"]
    assert stone["drill"]["by"]
    assert {one["state"] for one in stone["steps"]} <= {"verified", "not_applicable"}


def test_nothing_is_deleted_while_the_drill_has_not_passed(by_hand, monkeypatch):
    until_archived(by_hand)
    work(by_hand, "mlflow")
    work(by_hand, "artifacts")
    monkeypatch.setattr("governance.jobs.cleaning.drill_passed", lambda _: None)
    step = work(by_hand, "logs")
    assert step.state == "failed"
    assert "nothing is deleted" in step.note


def test_a_worker_that_stops_between_doing_and_looking_resumes(by_hand, monkeypatch):
    until_archived(by_hand)
    done = work(by_hand, "mlflow")
    assert done.state == "not_applicable"
    work(by_hand, "artifacts")

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(retirement_steps, "_settle", stopped)
    with pytest.raises(KeyboardInterrupt):
        work(by_hand, "logs")
    monkeypatch.undo()
    assert RetirementStep.objects.get(retirement=by_hand, name="logs").state == "done"
    tries = RetirementStep.objects.get(retirement=by_hand, name="logs").tries
    ask_again(by_hand)
    again = work(by_hand, "logs")
    assert (again.state, again.tries) == ("verified", tries)


def test_beginning_twice_and_a_look_in_between_change_nothing(by_hand, old):
    before = Event.objects.count()
    with transaction.atomic():
        begin_ending(by_hand.request)
    look(old)
    assert Retirement.objects.count() == 1
    assert Event.objects.count() == before


def test_the_policy_in_force_says_how_long_logs_are_kept(old, olga, rita):
    in_force(terms({"rule": "age", "parameters": {"days": 4000}}, log_days=30))
    request = ask(olga, old, kind="retire")
    sign(rita, request)
    carry_out(request)
    row = Retirement.objects.get()
    assert (row.policy, row.kept_days) == (None, 30)


def test_the_database_refuses_one_without_policy_and_without_request(by_hand):
    with pytest.raises(IntegrityError), transaction.atomic():
        Retirement.objects.filter(pk=by_hand.pk).update(request=None)


def test_pages_and_api_say_that_it_was_asked_for_by_hand(by_hand, client, olga, rita):
    client.force_login(olga, backend=BACKEND)
    for address in (f"/retirements/{by_hand.pk}", "/retirements"):
        page = client.get(address).content.decode()
        assert "sked for by hand" in page
        assert "None" not in page
    page = client.get(f"/retirements/{by_hand.pk}").content.decode()
    assert "The route is closed" in page
    assert "Who was told" in page
    request = client.get(f"/change-requests/{by_hand.request_id}").content.decode()
    assert "proved by a restore drill" in request
    told = json.loads(client.get(f"/api/v1/retirements/{by_hand.pk}").content)
    assert (told["by_hand"], told["notice_until"], told["state"]) == (True, None, "ending")
    assert told["policy"] == f"change request CR-{by_hand.request_id}, by hand"


def test_an_objection_that_waits_is_not_overtaken_by_asking_by_hand(old, olga, rita, vera):
    in_force(terms(SUPERSEDED))
    notice = look(old)
    found = object_to(actor=vera, retirement_id=notice.pk, reason="The night desk uses it.")
    with pytest.raises(ObjectionWaits, match="Vera objects"):
        ask(olga, old, kind="retire", reason="The route is closed")
    assert not ChangeRequest.objects.filter(kind="retire").exists()
    answer_objection(actor=rita, objection_id=found.pk, answer="overruled", reason="It has moved.")
    assert ask(olga, old, kind="retire", reason="The route is closed").state == "open"


def test_an_objection_after_the_request_by_hand_stops_it_until_it_is_answered(
    old, olga, rita, vera
):
    request = ask(olga, old, kind="retire", reason="The route is closed")
    in_force(terms(SUPERSEDED))
    notice = look(old)
    found = object_to(actor=vera, retirement_id=notice.pk, reason="The night desk uses it.")
    sign(rita, request)
    carry_out(request)
    assert (request.state, old.stage) == ("failed", "approved")
    assert request.error.startswith("Vera objects to this version's retirement")
    answer_objection(actor=rita, objection_id=found.pk, answer="overruled", reason="It has moved.")
    retry(actor=olga, request_id=request.pk)
    carry_out(request)
    old.refresh_from_db()
    assert (request.state, old.stage) == ("executed", "retired")
