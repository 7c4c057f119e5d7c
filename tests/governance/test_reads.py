"""What pages read: the right people see the right things in a bounded number of queries."""

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.http import Http404
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from governance.models import ApprovalPolicy
from governance.reads.inbox import waiting_for
from governance.reads.model_page import model_page
from governance.reads.overview import overview
from governance.reads.requests import inbox_lines, request_lines, request_page
from governance.reads.version_page import version_page
from governance.services.cards import revise_card
from registry.models import Deployment, Model, Reference, Version
from tests.conftest import person
from tests.governance.conftest import ask, critical_incident, promoted, sign, version_of


def fresh(user):
    """The person as a new request sees them, roles not read yet."""
    return User.objects.get(pk=user.pk)


def count(read, *arguments, **named):
    with CaptureQueriesContext(connection) as queries:
        read(*arguments, **named)
    return len(queries)


def test_a_request_waits_for_exactly_those_who_may_sign_it(
    one, team, olga, vera, rita, rosa, adam, anna, sam, robot
):
    request = ask(olga, one)
    other = person("rolf", ("reviewer", team))
    revise = person("ruth", ("reviewer", team), ("validator", team))
    one.contributions.create(person=revise, kind="card")
    waiting = {p.name for p in (vera, rita, other) if waiting_for(fresh(p)) == 1}
    assert waiting == {"Vera", "Rita", "Rolf"}
    for user in (olga, rosa, adam, anna, sam, robot, revise):
        assert waiting_for(fresh(user)) == 0, user.name
    sign(rita, request)
    assert waiting_for(fresh(rita)) == 0
    assert waiting_for(fresh(other)) == 0, "the reviewer's signature is there"
    assert waiting_for(fresh(vera)) == 1
    assert [line.id for line in inbox_lines(fresh(vera))] == [request.pk]


def test_a_reviewer_of_the_whole_organisation_is_waited_for(one, olga):
    everywhere = person("rufus", ("reviewer", None))
    ask(olga, one)
    assert waiting_for(fresh(everywhere)) == 1


def test_the_requester_is_not_waited_for(one, vera):
    ask(vera, one)
    assert waiting_for(fresh(vera)) == 0


def test_the_inbox_count_is_one_query(one, olga, rita):
    ask(olga, one)
    user = fresh(rita)
    assert user.roles
    assert count(waiting_for, user) == 1


def test_a_reviewer_sees_gates_numbers_and_what_is_missing(one, two, olga, vera, rita):
    promoted(one, olga, vera, rita)
    request = ask(olga, two)
    sign(vera, request)
    page = request_page(fresh(rita), request.pk)
    assert page.line.title == "promote version 2 to champion"
    assert (page.can_sign, page.blocked, page.my_role) == (True, "", "reviewer")
    assert page.champion == 1
    (row,) = [row for row in page.numbers if row.metric == "test_auc"]
    assert (row.champion.value, row.proposed.value, row.better) == (0.70, 0.72, "proposed")
    assert [(s.name, s.counts) for s in page.signatures] == [("Vera", True)]
    assert page.missing == {"reviewer": 1}
    assert [(s.name, s.role) for s in page.signers] == [("Rita", "reviewer")]
    assert {gate.state for gate in page.gates} == {"passed"}
    assert page.meanings


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("olga", "of the team signs"), ("adam", "of the team signs"), ("vera", "asked for this")],
)
def test_who_may_not_sign_reads_why(one, vera, name, sentence, request):
    asked = ask(vera, one)
    page = request_page(fresh(request.getfixturevalue(name)), asked.pk)
    assert not page.can_sign
    assert sentence in page.blocked


def test_stale_evidence_is_shown_with_what_changed(one, olga, vera, rita):
    request = ask(olga, one)
    sign(vera, request)
    revise_card(
        actor=olga, version_id=one.pk, sections={"risks": "x"}, note="", expected_revision=1
    )
    page = request_page(fresh(rita), request.pk)
    assert "card changed" in page.changed[0]
    assert not page.can_sign
    assert [(s.counts, s.stale) for s in page.signatures] == [(False, True)]
    assert request_page(fresh(olga), request.pk).can_refresh
    assert page.can_reject
    assert not request_page(fresh(vera), request.pk).can_reject
    assert not request_page(fresh(olga), request.pk).can_reject


def set_artifact(request):
    Version.objects.filter(pk=request.version_id).update(artifact_digest="f" * 64)


def revise(request):
    author = request.requested_by
    more = {"note": "", "expected_revision": 1, "sections": {"risks": "x"}}
    revise_card(actor=author, version_id=request.version_id, **more)


def change_schema(request):
    request.version.schema.delete()


def change_reference(request):
    Reference.objects.filter(version=request.version_id).update(digest="9" * 64)


def change_policy(request):
    ApprovalPolicy.objects.filter(pk=request.policy_id).update(current=False)


def change_champion(request):
    Deployment.objects.filter(model=request.model_id).update(ended_at=Now())


@pytest.mark.parametrize(
    "change",
    [set_artifact, revise, change_schema, change_reference, change_policy, change_champion],
)
def test_lists_say_that_evidence_is_stale_exactly_when_the_page_does(
    change, one, two, olga, vera, rita
):
    promoted(one, olga, vera, rita)
    request = ask(olga, two)
    for expected in (False, True):
        (line,) = inbox_lines(fresh(rita))
        page = request_page(fresh(rita), request.pk)
        assert (line.stale, bool(page.changed)) == (expected, expected)
        if not expected:
            change(request)


def test_what_was_decided_is_never_stale(one, olga, vera, rita):
    request = ask(olga, one)
    sign(rita, request, decision="reject")
    revise(request)
    assert [line.stale for line in request_lines(fresh(rita))] == [False]


def test_strangers_get_404(one, olga, sam):
    request = ask(olga, one)
    for read, arguments in [
        (request_page, [request.pk]),
        (model_page, ["flight-delay"]),
        (version_page, ["flight-delay", 1]),
    ]:
        with pytest.raises(Http404):
            read(fresh(sam), *arguments)
    assert request_lines(fresh(sam)) == []
    assert overview(fresh(sam)).models == ()


def test_the_overview_shows_health_clearance_and_what_waits(one, two, olga, vera, rita, adam):
    promoted(one, olga, vera, rita)
    critical_incident(one)
    request = ask(olga, two)
    found = overview(fresh(rita))
    (line,) = found.models
    assert (line.slug, line.champion, line.clearance) == ("flight-delay", 1, "cleared")
    assert (line.open_incidents, line.worst_severity, line.open_requests) == (1, "critical", 1)
    assert [waiting.id for waiting in found.waiting] == [request.pk]
    assert overview(fresh(adam)).waiting == ()


def test_pages_cost_the_same_for_many_as_for_few(flights, one, olga, vera, rita, team):
    promoted(one, olga, vera, rita)
    few = {
        "overview": count(overview, fresh(rita)),
        "requests": count(request_lines, fresh(rita)),
        "model": count(model_page, fresh(rita), "flight-delay"),
    }
    for number in range(2, 6):
        ask(olga, version_of(flights, number, olga, auc=0.7 + number / 100))
        Model.objects.create(
            slug=f"m{number}", name="M", team=team, owner=olga, task="binary", risk_tier="low"
        )
    many = {
        "overview": count(overview, fresh(rita)),
        "requests": count(request_lines, fresh(rita)),
        "model": count(model_page, fresh(rita), "flight-delay"),
    }
    assert {name: many[name] - few[name] for name in few} == {
        "overview": 1,  # signatures of what waits now
        "requests": 0,
        "model": 0,
    }
    assert many["overview"] <= 6
    assert many["requests"] <= 3
    assert many["model"] <= 19
    assert count(version_page, fresh(rita), "flight-delay", 1) <= 24
    request = flights.change_requests.first()
    assert count(request_page, fresh(rita), request.pk) <= 18
