"""A series that is heading for its threshold says when, if it has a right to."""

from datetime import timedelta

import pytest
from django.utils import timezone

from monitoring.jobs.outlooks import look_ahead
from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Monitor, Outlook
from registry.models import Deployment
from tests.monitoring import world
from tests.monitoring.world import START, rows

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture
def warming(robot, model, version):
    """Thirty weeks in which the temperature rises a little each week, of a version that serves."""
    Deployment.objects.create(
        version=version, model=model, role="champion", started_at=START - WEEK
    )
    schedule_windows()
    Monitor.objects.exclude(name="Drift of inputs").update(enabled=False)
    Monitor.objects.update(metric="level_shift", warning=None, breach=1.1)
    found = []
    for week in range(30):
        found += rows(
            300,
            start=START + week * WEEK + timedelta(hours=12),
            hours=6,
            prefix=f"w{week}-",
            warmer=0.12 * week,
            seed=week,
        )
        found += rows(4, start=START + week * WEEK, hours=164, prefix=f"e{week}-", seed=week)
    world.send(robot, version, found)
    world.work("monitoring.fold")
    schedule_windows()
    world.work("monitoring.evaluate")
    return version


def test_a_steady_rise_has_an_expected_date_with_its_interval(warming):
    assert look_ahead() > 0
    found = Outlook.objects.get(field="temperature")
    assert found.slope > 0
    assert found.slope_low > 0
    assert found.soonest_at <= found.breach_at <= found.latest_at
    assert START + 33 * WEEK < found.breach_at < START + 42 * WEEK
    others = Outlook.objects.exclude(field="temperature")
    assert others.exists()
    assert all(one.breach_at is None and one.reason for one in others)


def test_looking_twice_changes_nothing_until_a_window_is_new(warming):
    look_ahead()
    before = Outlook.objects.get(field="temperature").pk
    assert look_ahead() == 0
    assert Outlook.objects.get(field="temperature").pk == before


def test_a_version_that_serves_no_more_has_no_outlook(warming):
    Deployment.objects.update(ended_at=timezone.now())
    assert look_ahead() == 0
    assert not Outlook.objects.exists()


def test_adam_reads_outlooks_and_sam_sees_none(signed_in, adam, sam, warming):
    look_ahead()
    address = "/api/v1/models/flight-delay/outlooks"
    found = signed_in(adam).get(address).json()["results"]
    assert {one["field"] for one in found} >= {"temperature", "distance"}
    assert signed_in(sam).get(address).status_code == 404
