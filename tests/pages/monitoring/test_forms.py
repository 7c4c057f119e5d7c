"""What people can say of a monitor: reference, relative thresholds, patience, options."""

from datetime import UTC, datetime
from typing import Any

from monitoring.models import Monitor
from registry.models import Model, Version
from tests.pages.monitoring.conftest import make_monitor

NEW = "/monitoring/flight-delay/new"
SENT = {
    "name": "Mine",
    "measure": "drift:psi",
    "window_hours": "168",
    "every_hours": "168",
    "breach": "0.3",
    "alpha": "0.05",
    "minimum_n": "200",
    "severity": "warning",
    "open_after": "1",
}
PINNED = {
    "reference": "pinned",
    "reference_start": "2026-01-05T00:00",
    "reference_end": "2026-02-02T00:00",
}


def test_a_new_monitor_is_held_against_a_pinned_window_and_waits(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    patience = {"open_after": "2", "open_of": "3", "close_after": "4", "relative": "0.2"}
    client = signed_in(olga)
    assert client.post(NEW, SENT | PINNED | patience).status_code == 302
    made = Monitor.objects.get(name="Mine")
    assert made.reference_start == datetime(2026, 1, 5, tzinfo=UTC)
    assert made.reference_end == datetime(2026, 2, 2, tzinfo=UTC)
    assert (made.open_after, made.open_of, made.close_after, made.relative) == (2, 3, 4, 0.2)
    html = client.get(f"/monitors/{made.pk}").content.decode()
    assert "a pinned window of its own log, 5 Jan – 2 Feb 2026" in html
    assert "2 of 3 windows in a row breach" in html
    assert "after 4 windows in a row without breach" in html
    assert 'value="2026-01-05T00:00"' in html


def test_a_pinned_window_without_an_end_is_explained(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    answer = signed_in(olga).post(NEW, SENT | PINNED | {"reference_end": ""})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "A pinned window has a start before its end." in html
    assert "<details open>" in html
    assert not Monitor.objects.exists()


def test_options_are_of_their_kind(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    client = signed_in(olga)
    wrong = client.post(NEW, SENT | {"beta": "2"})
    assert wrong.status_code == 422
    assert "no option of drift monitors" in wrong.content.decode()
    fbeta = SENT | {"measure": "performance:f1", "beta": "2"}
    assert client.post(NEW, fbeta).status_code == 302
    assert Monitor.objects.get().options == {"beta": 2.0}


def test_a_change_offers_only_the_options_of_the_kind(
    signed_in: Any, olga: Any, model: Model, monitor: Monitor, version: Version
) -> None:
    fair = make_monitor(model, "Gap", "fairness", "demographic_parity", breach=0.1)
    client = signed_in(olga)
    assert 'name="group_minimum"' in client.get(f"/monitors/{fair.pk}").content.decode()
    html = client.get(f"/monitors/{monitor.pk}").content.decode()
    for name in ("group_minimum", "beta", "top", "target"):
        assert f'name="{name}"' not in html


def test_a_reference_and_options_are_changed_and_taken_back(
    signed_in: Any, olga: Any, model: Model, version: Version
) -> None:
    auc = make_monitor(model, "F1", "performance", "f1", breach=0.1, options={"top": 0.1})
    client, address = signed_in(olga), f"/monitors/{auc.pk}"
    sent = {"breach": "0.1", "severity": "warning", "open_after": "1", "enabled": "on"}
    assert client.post(address, sent | PINNED | {"beta": "2", "top": ""}).status_code == 302
    auc.refresh_from_db()
    assert (auc.reference, auc.options) == ("pinned", {"beta": 2.0})
    back = PINNED | {"reference": "phase"}
    assert client.post(address, sent | back).status_code == 302
    auc.refresh_from_db()
    assert (auc.reference, auc.reference_start, auc.reference_end) == ("phase", None, None)
    assert auc.options == {"beta": 2.0}


def test_more_of_fewer_windows_is_refused_on_the_page(
    signed_in: Any, olga: Any, monitor: Monitor, version: Version
) -> None:
    sent = {"breach": "0.2", "severity": "warning", "open_after": "3", "open_of": "2"}
    answer = signed_in(olga).post(f"/monitors/{monitor.pk}", sent)
    assert answer.status_code == 422
    assert "k not above n" in answer.content.decode()
    monitor.refresh_from_db()
    assert (monitor.open_after, monitor.open_of) == (1, 1)
