"""Who was told says not to object; where the policy lets it, the notice ends with the last one."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from accounts.models import User
from accounts.policies import Refused
from audit.models import Event
from governance.models import ChangeRequest, ModelClient, NoObjection, Retirement
from governance.reads.retirement_silence import silent
from governance.refusals import AlreadySigned, Incomplete, NotOpen
from governance.retirement_differences import retirement_differences
from governance.retirement_rules import BadTerms, clean_terms
from governance.services.no_objections import say_no_objection
from governance.services.retirements import answer_objection, name_replacement, object_to
from ledger import runner
from ledger.models import Job
from tests.days import today
from tests.governance.conftest import Unchanged, rulers, signed_policy
from tests.governance.retirements.conftest import in_force, look, terms
from tests.governance.retirements.test_policies import propose

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class Untouched(Unchanged):
    @staticmethod
    def count():
        said = list(NoObjection.objects.values_list("pk", "withdrawn_at"))
        return [*Unchanged.count(), said, list(Retirement.objects.values_list("pk", "state"))]


@pytest.fixture
def early(old, olga):
    """A notice under a policy that lets it end early; its replacement is named."""
    in_force(terms(early_end=True))
    row = look(old)
    name_replacement(actor=olga, retirement_id=row.pk, number=2)
    return row


def told(row):
    found = row.notices.filter(kind="given", person__isnull=False)
    return list(User.objects.filter(pk__in=found.values("person")).order_by("pk"))


def agree(row, *people):
    for one in people:
        say_no_objection(actor=one, retirement_id=row.pk)


def at_once(row):
    """The round that the last answer asked for, or none."""
    return Job.objects.filter(kind="governance.retirements", key=f"retirement {row.pk}").first()


def test_when_all_who_were_told_do_not_object_the_notice_ends_and_the_request_opens(early, old):
    *others, last = told(early)
    assert len(others) > 1
    agree(early, *others)
    assert silent(early) == (last.name,)
    assert at_once(early) is None
    assert look(old, days=2).state == "notice"
    agree(early, last)
    runner.run(job_id=at_once(early).pk)
    early.refresh_from_db()
    assert (early.state, early.notice_ended_at.date()) == ("requested", today())
    frozen = early.request.evidence["retirement"]["notice"]
    assert (frozen["until"], frozen["ended"]) == (str(early.notice_until), str(today()))
    assert [one["by"] for one in frozen["no_objections"]] == [p.name for p in (*others, last)]
    event = Event.objects.get(event="governance.retirement.notice_ended_early")
    assert event.data["no_objection_of"] == [p.name for p in (*others, last)]
    assert Event.objects.filter(event="governance.no_objection.said").count() == len(others) + 1


def test_one_who_is_silent_keeps_it_waiting_for_the_whole_notice(early, old):
    agree(early, *told(early)[1:])
    for days in (1, 30):
        assert look(old, days=days).state == "notice"
    row = look(old, days=31)
    assert (row.state, row.notice_ended_at) == ("requested", None)
    assert "ended" not in row.request.evidence["retirement"]["notice"]


def test_a_contact_without_an_account_is_waited_for_and_a_closed_account_is_not(
    old, olga, vera, rita
):
    ModelClient.objects.create(
        model=old.model, name="Gates", contact="gates@example.org", added_by=vera
    )
    in_force(terms(early_end=True))
    row = look(old)
    name_replacement(actor=olga, retirement_id=row.pk, number=2)
    *others, last = told(row)
    agree(row, *others)
    User.objects.filter(pk=last.pk).update(is_active=False)
    assert silent(row) == ("Gates",)
    assert look(old, days=1).state == "notice"
    row.notices.filter(name="Gates").delete()
    assert look(old, days=1).state == "requested"


def test_an_objection_takes_ones_answer_back_and_stops_it(early, old, olga, rita):
    agree(early, *(one for one in told(early) if one != rita))
    objection = object_to(actor=olga, retirement_id=early.pk, reason="Cargo still uses it")
    event = Event.objects.get(event="governance.objection.raised")
    assert event.data["takes_back_no_objection"] is True
    assert NoObjection.objects.get(person=olga).withdrawn_at is not None
    with Untouched(), pytest.raises(AlreadySigned):
        say_no_objection(actor=olga, retirement_id=early.pk)
    agree(early, rita)
    assert look(old, days=1).state == "notice"
    answer_objection(actor=rita, objection_id=objection.pk, answer="overruled", reason="No more")
    assert look(old, days=1).state == "notice"
    agree(early, olga)
    assert look(old, days=1).state == "requested"


def test_a_policy_without_the_term_keeps_the_whole_notice(notice, old, olga):
    name_replacement(actor=olga, retirement_id=notice.pk, number=2)
    agree(notice, *told(notice))
    assert silent(notice) == ()
    assert at_once(notice) is None
    assert look(old, days=30).state == "notice"
    assert look(old, days=31).state == "requested"


def test_without_a_replacement_the_notice_goes_on_and_ends_when_it_is_named(old, olga):
    in_force(terms(early_end=True))
    row = look(old)
    agree(row, *told(row))
    row = look(old, days=1)
    assert (row.state, row.notice_ended_at) == ("notice", None)
    assert "what takes its place" in row.held_up
    object_to(actor=olga, retirement_id=row.pk, reason="Nothing is named")
    answer_objection(
        actor=told(row)[-1], objection_id=row.objections.get().pk, answer="overruled", reason="Soon"
    )
    agree(row, olga)
    name_replacement(actor=olga, retirement_id=row.pk, number=2)
    runner.run(job_id=at_once(row).pk)
    row.refresh_from_db()
    assert row.state == "requested"


def test_strangers_machines_auditors_and_latecomers_do_not_answer(
    early, sam, adam, robot, anna, olga
):
    for somebody in (sam, adam, robot, anna):
        with Untouched(), pytest.raises(Refused):
            say_no_objection(actor=somebody, retirement_id=early.pk)
    agree(early, olga)
    with Untouched(), pytest.raises(AlreadySigned):
        say_no_objection(actor=olga, retirement_id=early.pk)
    Retirement.objects.update(notice_until=today() - timedelta(days=1))
    with Untouched(), pytest.raises(NotOpen):
        say_no_objection(actor=told(early)[-1], retirement_id=early.pk)


@pytest.mark.django_db(transaction=True)
def test_two_last_answers_at_the_same_instant_end_it_once(early, old):
    *others, one, other = told(early)
    agree(early, *others)
    barrier = Barrier(2)

    def answer(person):
        barrier.wait()
        try:
            say_no_objection(actor=person, retirement_id=early.pk)
            look(old)
        finally:
            connection.close()

    threads = [Thread(target=answer, args=(person,)) for person in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    early.refresh_from_db()
    assert early.state == "requested"
    assert ChangeRequest.objects.filter(kind="retire").count() == 1
    ended = Event.objects.filter(event="governance.retirement.notice_ended_early")
    assert ended.count() == 1
    assert Event.objects.filter(event="governance.no_objection.said", data__last=True).count() == 1


# The policy's term --------------------------------------------------------------------------------


def test_the_term_is_no_unless_said_and_yes_asks_less(team, rosa):
    assert clean_terms(terms())["early_end"] is False
    for wrong in (1, "yes", None):
        with pytest.raises(BadTerms):
            clean_terms(terms(early_end=wrong))
    before = {key: value for key, value in terms().items() if key != "early_end"}
    assert retirement_differences(before, clean_terms(terms())) == []
    (found,) = retirement_differences(before, clean_terms(terms(early_end=True)))
    assert (found.before, found.after, found.loosens) == ("no", "yes", True)
    (found,) = retirement_differences(clean_terms(terms(early_end=True)), clean_terms(terms()))
    assert found.loosens is False


def test_letting_it_end_early_needs_an_administrator_too(team, rosa):
    ronja, amos = rulers()
    signed_policy(ronja, propose(rosa))
    with pytest.raises(Incomplete):
        propose(rosa, terms(early_end=False))
    change = propose(rosa, terms(early_end=True))
    assert (change.loosens, change.terms["early_end"]) == (True, True)
    for signer in (ronja, amos):
        signed_policy(signer, change)
    change.refresh_from_db()
    assert change.retirement_policy.terms["early_end"] is True


# Page and API -------------------------------------------------------------------------------------


def test_the_page_shows_who_is_waited_for_and_takes_the_answer(early, client, olga, rita):
    place = f"/retirements/{early.pk}"
    client.force_login(olga, backend=BACKEND)
    page = client.get(place).content.decode()
    assert "I do not object" in page
    assert "Waited for:" in page
    assert client.post(f"{place}/no-objection").status_code == 302
    page = client.get(place).content.decode()
    assert "I do not object" not in page
    assert "It is noted that you do not object" in page
    assert client.post(f"{place}/no-objection").status_code == 302
    assert "You have said already" in client.get(place).content.decode()
    agree(early, *(one for one in told(early) if one != olga))
    runner.run(job_id=at_once(early).pk)
    early.refresh_from_db()
    answer = client.get(place)
    assert "ended early" in answer.content.decode()
    notice = next(one["note"] for one in answer.context["stages"] if one["label"] == "Notice")
    assert notice.startswith("ended early, "), "not the last day that it would have had"
    client.force_login(rita, backend=BACKEND)
    page = client.get(f"/change-requests/{early.request_id}").content.decode()
    assert "The notice ended early" in page


def test_the_api_takes_and_tells_the_answers(early, client, olga, sam):
    place = f"/api/v1/retirements/{early.pk}"
    client.force_login(sam, backend=BACKEND)
    assert client.post(f"{place}/no-objections").status_code == 404
    client.force_login(olga, backend=BACKEND)
    answer = client.post(f"{place}/no-objections")
    assert answer.status_code == 201, answer.content
    told_so = answer.json()
    assert [one["by"] for one in told_so["no_objections"]] == ["Olga"]
    assert "Olga" not in told_so["silent"]
    assert told_so["notice_ended_at"] is None
    assert client.post(f"{place}/no-objections").status_code == 409


def test_the_form_of_a_policy_asks_for_it(team, client, rosa):
    client.force_login(rosa, backend=BACKEND)
    place = "/retirement-policies/team/flight-operations/propose"
    form = client.get(place).context["form"]
    data = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in data.items() if value not in (None, "", False)}
    data |= {"reason": "Quicker", "age-asked": "on", "early_end": "on"}
    answer = client.post(place, data)
    assert answer.status_code == 302
    page = client.get(answer.url).content.decode()
    assert "as soon as everybody who was told has said not to object" in page
