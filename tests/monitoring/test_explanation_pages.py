"""Explanations as people and programs read them: pages, receipt, API; and who may ask."""

import pytest
from django.urls import reverse

from accounts.services.tokens import create_token
from audit.models import Event
from ledger.models import Job
from monitoring.jobs.erasing import erase_explanations
from monitoring.models import Explanation, ExplanationPolicy, Monitor
from registry.models import Version
from tests.monitoring import explained as scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def explained(version, robot, olga):
    return scene.explanation(version, robot, olga)


@pytest.fixture
def importance(version):
    return scene.importance(version)


@pytest.fixture
def ask(client):
    """Ask the API as a person with a token of theirs."""

    def get(person, url, method="get", status=200, data=None):
        scopes = ["read"] if person.name == "Adam" else ["read", "manage"]
        token = create_token(actor=person, owner=person, name="cli", scopes=scopes, days=1)
        headers = {"Authorization": f"Bearer {token.text}"}
        more = {"data": data, "content_type": "application/json"} if method != "get" else {}
        found = getattr(client, method)(url, headers=headers, **more)
        assert found.status_code == status, found.content
        return found.json()

    return get


def text_of(client, person, url):
    client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_one_explanation_is_said_in_words_with_units_and_its_proof(client, olga, explained):
    page = text_of(client, olga, reverse("explanation", args=[explained.pk]))
    assert "The chance was 70.0" in page
    assert "raised it by 25.0 percentage points" in page
    assert "−5.0 percentage points" in page
    assert "It misses the answer by less than 0.000001 percentage points" in page
    assert "exact, over every set of features" in page
    assert "1234567" in page
    assert scene.DIGEST in page


def test_what_does_not_add_up_shows_no_parts(client, olga, explained):
    Explanation.objects.update(
        state="failed", digest="", gap=0.5, reason="The contributions do not add up."
    )
    page = text_of(client, olga, reverse("explanation", args=[explained.pk]))
    assert "No explanation is shown: the contributions do not add up." in page
    assert "percentage points" not in page
    assert scene.DIGEST not in page


def test_the_receipt_shows_it_and_says_so_when_it_was_erased(client, olga, explained):
    url = f"{reverse('receipt')}?model=flight-delay&prediction=f3"
    page = text_of(client, olga, url)
    assert "What the answer rests on" in page
    assert "raised it by 25.0 percentage points" in page
    assert "No explanation of this prediction" not in page
    erase_explanations(explained.version.model_id, ["f3"])
    page = text_of(client, olga, url)
    assert "What the answer rests on" not in page
    assert "No explanation of this prediction is stored." in page


def test_a_version_shows_what_it_goes_by_the_most_first(client, olga, importance):
    page = text_of(client, olga, reverse("version", args=["flight-delay", 1]))
    assert "What its answers rest on" in page
    assert page.index("temperature</th>") < page.index("carrier</th>")
    assert "20.0 percentage points" in page
    assert "Over 200 rows of the reference" in page


def test_the_models_page_names_policy_monitor_and_versions(
    client, olga, sam, explained, importance, django_assert_max_num_queries
):
    url = reverse("monitoring-explanations", args=["flight-delay"])
    client.force_login(sam, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(url).status_code == 404
    assert "Only what somebody asks for is explained" in text_of(client, olga, url)
    set_to = {"percent": "2.5", "per_day": "40", "enabled": "on"}
    client.post(reverse("explanation-policy", args=["flight-delay"]), set_to)
    policy = ExplanationPolicy.objects.get()
    assert (policy.share, policy.per_day, policy.changed_by) == (0.025, 40, olga)
    with django_assert_max_num_queries(40):
        page = text_of(client, olga, url)
    assert "2.5 % of predictions are explained by themselves, at most 40 of a day" in page
    assert Monitor.objects.get(kind="explanation").name in page
    assert "1 explained" in page


def test_the_version_that_serves_is_shown_first(client, olga, version):
    Version.objects.filter(pk=version.pk).update(stage="serving")
    Version.objects.create(model=version.model, number=version.number + 1, stage="candidate")
    page = text_of(client, olga, reverse("monitoring-explanations", args=[version.model.slug]))
    assert f"What version {version.number} goes by" in page


def test_a_policy_that_is_switched_off_is_said_to_be_off(client, olga, version):
    url = reverse("explanation-policy", args=["flight-delay"])
    client.force_login(olga, "allauth.account.auth_backends.AuthenticationBackend")
    client.post(url, {"percent": "1", "per_day": "10"})
    page = text_of(client, olga, reverse("monitoring-explanations", args=["flight-delay"]))
    assert "Only what somebody asks for is explained" in page


def test_the_monitor_form_offers_the_drift_of_explanations(client, olga, version):
    page = text_of(client, olga, reverse("monitor-new", args=["flight-delay"]))
    assert "?kind=explanation" in page
    page = text_of(
        client, olga, reverse("monitor-new", args=["flight-delay"]) + "?kind=explanation"
    )
    assert "shift of importance" in page.lower()


def test_programs_ask_for_one_and_read_it(olga, adam, sam, explained, importance, ask):
    url = "/api/v1/predictions/f3/explanation"
    (told,) = ask(olga, f"{url}?model=flight-delay")
    assert (told["state"], told["gap"], told["seed"]) == ("done", 1e-12, 1234567)
    assert sum(part["contribution"] for part in told["parts"]) == pytest.approx(0.2)
    ask(sam, f"{url}?model=flight-delay", status=404)
    ask(adam, url, "post", 403, {"model": "flight-delay"})
    ask(olga, "/api/v1/predictions/none/explanation", "post", 404, {"model": "flight-delay"})
    assert not Job.objects.filter(kind="monitoring.explain").exists()
    (again,) = ask(olga, url, "post", 202, {"model": "flight-delay"})
    assert again["id"] == explained.pk
    (listed,) = ask(adam, "/api/v1/models/flight-delay/explanations")
    assert listed["prediction_id"] == "f3"
    rests = ask(adam, "/api/v1/models/flight-delay/versions/1/importance")
    assert [one["feature"] for one in rests["weights"]] == ["temperature", "carrier"]
    (receipt,) = ask(olga, "/api/v1/receipts/f3?model=flight-delay")["receipts"]
    assert receipt["explanation"]["digest"] == scene.DIGEST


def test_programs_set_the_policy_and_are_refused_with_a_reason(olga, rita, version, ask):
    url = "/api/v1/models/flight-delay/explanation-policy"
    ask(olga, url, status=404)
    ask(rita, url, "put", 403, {"share": 0.1, "per_day": 10})
    ask(olga, url, "put", 422, {"share": 2, "per_day": 10})
    assert not ExplanationPolicy.objects.exists()
    told = ask(olga, url, "put", 200, {"share": 0.1, "per_day": 10})
    assert (told["share"], told["enabled"], told["changed_by"]) == (0.1, True, olga.name)
    assert Event.objects.filter(event="monitoring.explanation_policy.changed").count() == 1
