"""The dashboards of a model as pages."""

from typing import Any

import pytest

from monitoring.models import Measurement, Monitor, Run
from registry.models import Model, Version
from tests.pages.monitoring.conftest import count_window, make_monitor, make_run
from tests.pages.monitoring.test_watching import chart_of, queries_of

BOARDS = ("performance", "drift", "fairness", "calibration", "operations", "value")
KINDS = (
    ("performance", "roc_auc"),
    ("drift", "psi"),
    ("fairness", "demographic_parity_difference"),
    ("calibration", "ece"),
    ("operations", "latency_p95"),
    ("business", "value_per_decision"),
)


@pytest.fixture
def monitors(model: Model, version: Version) -> list[Monitor]:
    made = [make_monitor(model, kind, kind, metric, breach=0.2) for kind, metric in KINDS]
    for monitor in made:
        for week in range(2):
            make_run(monitor, version, weeks_ago=week, values={"temperature": 0.1})
    return made


def page(client: Any, board: str, query: str = "") -> str:
    answer = client.get(f"/monitoring/flight-delay/{board}{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_every_dashboard_shows_verdict_number_window_and_monitor(
    signed_in: Any, olga: Any, monitors: list[Monitor]
) -> None:
    client = signed_in(olga)
    for board, monitor in zip(BOARDS, monitors, strict=True):
        html = page(client, board)
        run = Run.objects.filter(monitor=monitor).latest("window_end")
        assert 'aria-current="page"' in html
        assert f'href="/monitors/{monitor.pk}"' in html
        assert f'href="/runs/{run.pk}"' in html


def test_sam_finds_no_dashboard(signed_in: Any, sam: Any, monitors: list[Monitor]) -> None:
    client = signed_in(sam)
    for board in BOARDS:
        assert client.get(f"/monitoring/flight-delay/{board}").status_code == 404


def test_an_estimate_stands_beside_what_came_true_and_says_when_it_does_not_hold(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    auc = make_monitor(model, "ROC AUC", "performance", "roc_auc", breach=0.04)
    estimate = make_monitor(model, "Estimate", "estimate", "roc_auc", breach=0.04)
    for monitor, value in ((auc, 0.64), (estimate, 0.7)):
        make_run(monitor, version, weeks_ago=1, values={"": 0.7})
        make_run(monitor, version, values={"": value})
    Measurement.objects.filter(monitor=estimate, run=Run.objects.latest("pk")).update(
        reason="outcomes contradict it"
    )
    html = page(signed_in(olga), "performance")
    chart = next(
        found
        for found in (chart_of(html, name) for name in _charts(html))
        if found["y_label"] == "ROC AUC"
    )
    assert [one["name"] for one in chart["series"]] == ["Realised", "Estimated", "Reference"]
    assert chart["series"][1]["verdicts"] == ["ok", "insufficient_data"]
    assert "The estimate does not hold: outcomes contradict it." in html
    assert "900 of 1,000 outcomes" in html


def test_the_heat_map_leads_to_a_field_with_its_distribution(
    signed_in: Any, olga: Any, version: Version, monitors: list[Monitor]
) -> None:
    count_window(version, warmer=8)
    client = signed_in(olga)
    assert 'href="?field=temperature&amp;version=1#field"' in page(client, "drift")
    html = page(client, "drift", "?field=temperature")
    assert chart_of(html, "chart-distribution")["x_label"] == "temperature"
    assert "840 rows, 4,000 in the reference" in html
    assert "chart-distribution" not in page(client, "drift", "?field=nonsense")


def test_an_empty_dashboard_says_what_to_declare(
    signed_in: Any, olga: Any, version: Version
) -> None:
    client = signed_in(olga)
    needed = {
        "fairness": "declare one with the role group",
        "operations": "No latency field is declared; declare one with the role latency.",
        "value": "declare one with the role value",
        "performance": "send them to /api/v1/models/",
        "calibration": "They are due a week after the prediction.",
        "drift": "the version has a reference",
    }
    for board, words in needed.items():
        html = page(client, board)
        assert "No window has been evaluated" in html
        assert words in html


def test_a_model_without_a_version_has_dashboards(signed_in: Any, olga: Any, model: Model) -> None:
    client = signed_in(olga)
    for board in BOARDS:
        assert "The model has no version yet." in page(client, board)


def test_dashboards_ask_as_often_for_thirty_windows_as_for_two(
    signed_in: Any, olga: Any, version: Version, monitors: list[Monitor]
) -> None:
    client = signed_in(olga)
    addresses = [f"/monitoring/flight-delay/{board}" for board in BOARDS]
    [client.get(address) for address in addresses]
    few = [queries_of(client, address) for address in addresses]
    for monitor in monitors:
        for week in range(2, 30):
            values = {f"field {place}": 0.1 for place in range(5)}
            make_run(monitor, version, weeks_ago=week, values=values)
    many = [queries_of(client, address) for address in addresses]
    assert many == few
    assert max(few) <= 15


def _charts(html: str) -> list[str]:
    return [part.split('"')[0] for part in html.split('data-chart="')[1:]]


def test_what_is_judged_by_the_limits_of_its_parts_is_shown_as_judged(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    shift = make_monitor(model, "Small shifts", "drift", "shift")
    run = make_run(shift, version, values={"temperature": 0.4}, verdict="breach")
    run.measurements.update(metric="level_shift", parameters={"alpha": 0.01, "effect": 0.4})
    html = str(signed_in(olga).get(f"/runs/{run.pk}").content.decode())
    assert "Nothing could be measured" not in html
    drift = page(signed_in(olga), "drift")
    assert "temperature · shift of the level" in drift
    assert f'<td class="ob-heat-9"><a href="/runs/{run.pk}"' in drift


def test_a_number_that_two_monitors_measured_is_told_once_and_an_estimate_as_one(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    for name, kind, metric in (
        ("AUC", "performance", "roc_auc"),
        ("Loss", "performance", "log_loss"),
        ("Guess", "estimate", "roc_auc"),
    ):
        monitor = make_monitor(model, name, kind, metric, breach=0.04)
        run = make_run(monitor, version, values={"": 0.7})
        for beside in ("accuracy", "roc_auc"):
            if beside != metric:
                Measurement.objects.create(
                    run=run,
                    monitor=monitor,
                    version=version,
                    window_end=run.window_end,
                    metric=beside,
                    value=0.71,
                    n=1_000,
                    verdict="ok",
                )
    html = page(signed_in(olga), "performance")
    table = html[html.index("Measured beside it") :]
    assert table.count('data-label="Number">Accuracy<') == 1
    assert table.count('data-label="Number">Estimated accuracy<') == 1
    assert 'data-label="Number">ROC AUC<' not in table, "it has a chart of its own"
