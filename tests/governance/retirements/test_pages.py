"""Retirements in the browser and by API: what people read, and what they can do there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from governance.models import PolicyChange, Registration, Retirement, RetirementStep
from governance.services.retirements import object_to
from tests.days import today
from tests.governance.conftest import Unchanged
from tests.governance.retirements.conftest import look, to_the_end, until_archived, work

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PROPOSE = "/retirement-policies/team/flight-operations/propose"


@pytest.fixture
def browse(client):
    """Get or post as somebody; the answer's text after its status was checked."""

    def go(person, address, data=None, status=200):
        client.force_login(person, backend=BACKEND)
        answer = client.get(address) if data is None else client.post(address, data)
        assert answer.status_code == status, (address, answer.status_code, answer.content[:300])
        return answer.content.decode()

    return go


@pytest.fixture
def api(client):
    def go(person, address, data=None, status=200, method="post"):
        client.force_login(person, backend=BACKEND)
        send = getattr(client, method)
        sent = {"data": data, "content_type": "application/json"} if data is not None else {}
        answer = send(address, **sent) if sent else client.get(address)
        assert answer.status_code == status, (address, answer.status_code, answer.content[:300])
        return answer.json()

    return go


def test_the_model_says_how_many_days_are_left(notice, browse, olga, sam):
    page = browse(olga, "/models/flight-delay")
    assert "Version 1 is to be retired" in page
    assert "30 days left to object" in page
    Retirement.objects.update(notice_until=today() + timedelta(days=1))
    assert "1 day left to object" in browse(olga, f"/retirements/{notice.pk}")
    assert "Notices that run" in browse(olga, "/inbox")
    browse(sam, f"/retirements/{notice.pk}", status=404)
    assert "Flight delay" not in browse(sam, "/retirements")
    assert "Notices that run" not in browse(sam, "/inbox")


def test_olga_objects_and_rita_answers(notice, browse, olga, rita):
    place = f"/retirements/{notice.pk}"
    browse(olga, f"{place}/object", {"reason": ""}, 422)
    browse(olga, f"{place}/object", {"reason": "Cargo needs it"}, 302)
    objection = notice.objections.get()
    page = browse(rita, place)
    assert "Cargo needs it" in page
    assert "Uphold" in page
    assert "Uphold" not in browse(olga, place)
    answer = f"{place}/objections/{objection.pk}"
    browse(rita, answer, {"answer": "maybe", "reason": "Hm"}, 422)
    browse(rita, answer, {"answer": "upheld", "reason": "So it is"}, 302)
    page = browse(olga, place)
    assert "was upheld by Rita" in page
    notice.refresh_from_db()
    assert notice.state == "upheld"


def test_what_takes_its_place_is_named_in_a_form(notice, old, browse, olga):
    place = f"/retirements/{notice.pk}"
    assert "Version 2 (serving)" in browse(olga, place)
    look(old, days=31)
    assert "The change request cannot open yet" in browse(olga, place)
    browse(olga, f"{place}/replacement", {"version": "none", "reason": ""}, 422)
    browse(olga, f"{place}/replacement", {"version": "2"}, 302)
    notice.refresh_from_db()
    assert notice.replacement.number == 2


def test_who_signs_reads_what_the_rules_found(requested, browse, rita):
    for address in ("", "/sign"):
        page = browse(rita, f"/change-requests/{requested.request_id}{address}")
        assert "Version 2 has been champion in its place" in page
        assert "Archived, proved by a restore drill" in page


def test_the_steps_are_a_time_line_with_what_was_counted(ending, browse, olga, monkeypatch):
    until_archived(ending)
    page = browse(olga, f"/retirements/{ending.pk}")
    assert "Deployments looked at" in page
    work(ending, "mlflow")
    work(ending, "artifacts")

    def away(**_):
        raise OSError("the store does not answer")

    monkeypatch.setattr("governance.jobs.cleaning.ending.remove_logs", away)
    work(ending, "logs")
    monkeypatch.undo()
    page = browse(olga, f"/retirements/{ending.pk}")
    assert "the store does not answer" in page
    step = RetirementStep.objects.get(name="logs")
    browse(olga, f"/retirements/{ending.pk}/steps/{step.pk}", {"reason": "It is back"}, 302)
    assert work(ending, "logs").state == "verified"


def test_the_page_and_the_list_ask_a_fixed_number_of_questions(
    ending, client, olga, django_assert_max_num_queries
):
    until_archived(ending)
    client.force_login(olga, backend=BACKEND)
    for address, most in ((f"/retirements/{ending.pk}", 18), ("/retirements", 10)):
        with django_assert_max_num_queries(most):
            assert client.get(address).status_code == 200


def test_the_api_tells_the_same(ending, api, olga, adam, sam):
    closed = to_the_end(ending)
    told = api(adam, f"/api/v1/retirements/{closed.pk}")
    assert (told["state"], told["version"], told["replacement"]) == ("closed", 1, 2)
    assert [one["name"] for one in told["steps"]][-1] == "registration"
    assert told["rules"][0]["holds"] is True
    listed = api(olga, "/api/v1/retirements?state=closed")
    assert [one["id"] for one in listed["results"]] == [closed.pk]
    assert api(sam, "/api/v1/retirements")["results"] == []
    api(sam, f"/api/v1/retirements/{closed.pk}/tombstone", status=404)
    problem = api(olga, f"/api/v1/retirements/{closed.pk}/tombstone", status=409)
    assert problem["code"] == "not_provable_yet"


def test_the_api_objects_answers_and_names(notice, api, olga, rita, robot):
    place = f"/api/v1/retirements/{notice.pk}"
    with Unchanged():
        api(robot, f"{place}/objections", {"reason": "No"}, 403)
        api(olga, f"{place}/objections/99/answer", {"answer": "upheld", "reason": "No"}, 404)
    told = api(olga, f"{place}/objections", {"reason": "Cargo needs it"}, 201)
    objection = told["objections"][0]["id"]
    answer = {"answer": "overruled", "reason": "It does not"}
    api(olga, f"{place}/objections/{objection}/answer", answer, 403)
    told = api(rita, f"{place}/objections/{objection}/answer", answer)
    assert told["objections"][0]["answered_by"] == "Rita"
    told = api(olga, f"{place}/replacement", {"version": 2}, method="put")
    assert told["replacement"] == 2
    api(olga, f"{place}/replacement", {"version": None}, 422, "put")


def test_rosa_proposes_a_policy_in_a_form_and_by_api(team, browse, api, client, rosa, olga):
    client.force_login(rosa, backend=BACKEND)
    form = client.get(PROPOSE).context["form"]
    data = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in data.items() if value not in (None, "", False)}
    browse(rosa, PROPOSE, data | {"reason": "No rule yet"}, 422)
    browse(rosa, PROPOSE, data | {"reason": "Old ones mislead", "age-asked": "on"}, 302)
    change = PolicyChange.objects.get(kind="retirement")
    assert change.terms["rules"] == [{"rule": "age", "parameters": {"days": 1095}}]
    page = browse(olga, f"/policy-changes/{change.pk}")
    assert "Another retirement policy of team Flight operations" in page
    assert "Days since it was registered: 1,095" in page or "1095" in page
    assert f"PC-{change.pk}" in browse(olga, "/retirement-policies")
    body = {"scope": "tier", "place": "high", "terms": change.terms, "reason": "The same"}
    told = api(rosa, "/api/v1/retirement-policies", body, 201)
    assert (told["scope"], told["place"], told["missing"]) == ("tier", "high", {"risk_officer": 1})
    body["terms"] = {**change.terms, "notice_days": 0}
    api(rosa, "/api/v1/retirement-policies", body, 422)


def test_facts_clients_and_the_registration_on_one_page(flights, browse, api, olga, rita, sam):
    place = "/models/flight-delay/life"
    day = str(today() + timedelta(days=90))
    browse(olga, place, {"kind": "legal_basis", "ends_on": day, "where": "Contract 7"}, 302)
    browse(olga, f"{place}/clients", {"name": "Gates", "contact": "gates@example.org"}, 302)
    browse(olga, f"{place}/registration", {"verb": "draft", "reason": "Annex VIII"}, 302)
    entry = {"verb": "register", "register": "EU database", "reason": "Section A"}
    browse(olga, f"{place}/registration", entry, 422)
    entry |= {"number": "EU-7", "registered_on": str(today())}
    browse(olga, f"{place}/registration", entry, 302)
    page = browse(rita, place)
    for words in ("Contract 7", "gates@example.org", "EU-7", "Recorded", "EU database"):
        assert words.lower() in page.lower()
    browse(sam, place, status=404)
    told = api(olga, "/api/v1/models/flight-delay/registration")
    assert (told["state"], told["number"]) == ("registered", "EU-7")
    assert api(olga, "/api/v1/models/flight-delay/life-facts")[0]["source"] == "Contract 7"
    Registration.objects.update(state="update_due", changed_at=timezone.now())
    assert "Registrations to update" in browse(olga, "/inbox")


def test_who_told_is_seen_and_the_objection_too(notice, browse, olga, rita):
    object_to(actor=olga, retirement_id=notice.pk, reason="No")
    page = browse(rita, f"/retirements/{notice.pk}")
    assert "Notice is given" in page
    assert "Somebody objects" in page
