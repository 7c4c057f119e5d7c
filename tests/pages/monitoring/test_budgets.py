"""How many false alarms a model may raise: said on its page, and declared by its team."""

from typing import Any

import pytest

from audit.models import Event
from monitoring.models import AlarmBudget, Monitor
from monitoring.reads.runs import monitors_of
from registry.models import Deployment, Model, Version
from tests.monitoring import world
from tests.pages.monitoring.conftest import END, make_monitor, make_run

SENT = {"false_alarms": "3", "days": "180"}
ADDRESS = "/monitoring/flight-delay/budget"


@pytest.fixture
def watched(model: Model, version: Version, monitor: Monitor) -> Model:
    make_run(monitor, version, values={"temperature": 0.05})
    make_monitor(model, "Carrier", "drift", "psi", breach=0.3)
    make_monitor(model, "Off", "drift", "psi", breach=0.4, enabled=False)
    return model


def test_the_budget_stands_on_the_page_with_what_each_monitor_takes_of_it(
    signed_in: Any, olga: Any, watched: Model
) -> None:
    html = signed_in(olga).get("/monitoring/flight-delay").content.decode()
    assert "One false alarm in 90 days over all monitors together; 2 monitors share it." in html
    assert html.count('data-label="False alarms in 90 days">at most 0.5<') == 2
    assert html.count('data-label="False alarms in 90 days">none<') == 1
    assert "As they are set up now: at most 1 in 90 days" in html


def test_olga_declares_another_budget(signed_in: Any, olga: Any, watched: Model) -> None:
    answer = signed_in(olga).post(ADDRESS, SENT, follow=True)
    html = answer.content.decode()
    assert "Saved." in html
    assert "3 false alarms in 180 days over all monitors together" in html
    kept = AlarmBudget.objects.get(model=watched)
    assert (kept.false_alarms, kept.days) == (3, 180)
    assert Event.objects.filter(event="monitoring.budget.changed").count() == 1


@pytest.mark.parametrize("wrong", [{"false_alarms": "0"}, {"days": "900"}, {"days": "many"}])
def test_a_wrong_budget_is_explained_and_changes_nothing(
    signed_in: Any, olga: Any, watched: Model, wrong: dict[str, str]
) -> None:
    answer = signed_in(olga).post(ADDRESS, SENT | wrong)
    assert answer.status_code == 422
    assert 'class="ob-error"' in answer.content.decode()
    assert not AlarmBudget.objects.exists()


def test_who_only_audits_reads_it_and_a_stranger_does_not(
    signed_in: Any, adam: Any, sam: Any, watched: Model
) -> None:
    html = signed_in(adam).get("/monitoring/flight-delay").content.decode()
    assert "One false alarm in 90 days" in html
    assert ADDRESS not in html
    assert signed_in(adam).post(ADDRESS, SENT).status_code == 403
    assert signed_in(sam).post(ADDRESS, SENT).status_code == 404
    assert not AlarmBudget.objects.exists()


def test_what_monitors_promise_keeps_to_the_budget_with_k_of_n_and_versions(
    watched: Model, django_assert_num_queries: Any
) -> None:
    Monitor.objects.filter(name="Carrier").update(open_after=2, open_of=3)
    with django_assert_num_queries(2):
        rows = monitors_of(model_id=watched.pk, versions=2)
    promised = {row.monitor.name: row.false_alarms_per_quarter for row in rows}
    assert promised["Off"] == 0
    assert 0 < promised["Drift of inputs"] <= 0.5
    assert 0 < promised["Carrier"] <= 0.5
    assert sum(promised.values()) <= 1.0001


def test_a_monitors_own_page_promises_what_the_overview_says_of_it(
    signed_in: Any, olga: Any, watched: Model, monitor: Monitor, version: Version
) -> None:
    second = world.make_version(watched, number=2)
    Deployment.objects.create(version=second, model=watched, role="shadow", started_at=END)
    client = signed_in(olga)
    overview = client.get("/monitoring/flight-delay").content.decode()
    assert overview.count('data-label="False alarms in 90 days">at most 0.5<') == 2
    said = client.get(f"/monitors/{monitor.pk}").content.decode()
    (row,) = (
        one for one in monitors_of(model_id=watched.pk, versions=2) if one.monitor.pk == monitor.pk
    )
    assert row.false_alarms_per_quarter == pytest.approx(0.5)
    share = f"at most {100 * row.alpha:.2g}\u202f% of windows"
    assert f"{share}, at most 0.5 in 90 days, over the 2 versions that serve" in said


def test_a_monitor_that_is_switched_off_raises_no_false_alarm(
    signed_in: Any, olga: Any, watched: Model
) -> None:
    off = Monitor.objects.get(name="Off")
    said = signed_in(olga).get(f"/monitors/{off.pk}").content.decode()
    assert "of windows once it is switched on; none until then" in said
