"""Where series are heading, on the overview and the performance page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitoring.models import Monitor, Outlook, Run
from registry.models import Model, Version
from tests.pages.monitoring.conftest import END, make_monitor, make_run
from tests.pages.monitoring.test_watching import queries_of

PAGES = ("/monitoring/flight-delay", "/monitoring/flight-delay/performance")


def make_outlook(run: Run, *, breach_at: datetime | None, **more: Any) -> Outlook:
    facts: dict[str, Any] = {
        "metric": run.monitor.metric,
        "windows": 30,
        "slope": 0.002,
        "slope_low": 0.001,
        "slope_high": 0.003,
        "breach": 0.04,
        "as_of": END,
        "breach_at": breach_at,
    }
    return Outlook.objects.create(monitor=run.monitor, version=run.version, **(facts | more))


@pytest.fixture
def auc(model: Model) -> Monitor:
    return make_monitor(model, "ROC AUC", "performance", "roc_auc", warning=0.02, breach=0.04)


@pytest.fixture
def falling(auc: Monitor, version: Version) -> Outlook:
    """A ROC AUC of 0.72, 0.02 below its reference of 0.74, that loses 0.002 a week."""
    run = make_run(auc, version, values={"": 0.72})
    run.measurements.update(parameters={"effect": -0.02, "alpha": 0.01}, reference_value=0.74)
    return make_outlook(
        run,
        breach_at=datetime(2027, 3, 10, tzinfo=UTC),
        soonest_at=datetime(2027, 3, 3, 5, tzinfo=UTC),
        latest_at=datetime(2027, 3, 21, 9, tzinfo=UTC),
    )


def test_an_expected_breach_is_said_in_words_and_leads_to_its_monitor(
    signed_in: Any, adam: Any, auc: Monitor, falling: Outlook
) -> None:
    client = signed_in(adam)
    for address in PAGES:
        html = client.get(address).content.decode()
        card = html[html.index('id="outlook"') :]
        assert "Likely to cross 0.7 between 3 and 21 March 2027" in card
        assert f'<a href="/monitors/{auc.pk}">ROC AUC</a>' in card
        assert "Trend of 30 windows: 0.002 a week towards a breach (+0.001 to +0.003)." in card


def test_what_is_no_better_than_no_change_is_not_expected_but_its_trend_is_shown(
    signed_in: Any, olga: Any, auc: Monitor, version: Version
) -> None:
    run = make_run(auc, version, values={"": 0.72})
    reason = "so far the trend has forecast no better than saying that nothing changes"
    make_outlook(run, breach_at=None, reason=reason, slope=-0.001, slope_low=-0.003)
    html = signed_in(olga).get(PAGES[0]).content.decode()
    assert "No series is expected to breach." in html
    assert "Likely to cross" not in html
    assert "So far the trend has forecast no better than saying that nothing changes" in html
    assert "0.001 a week away from a breach" in html
    assert "−0.003 to +0.003" in html


@pytest.mark.parametrize(
    ("soonest", "latest", "words"),
    [
        ("2027-03-03", "2027-04-02", "between 3 March and 2 April 2027"),
        ("2026-12-28", "2027-01-03", "between 28 December 2026 and 3 January 2027"),
        ("2027-03-03", "2027-03-03", "on 3 March 2027"),
        ("2027-03-03", None, "after 3 March 2027, probably around 10 March 2027"),
    ],
)
def test_the_days_are_said_as_people_say_them(
    signed_in: Any, olga: Any, falling: Outlook, soonest: str, latest: str | None, words: str
) -> None:
    Outlook.objects.update(
        soonest_at=datetime.fromisoformat(f"{soonest}T05:00+00:00"),
        latest_at=datetime.fromisoformat(f"{latest}T09:00+00:00") if latest else None,
    )
    assert f"Likely to cross 0.7 {words}" in signed_in(olga).get(PAGES[0]).content.decode()


def test_a_rising_distance_crosses_its_own_threshold_and_stays_off_the_performance_page(
    signed_in: Any, olga: Any, monitor: Monitor, version: Version
) -> None:
    run = make_run(monitor, version, values={"temperature": 0.15})
    day = datetime(2027, 3, 10, tzinfo=UTC)
    make_outlook(run, breach_at=day, soonest_at=day, latest_at=day, breach=0.2, field="temperature")
    client = signed_in(olga)
    html = client.get(PAGES[0]).content.decode()
    assert "Likely to cross 0.2 on 10 March 2027" in html
    assert "temperature" in html[html.index('id="outlook"') :]
    assert 'id="outlook"' not in client.get(PAGES[1]).content.decode()


def test_the_trend_of_a_share_is_said_in_percentage_points(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    accuracy = make_monitor(model, "Accuracy", "performance", "accuracy", breach=0.04)
    run = make_run(accuracy, version, values={"": 0.72})
    make_outlook(run, breach_at=None, reason="there is no clear trend")
    html = signed_in(olga).get(PAGES[0]).content.decode()
    assert "0.2 percentage points a week towards a breach" in html


def test_trends_stand_before_series_that_are_too_short_for_one(
    signed_in: Any, olga: Any, monitor: Monitor, version: Version
) -> None:
    run = make_run(monitor, version, values={"carrier": 0.1, "temperature": 0.1})
    short: dict[str, Any] = {"slope": None, "slope_low": None, "slope_high": None}
    reason = "fewer than 12 windows have a value"
    make_outlook(run, breach_at=None, reason=reason, field="carrier", **short)
    make_outlook(run, breach_at=None, reason="there is no clear trend", field="temperature")
    card = signed_in(olga).get(PAGES[0]).content.decode().partition('id="outlook"')[2]
    assert card.index("There is no clear trend") < card.index("Fewer than 12 windows")


def test_a_monitor_that_is_switched_off_has_no_outlook(
    signed_in: Any, olga: Any, auc: Monitor, falling: Outlook
) -> None:
    Monitor.objects.update(enabled=False)
    assert 'id="outlook"' not in signed_in(olga).get(PAGES[0]).content.decode()


def test_many_outlooks_ask_as_often_as_one(
    signed_in: Any, olga: Any, auc: Monitor, version: Version, falling: Outlook
) -> None:
    client = signed_in(olga)
    [client.get(address) for address in PAGES]
    few = [queries_of(client, address) for address in PAGES]
    run = Run.objects.get()
    for place in range(40):
        make_outlook(
            run,
            breach_at=END + timedelta(days=place),
            soonest_at=END,
            latest_at=None,
            field=f"f{place}",
        )
    assert [queries_of(client, address) for address in PAGES] == few
