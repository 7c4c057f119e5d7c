"""Effective challenge: noted only where it is on, shown of teams with enough decisions only."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.policies import Refused
from accounts.roles import Role
from audit.models import Event
from governance.challenge_figures import FEW_DECISIONS, FEW_PEOPLE
from governance.jobs.openings import forget_openings
from governance.models import (
    ChallengeSwitch,
    ChangeRequest,
    Clearance,
    EvidenceOpening,
    SignOff,
)
from governance.reads.challenge import challenge_of
from governance.refusals import Incomplete, NoSuchStep
from governance.services.challenge import note_opening, switch_challenge
from governance.services.discussion import say
from governance.services.requests import set_conditions
from tests.conftest import person
from tests.governance.conftest import Unchanged, ask, carry_out, sign, version_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def on(team, rosa):
    return switch_challenge(actor=rosa, team_id=team.pk, on=True, reason="The board asks.")


@pytest.fixture
def rolf(team):
    """Another reviewer of the team."""
    return person("rolf", (Role.REVIEWER, team))


def of_team(user, days=365, now=None):
    (one,) = challenge_of(user, days=days, now=now or timezone.now())
    return one


def opened(request, *people, kinds=("request", "card")):
    for one in people:
        for kind in kinds:
            assert note_opening(actor=one, request_id=request.pk, kind=kind)


@pytest.fixture
def decided(on, flights, olga, vera, rita, rolf):
    """Three changes: read by both who signed, by one of them, and one that rolf rejected unread."""
    first = ask(olga, version_of(flights, 1, olga, auc=0.7))
    opened(first, vera, rita)
    sign(vera, first)
    sign(rita, first)
    carry_out(first)
    second = ask(olga, version_of(flights, 2, olga, auc=0.71))
    opened(second, vera, kinds=("request",))
    sign(vera, second)
    sign(rita, second)
    carry_out(second)
    third = ask(olga, version_of(flights, 3, olga, auc=0.72))
    sign(rolf, third, decision="reject")
    return first, second, third


def test_it_is_off_until_somebody_who_answers_for_it_switches_it_on(
    one, olga, rita, rosa, team, signed_in
):
    request = ask(olga, one)
    browser = signed_in(rita)
    browser.get(f"/change-requests/{request.pk}")
    browser.get(f"/change-requests/{request.pk}/evidence/card")
    assert not EvidenceOpening.objects.exists()
    assert of_team(rita).hidden.startswith("Switched off")
    for who in (rita, olga):
        with Unchanged(), pytest.raises(Refused):
            switch_challenge(actor=who, team_id=team.pk, on=True, reason="Please")
    switch_challenge(actor=rosa, team_id=team.pk, on=True, reason="The board asks.")
    text = browser.get(f"/change-requests/{request.pk}").content.decode()
    assert "is counted for your team" in text
    answer = browser.get(f"/change-requests/{request.pk}/evidence/card")
    assert answer["Location"] == "/models/flight-delay/1/card?revision=1"
    browser.get(f"/change-requests/{request.pk}/evidence/card")
    kinds = EvidenceOpening.objects.filter(request=request, person=rita)
    assert sorted(kinds.values_list("kind", flat=True)) == ["card", "request"]


def test_only_those_who_may_sign_are_noted_and_only_while_it_is_open(
    on, one, olga, adam, sam, vera, rita, signed_in
):
    request = ask(olga, one)
    for who in (olga, adam):
        browser = signed_in(who)
        assert browser.get(f"/change-requests/{request.pk}/evidence/card").status_code == 302
        assert (
            "is counted for" not in browser.get(f"/change-requests/{request.pk}").content.decode()
        )
    assert signed_in(sam).get(f"/change-requests/{request.pk}/evidence/card").status_code == 404
    assert signed_in(rita).head(f"/change-requests/{request.pk}/evidence/card").status_code == 302
    assert signed_in(rita).get(f"/change-requests/{request.pk}/evidence/none").status_code == 404
    sign(vera, request)
    sign(rita, request)
    signed_in(rita).get(f"/change-requests/{request.pk}")
    assert not EvidenceOpening.objects.exists()


def test_a_validator_who_had_a_hand_is_not_noted(on, one, olga, vera):
    one.contributions.create(person=vera, kind="trained")
    request = ask(olga, one)
    assert not note_opening(actor=vera, request_id=request.pk, kind="card")
    assert not EvidenceOpening.objects.exists()


def test_the_request_read_by_api_is_noted_too(on, one, olga, rita, signed_in):
    request = ask(olga, one)
    signed_in(rita).get(f"/api/v1/change-requests/{request.pk}")
    assert EvidenceOpening.objects.get().kind == "request"


def test_switching_is_on_the_trail_and_off_means_that_nothing_is_noted_or_shown(
    decided, team, olga, flights, rita, rosa, anna
):
    assert of_team(rita).figures is not None
    switch_challenge(actor=anna, team_id=team.pk, on=False, reason="The council objects.")
    one = of_team(rita)
    assert (one.on, one.figures) == (False, None)
    before = EvidenceOpening.objects.count()
    request = ask(olga, version_of(flights, 4, olga, auc=0.73))
    assert not note_opening(actor=rita, request_id=request.pk, kind="card")
    assert EvidenceOpening.objects.count() == before
    told = Event.objects.filter(event="governance.challenge.switched").order_by("sequence")
    assert [(one.actor_name, one.data["on"]) for one in told] == [("Rosa", True), ("Anna", False)]
    with Unchanged(), pytest.raises(NoSuchStep):
        switch_challenge(actor=anna, team_id=team.pk, on=False, reason="Again.")
    with Unchanged(), pytest.raises(Incomplete):
        switch_challenge(actor=anna, team_id=team.pk, on=True, reason=" ")
    # What was decided before does not come back: nobody noted what was opened in between.
    switch_challenge(actor=rosa, team_id=team.pk, on=True, reason="Agreed with the council.")
    assert of_team(rita).hidden == FEW_DECISIONS


def test_figures_are_those_of_the_team(decided, rita):
    found = of_team(rita).figures
    assert (found.decisions, found.requests) == (5, 3)
    assert (found.unopened["hits"], found.unopened["of"]) == (2, 5)
    assert found.only_request["hits"] == 1
    assert (found.opened["card"]["hits"], found.opened["findings"]["hits"]) == (2, 0)
    assert found.rejected["hits"] == 1
    assert found.from_submission.n == 5
    assert 0 <= found.from_submission.low <= found.from_submission.median < 1
    assert (found.from_opening.n, found.from_opening.median) == (3, None)


def test_what_is_opened_after_signing_does_not_count(on, one, olga, vera, rita, rolf, flights):
    for number in range(2, 7):
        request = ask(olga, version_of(flights, number, olga, auc=0.7))
        sign(vera if number < 4 else rita, request)
        opened(request, vera if number < 4 else rita)
        sign(rolf, request, decision="reject")
    found = of_team(rita).figures
    assert (found.unopened["hits"], found.unopened["of"]) == (10, 10)


def test_few_decisions_or_few_people_show_nothing(on, flights, olga, vera, rita):
    for number in (1, 2):
        request = ask(olga, version_of(flights, number, olga, auc=0.7))
        sign(vera, request)
        sign(rita, request, decision="reject")
    assert of_team(rita).hidden == FEW_DECISIONS
    request = ask(olga, version_of(flights, 3, olga, auc=0.7))
    sign(vera, request)
    sign(rita, request, decision="reject")
    one = of_team(rita)
    assert (one.hidden, one.figures) == (FEW_PEOPLE, None)


def aged(requests, days):
    """Moves changes into the past, as tests may; the switch goes with them."""
    ids = [one.pk for one in requests]
    at = timezone.now() - days * DAY
    done = ChangeRequest.objects.filter(pk__in=ids, state="executed")
    ChangeRequest.objects.filter(pk__in=ids).update(submitted_at=at)
    done.update(decided_at=at + HOUR, executed_at=at + HOUR)
    SignOff.objects.filter(request__in=ids).update(signed_at=at + HOUR)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        ChallengeSwitch.objects.update(switched_at=at - DAY)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def test_overturned_are_changes_that_were_reversed_and_young_ones_wait(decided, rita):
    aged(decided, 60)
    found = of_team(rita).figures
    assert (found.overturned["of"], found.too_recent) == (0, 2)
    aged(decided, 200)
    assert of_team(rita).figures.overturned["hits"] == 0
    first = ChangeRequest.objects.get(pk=decided[0].pk)
    Clearance.objects.filter(version=first.version).update(until=first.executed_at + 5 * DAY)
    Clearance.objects.create(
        version=first.version,
        environment="production",
        state="suspended",
        since=first.executed_at + 5 * DAY,
    )
    found = of_team(rita).figures
    assert (found.overturned["hits"], found.overturned["of"], found.too_recent) == (1, 2, 0)
    assert of_team(rita, days=90).hidden == FEW_DECISIONS


def test_conditions_and_changes_that_a_signer_asks_for_are_counted(
    on, flights, olga, vera, rita, rolf
):
    for number in range(1, 4):
        request = ask(olga, version_of(flights, number, olga, auc=0.7))
        if number == 1:
            terms = [{"kind": "days", "days": 30}]
            set_conditions(actor=rita, request_id=request.pk, conditions=terms, reason="Carefully.")
            request.refresh_from_db()
        sign(vera, request)
        if number == 2:
            say(actor=rita, request_id=request.pk, kind="change_asked", text="Name the desk.")
        sign(rita if number < 3 else rolf, request, decision="reject")
    found = of_team(rita).figures
    assert (found.changes_asked["hits"], found.changes_asked["of"]) == (2, 3)


def test_openings_and_switches_are_only_added_and_old_openings_forgotten(decided, team, rita):
    row = EvidenceOpening.objects.first()
    for change in (
        lambda: EvidenceOpening.objects.filter(pk=row.pk).update(kind="findings"),
        lambda: EvidenceOpening.objects.filter(pk=row.pk).delete(),
        lambda: ChallengeSwitch.objects.update(on=False),
        lambda: ChallengeSwitch.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    total = EvidenceOpening.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        EvidenceOpening.objects.filter(pk=row.pk).update(opened_at=timezone.now() - 800 * DAY)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    assert forget_openings(now=timezone.now()) == 1
    assert EvidenceOpening.objects.count() == total - 1
    told = Event.objects.get(event="governance.challenge.deleted")
    assert (told.team_id, told.data["count"], told.actor_id) == (team.pk, 1, None)
    assert forget_openings(now=timezone.now()) == 0


def test_the_page_shows_teams_and_never_persons(decided, rita, vera, rolf, signed_in):
    text = signed_in(rita).get("/challenge").content.decode()
    main = text[text.index('id="content"') :]
    assert "5 decisions on 3 change requests" in main
    assert "2 of 5" in main
    assert vera.name not in main
    assert rolf.name not in main
    assert "too few to tell" in main


def test_each_sees_the_own_teams_and_auditors_all(
    decided, team, other_team, rita, adam, anna, sam, olga, signed_in
):
    assert [one.team for one in challenge_of(rita, days=365, now=timezone.now())] == [team]
    for who in (adam, anna):
        seen = [one.team for one in challenge_of(who, days=365, now=timezone.now())]
        assert seen == [team, other_team]
    for who in (sam, olga):
        assert signed_in(who).get("/challenge").status_code == 403
        assert signed_in(who).get("/api/v1/challenge").status_code == 403


def test_figures_by_api_and_as_a_file_for_spreadsheets(decided, team, adam, signed_in):
    type(team).objects.filter(pk=team.pk).update(slug="=cmd")
    client = signed_in(adam)
    told = client.get("/api/v1/challenge?days=90").json()
    assert told["days"] == 90
    row = next(one for one in told["results"] if one["decisions"])
    assert (row["decisions"], row["unopened_share"], row["opening_hours_median"]) == (5, 0.4, None)
    assert "person" not in str(told)
    answer = client.get("/api/v1/challenge?format=csv")
    assert answer["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert lines[0]["team"] == "'=cmd"
    assert lines[0]["unopened_share"] == "0.4"


def test_it_is_switched_from_the_page_and_by_api(team, rosa, rita, anna, signed_in):
    browser = signed_in(rosa)
    assert browser.post("/challenge/flight-operations", {"on": "yes"}).status_code == 422
    said = {"on": "yes", "reason": "The board asks."}
    assert browser.post("/challenge/flight-operations", said).status_code == 302
    assert "The board asks." in browser.get("/challenge").content.decode()
    answer = browser.post("/challenge/flight-operations", said)
    assert answer.status_code == 409
    assert "It is on already." in answer.content.decode()
    body = {"on": False, "reason": "Enough."}
    address = "/api/v1/challenge/flight-operations"
    assert signed_in(rita).put(address, body, content_type="application/json").status_code == 403
    assert signed_in(anna).put(address, body, content_type="application/json").status_code == 200
    assert ChallengeSwitch.objects.count() == 2


def test_more_decisions_cost_no_more_queries(decided, flights, olga, vera, rolf, rita):
    now = timezone.now
    with CaptureQueriesContext(connection) as few:
        challenge_of(rita, days=365, now=now())
    for number in range(4, 7):
        request = ask(olga, version_of(flights, number, olga, auc=0.7))
        opened(request, vera)
        sign(vera, request)
        sign(rolf, request, decision="reject")
    with CaptureQueriesContext(connection) as many:
        challenge_of(rita, days=365, now=now())
    assert len(many) == len(few)
