"""Change requests fall due: who has to act is reminded once, overdue ones are brought further."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User
from accounts.policies import Refused
from accounts.roles import Role
from accounts.services.delegations import lend
from audit.models import Event
from governance.due_dates import due_from
from governance.jobs.reminders import remind, send_reminder
from governance.models import Reminder
from governance.reads.requests import escalated_to, inbox_lines
from governance.refusals import Incomplete, NotOpen
from governance.services.cards import revise_card
from governance.services.discussion import say
from governance.services.due_dates import move_due_date
from governance.services.requests import withdraw
from ledger import claims
from ledger.models import Job
from tests.conftest import person
from tests.governance.conftest import Unchanged, ask, sign

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def today():
    return timezone.now().date()


def after(**days):
    return today() + timedelta(**days)


def told(**which):
    return {(one.person.name, one.kind) for one in Reminder.objects.filter(**which)}


@pytest.fixture
def asked(one, olga):
    return ask(olga, one)


def test_a_request_falls_due_by_its_risk_and_going_back_is_due_tomorrow(asked):
    assert asked.due_on == after(days=10)
    day = today()
    assert due_from(day, "promote", "high") == day + timedelta(days=14)
    assert due_from(day, "roll_back", "high") == day + timedelta(days=1)


def test_who_has_to_sign_is_told_before_on_the_day_and_after_once_each(asked, vera, rita):
    assert remind(today=asked.due_on - timedelta(days=3)) == 0
    assert remind(today=asked.due_on - timedelta(days=2)) == 2
    assert told() == {("Vera", "soon"), ("Rita", "soon")}
    assert remind(today=asked.due_on - timedelta(days=1)) == 0
    sign(vera, asked)
    assert remind(today=asked.due_on) == 1
    assert told(kind="due") == {("Rita", "due")}
    assert remind(today=asked.due_on) == 0


def test_overdue_it_is_brought_to_owner_and_risk_officer_and_on_the_trail_once(
    asked, olga, vera, rita, rosa
):
    late = asked.due_on + timedelta(days=1)
    remind(today=late)
    remind(today=late + timedelta(days=1))
    assert told() == {(name, "overdue") for name in ("Vera", "Rita", "Rosa", "Olga")}
    event = Event.objects.get(event="governance.request.escalated")
    assert sorted(event.data["to"]) == ["Olga", "Rosa"]
    assert sorted(event.data["waits_on"]) == ["Rita", "Vera"]


def test_it_stands_in_the_inbox_of_who_answers_for_it_until_it_is_decided(
    asked, rosa, rita, client
):
    type(asked).objects.filter(pk=asked.pk).update(due_on=after(days=-1))
    remind(today=today())
    assert [line.id for line in escalated_to(rosa)] == [asked.pk]
    assert not escalated_to(rita)
    assert inbox_lines(rita)[0].overdue
    client.force_login(rosa, backend=BACKEND)
    assert "Overdue, brought to you" in client.get("/inbox").content.decode()
    asked.refresh_from_db()
    sign(rita, asked, "reject")
    assert not escalated_to(rosa)


def test_a_stale_request_waits_on_who_asked_for_it(asked, one, olga, vera, rita):
    revise_card(
        actor=olga,
        version_id=one.pk,
        sections={"contact": "Call Olga."},
        note="",
        expected_revision=one.card.revisions.first().number,
    )
    remind(today=asked.due_on)
    assert told() == {("Olga", "due")}
    assert "has to be refreshed" in Reminder.objects.get().text


def test_a_change_that_was_asked_for_waits_on_its_answer_then_on_its_asker(asked, olga, vera, rita):
    entry = say(actor=vera, request_id=asked.pk, kind="change_asked", text="Name who is on call.")
    remind(today=asked.due_on)
    assert told() == {("Olga", "due")}
    say(actor=olga, request_id=asked.pk, kind="answer", text="Done.", about_id=entry.pk)
    remind(today=asked.due_on)
    assert told() == {("Olga", "due"), ("Vera", "due")}


def test_whoever_was_lent_the_role_is_told_too(asked, rita, vera, team):
    otto = person("otto", (Role.DEVELOPER, team))
    lend(
        actor=rita,
        taker_id=otto.pk,
        role="reviewer",
        team_id=team.pk,
        begins_on=today(),
        ends_on=after(days=30),
        reason="On leave",
    )
    remind(today=asked.due_on)
    assert ("Otto", "due") in told()


def test_a_decided_request_reminds_nobody(asked, olga, vera, rita):
    withdraw(actor=olga, request_id=asked.pk, reason="Not now")
    assert remind(today=asked.due_on + timedelta(days=3)) == 0


def test_the_date_is_moved_with_a_reason_and_people_are_told_anew(asked, olga, vera, rita):
    remind(today=asked.due_on)
    move_due_date(
        actor=rita, request_id=asked.pk, due_on=after(days=30), reason="The shadow runs longer."
    )
    assert Event.objects.filter(event="governance.request.due_date_moved").exists()
    assert remind(today=after(days=29)) == 2
    with Unchanged(), pytest.raises(Incomplete, match="already"):
        move_due_date(actor=rita, request_id=asked.pk, due_on=after(days=30), reason="Again")


@pytest.mark.parametrize("days", [-1, 181])
def test_it_is_not_moved_into_the_past_or_beyond_half_a_year(days, asked, olga):
    with Unchanged(), pytest.raises(Incomplete) as error:
        move_due_date(actor=olga, request_id=asked.pk, due_on=after(days=days), reason="So")
    assert error.value.field == "due_on"


def test_strangers_and_auditors_move_no_date_and_nobody_that_of_a_decided_one(
    asked, adam, sam, olga, rita
):
    for actor in (adam, sam):
        with Unchanged(), pytest.raises(Refused):
            move_due_date(actor=actor, request_id=asked.pk, due_on=after(days=3), reason="So")
    sign(rita, asked, "reject")
    with Unchanged(), pytest.raises(NotOpen):
        move_due_date(actor=olga, request_id=asked.pk, due_on=after(days=3), reason="So")


def test_mail_goes_out_once_where_there_is_a_server(asked, rita, vera, settings):
    settings.MAIL = {"EMAIL_HOST": "localhost"}
    remind(today=asked.due_on)
    jobs = Job.objects.filter(kind="governance.mail")
    assert jobs.count() == 2
    claim = claims.claim(job_id=jobs.earliest("pk").pk)
    send_reminder(claim)
    (letter,) = mail.outbox
    assert letter.to[0] in {"rita@example.org", "vera@example.org"}
    assert "falls due today: it needs your signature" in letter.body
    assert f"/change-requests/{asked.pk}" in letter.body
    assert Reminder.objects.filter(mailed_at__isnull=False).count() == 1


def test_without_a_server_nothing_is_queued(asked, rita, vera):
    remind(today=asked.due_on)
    assert not Job.objects.filter(kind="governance.mail").exists()
    assert User.objects.filter(pk__in=Reminder.objects.values("person")).count() == 2


def test_the_page_and_the_api_move_it(asked, olga, client):
    client.force_login(olga, backend=BACKEND)
    address = f"/change-requests/{asked.pk}/due-date"
    assert client.post(address, {"due_on": "2001-01-01", "reason": "So"}).status_code == 422
    day = after(days=20).isoformat()
    assert client.post(address, {"due_on": day, "reason": "So"}).status_code == 302
    later = after(days=21).isoformat()
    answer = client.put(
        f"/api/v1{address}", {"due_on": later, "reason": "So"}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["due_on"]) == (200, later)
