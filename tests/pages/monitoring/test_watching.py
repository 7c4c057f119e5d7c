"""The pages that show how models behave: list, model, monitor and window."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Incident, Monitor, Run
from registry.models import Model, Version
from tests.monitoring import world
from tests.pages.monitoring.conftest import (
    END,
    count_window,
    make_health,
    make_incident,
    make_monitor,
    make_run,
)


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert client.get(address).status_code == 200
    return len(caught)


def chart_of(html: str, chart: str) -> dict[str, Any]:
    found = re.search(rf'<script id="{chart}" type="application/json">(.*?)</script>', html)
    assert found is not None
    drawn: dict[str, Any] = json.loads(found[1])
    return drawn


@pytest.fixture
def drifted(monitor: Monitor, version: Version) -> Run:
    make_run(monitor, version, weeks_ago=1, values={"temperature": 0.05, "carrier": 0.01})
    return make_run(
        monitor, version, values={"temperature": 0.31, "carrier": 0.02}, verdict="breach"
    )


@pytest.fixture
def addresses(model: Model, monitor: Monitor, drifted: Run) -> list[str]:
    return [f"/monitoring/{model.slug}", f"/monitors/{monitor.pk}", f"/runs/{drifted.pk}"]


def test_olga_sees_every_model_with_verdict_time_and_coverage(
    signed_in: Any, olga: Any, model: Model, version: Version, drifted: Run
) -> None:
    make_health(version, "drift", "breach")
    quality = make_monitor(model, "ROC AUC", "performance", "roc_auc", warning=0.02, breach=0.04)
    make_run(quality, version, values={"": 0.71})
    make_incident(drifted)
    html = signed_in(olga).get("/monitoring").content.decode()
    assert "Flight delay" in html
    assert "champion" in html
    assert "breach" in html
    assert "90\u202f%" in html  # 900 of 1,000 outcomes
    assert "mature through 30\u00a0Mar\u00a02026" in html
    assert "1 open" in html


def test_sam_sees_nothing_of_it(signed_in: Any, sam: Any, addresses: list[str]) -> None:
    client = signed_in(sam)
    assert "Flight delay" not in client.get("/monitoring").content.decode()
    for address in [*addresses, "/monitoring/flight-delay/new"]:
        assert client.get(address).status_code == 404, address


def test_adam_sees_all_but_sets_up_nothing(
    signed_in: Any, adam: Any, monitor: Monitor, addresses: list[str]
) -> None:
    client = signed_in(adam)
    for address in ["/monitoring", *addresses]:
        html = client.get(address).content.decode()
        assert "Change it" not in html
        assert "New monitor" not in html
    new = "/monitoring/flight-delay/new"
    assert client.get(new).status_code == 403
    sent = {"name": "Mine", "measure": "drift:psi", "window_hours": 24, "every_hours": 24}
    assert client.post(new, sent).status_code == 403
    changed = {"breach": "9", "severity": "info", "open_after": "1"}
    assert client.post(f"/monitors/{monitor.pk}", changed).status_code == 403
    monitor.refresh_from_db()
    assert monitor.breach == 0.2
    assert Monitor.objects.count() == 1
    assert not Event.objects.filter(event__startswith="monitoring.").exists()


def test_strangers_at_the_door_are_sent_to_sign_in(client: Client, addresses: list[str]) -> None:
    for address in addresses:
        assert client.get(address).status_code == 302


def test_a_model_shows_charts_a_heat_map_and_links_to_windows(
    signed_in: Any, olga: Any, model: Model, monitor: Monitor, drifted: Run
) -> None:
    html = signed_in(olga).get(f"/monitoring/{model.slug}").content.decode()
    chart = chart_of(html, f"chart-{monitor.pk}")
    assert chart["x"] == ["2026-03-23", "2026-03-30"]
    series = chart["series"][0]
    assert (series["name"], series["y"]) == ("Largest of 2", [0.05, 0.31])
    assert series["verdicts"] == ["ok", "breach"]
    assert series["links"][1] == f"/runs/{drifted.pk}"
    assert [level["value"] for level in chart["thresholds"]] == [0.2, 0.1]
    drift = signed_in(olga).get(f"/monitoring/{model.slug}/drift").content.decode()
    assert f'<td class="ob-heat-9"><a href="/runs/{drifted.pk}"' in drift
    assert "?field=temperature" in drift


def test_performance_is_drawn_with_thresholds_around_the_reference(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    auc = make_monitor(model, "ROC AUC", "performance", "roc_auc", warning=0.02, breach=0.04)
    make_run(auc, version, values={"": 0.69})
    html = signed_in(olga).get(f"/monitoring/{model.slug}").content.decode()
    chart = chart_of(html, f"chart-{auc.pk}")
    assert [level["value"] for level in chart["thresholds"]] == pytest.approx([0.66, 0.68])
    assert chart["series"][0]["low"] == [pytest.approx(0.68)]
    assert chart["series"][1] == {"name": "Reference", "y": [0.7], "muted": True}
    assert chart_of(html, "chart-coverage")["series"][0]["y"] == [0.9]


def test_a_period_and_a_version_can_be_chosen(
    signed_in: Any, olga: Any, model: Model, monitor: Monitor, version: Version
) -> None:
    other = Version.objects.create(model=model, number=2)
    make_run(monitor, version, values={"temperature": 0.05})
    make_run(monitor, version, weeks_ago=10, values={"temperature": 0.04})
    make_run(monitor, other, values={"temperature": 0.15})
    client, address = signed_in(olga), f"/monitoring/{model.slug}"
    name = f"chart-{monitor.pk}"
    champion = chart_of(client.get(address).content.decode(), name)
    assert champion["series"][0]["y"] == [0.04, 0.05]
    short = chart_of(client.get(f"{address}?period=4w").content.decode(), name)
    assert short["series"][0]["y"] == [0.05]
    second = chart_of(client.get(f"{address}?version=2").content.decode(), name)
    assert second["series"][0]["y"] == [0.15]
    assert client.get(f"{address}?period=x&version=x").status_code == 200


def test_a_model_without_a_version_says_what_comes_next(
    signed_in: Any, olga: Any, model: Model
) -> None:
    html = signed_in(olga).get(f"/monitoring/{model.slug}").content.decode()
    assert "The model has no version yet." in html


def test_a_monitor_says_what_it_promises_and_keeps_revisions(
    signed_in: Any, olga: Any, monitor: Monitor, version: Version
) -> None:
    make_run(monitor, version, values={"temperature": 0.1}, latest=False)
    make_run(monitor, version, values={"temperature": 0.3}, verdict="breach", revision=2)
    html = signed_in(olga).get(f"/monitors/{monitor.pk}").content.decode()
    assert "Population stability index" in html
    assert "PSI of 0.2" in html
    assert "False alarms" in html
    assert "at most 5\u202f% of windows" in html
    assert "replaced" in html
    assert chart_of(html, "chart-monitor")["series"][0]["y"] == [0.3]


def test_olga_changes_a_threshold(signed_in: Any, olga: Any, monitor: Monitor) -> None:
    sent = {"warning": "0.15", "breach": "0.3", "severity": "critical", "open_after": "2"}
    answer = signed_in(olga).post(f"/monitors/{monitor.pk}", sent | {"why": "Winter."}, follow=True)
    assert "Saved." in answer.content.decode()
    monitor.refresh_from_db()
    assert (monitor.warning, monitor.breach, monitor.severity) == (0.15, 0.3, "critical")
    assert monitor.enabled is False
    assert Event.objects.filter(event="monitoring.monitor.changed").count() == 1


def test_a_wrong_threshold_is_explained_and_changes_nothing(
    signed_in: Any, olga: Any, monitor: Monitor
) -> None:
    sent = {"warning": "0.5", "breach": "0.3", "severity": "critical", "open_after": "1"}
    answer = signed_in(olga).post(f"/monitors/{monitor.pk}", sent)
    assert answer.status_code == 422
    assert "The warning comes before the breach." in answer.content.decode()
    monitor.refresh_from_db()
    assert monitor.breach == 0.2


def test_olga_sets_up_a_monitor(signed_in: Any, olga: Any, model: Model, version: Version) -> None:
    sent = {
        "name": "Carrier",
        "measure": "drift:js_distance",
        "fields_watched": ["carrier"],
        "window_hours": "24",
        "every_hours": "24",
        "breach": "0.3",
        "alpha": "0.01",
        "minimum_n": "100",
        "severity": "warning",
        "open_after": "1",
    }
    client, address = signed_in(olga), f"/monitoring/{model.slug}/new"
    assert "carrier" in client.get(f"{address}?kind=drift").content.decode()
    answer = client.post(address, sent)
    made = Monitor.objects.get(name="Carrier")
    assert answer.headers["Location"] == f"/monitors/{made.pk}"
    assert (made.kind, made.metric, made.fields) == ("drift", "js_distance", ["carrier"])
    again = client.post(address, sent | {"name": "Other", "fields_watched": ["nonsense"]})
    assert again.status_code == 422
    assert Monitor.objects.filter(model=model).count() == 1


def test_a_window_shows_its_worst_field_against_the_reference(
    signed_in: Any, olga: Any, version: Version, drifted: Run
) -> None:
    count_window(version, warmer=8)
    html = signed_in(olga).get(f"/runs/{drifted.pk}").content.decode()
    chart = chart_of(html, "chart-distribution")
    assert chart["x_label"] == "temperature"
    reference, window = (series["y"] for series in chart["series"])
    assert sum(reference) == pytest.approx(1)
    assert sum(window) == pytest.approx(1)
    assert sum(window[-6:]) > 2 * sum(reference[-6:])  # it was warmer
    assert "840 rows in the window, 4,000 in the reference" in html
    assert "&lt; 0.0001" in html


def test_another_field_of_a_window_can_be_drawn(
    signed_in: Any, olga: Any, version: Version, drifted: Run
) -> None:
    count_window(version, warmer=0)
    html = signed_in(olga).get(f"/runs/{drifted.pk}?field=carrier").content.decode()
    assert set(chart_of(html, "chart-distribution")["x"]) == {"AA", "DL", "UA"}
    unknown = signed_in(olga).get(f"/runs/{drifted.pk}?field=nonsense").content.decode()
    assert chart_of(unknown, "chart-distribution")["x_label"] == "temperature"


def test_a_window_leads_to_its_incident_and_its_later_revision(
    signed_in: Any, olga: Any, monitor: Monitor, version: Version
) -> None:
    early = make_run(monitor, version, values={"temperature": 0.1}, latest=False)
    late = make_run(monitor, version, values={"temperature": 0.3}, verdict="breach", revision=2)
    incident = make_incident(late)
    client = signed_in(olga)
    assert f'href="/runs/{late.pk}"' in client.get(f"/runs/{early.pk}").content.decode()
    assert f'href="/incidents/{incident.pk}"' in client.get(f"/runs/{late.pk}").content.decode()


def test_pages_ask_as_often_for_twenty_rows_as_for_two(
    signed_in: Any, olga: Any, team: Any, model: Model, version: Version, addresses: list[str]
) -> None:
    client = signed_in(olga)
    monitor = Monitor.objects.get()
    client.get("/monitoring")  # what is loaded once in a process is loaded now
    [client.get(address) for address in addresses]
    few = [queries_of(client, address) for address in ["/monitoring", *addresses]]
    for number in range(20):
        other = world.make_model(team, olga, slug=f"model-{number}")
        second = Version.objects.create(model=other, number=1)
        make_health(second, "drift", "ok")
        more = make_monitor(other, "Drift", "drift", "psi", warning=0.1, breach=0.2)
        make_run(more, second, values={"temperature": 0.1})
        make_run(monitor, version, weeks_ago=2 + number, values={"temperature": 0.1})
        extra = make_monitor(model, f"Drift {number}", "drift", "psi", warning=0.1, breach=0.2)
        make_run(extra, version, values={"temperature": 0.1, "carrier": 0.1})
    many = [queries_of(client, address) for address in ["/monitoring", *addresses]]
    assert many == few


def test_hourly_windows_are_told_apart(
    signed_in: Any, olga: Any, monitor: Monitor, version: Version
) -> None:
    monitor.window_hours = monitor.every_hours = 1
    monitor.save()
    values = {"temperature": 0.1, "carrier": 0.2}
    runs = [make_run(monitor, version, values=values, revision=r + 1) for r in range(2)]
    for hour, run in enumerate(runs):
        end = END + timedelta(hours=hour + 1)
        run.window_start, run.window_end = end - timedelta(hours=1), end
        run.save()
        run.measurements.update(window_end=end)
    client = signed_in(olga)
    html = client.get(f"/monitors/{monitor.pk}").content.decode()
    assert "30 Mar 2026, 01:00 – 02:00" in html
    assert "30 Mar 02:00" in html
    assert chart_of(html, "chart-monitor")["x"] == ["2026-03-30T01:00", "2026-03-30T02:00"]
    assert "30 Mar 2026, 01:00 – 02:00" in client.get(f"/runs/{runs[1].pk}").content.decode()


def test_pages_show_what_the_jobs_really_store(
    signed_in: Any, olga: Any, robot: Any, model: Model, version: Version
) -> None:
    weeks = [world.START + week * timedelta(days=7) for week in range(5)]
    for week, start in enumerate(weeks):
        warmer = 12.0 if week == 4 else 0.0
        sent = world.rows(400, start=start, hours=168, prefix=f"w{week}-", warmer=warmer, seed=week)
        world.send(robot, version, sent)
        world.send_outcomes(robot, model, sent)
    world.work()
    schedule_windows()
    world.work("monitoring.evaluate")
    client = signed_in(olga)
    listed = client.get("/monitoring").content.decode()
    assert "mature through" in listed
    page = client.get(f"/monitoring/{model.slug}").content.decode()
    assert "breach" in page
    for monitor in Monitor.objects.all():
        assert client.get(f"/monitors/{monitor.pk}").status_code == 200
    assert Run.objects.count() >= 20
    for run in Run.objects.order_by("pk")[::10]:
        assert client.get(f"/runs/{run.pk}").status_code == 200
    incident = Incident.objects.get(kind="drift")
    html = client.get(f"/incidents/{incident.pk}").content.decode()
    assert "temperature" in html
    assert "Opened in the window to" in html
