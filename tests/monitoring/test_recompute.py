"""A stored number is computed again, bit for bit, or it is said why it cannot be."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Measurement, Monitor, Run
from tests.monitoring import world
from tests.monitoring.world import START, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured(robot, model, version):
    found = rows(2500, hours=24 * 28, seed=7)
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found)
    world.work()
    schedule_windows()
    world.work("monitoring.evaluate")
    return found


def recompute(measurement):
    said = StringIO()
    call_command("recompute", str(measurement.pk), stdout=said)
    return said.getvalue()


def test_every_measurement_of_every_default_monitor_is_computed_again_to_the_bit(measured):
    newest = Run.objects.filter(latest=True).order_by("monitor_id", "-window_end")
    checked = 0
    for run in newest.distinct("monitor_id"):
        for measurement in run.measurements.order_by("pk")[:3]:
            said = recompute(measurement)
            assert "DIFFERS" not in said, said
            checked += 1
    assert checked >= Monitor.objects.count()


def test_changed_settings_do_not_change_what_was_measured(measured):
    measurement = Measurement.objects.filter(metric="psi", value__isnull=False).first()
    Monitor.objects.filter(pk=measurement.monitor_id).update(breach=0.9, minimum_n=10**6)
    assert "DIFFERS" not in recompute(measurement)


def test_a_number_that_was_tampered_with_is_found(measured):
    measurement = Measurement.objects.filter(metric="psi", value__isnull=False).first()
    Measurement.objects.filter(pk=measurement.pk).update(value=measurement.value + 1e-12)
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("recompute", str(measurement.pk), stdout=said)
    assert ended.value.code == 1
    assert "DIFFERS" in said.getvalue()


def test_rows_that_came_since_are_named(measured, robot, version):
    measurement = Measurement.objects.filter(metric="psi").first()
    more = rows(50, start=measurement.run.window_start, hours=5, prefix="late", seed=8)
    world.send(robot, version, more)
    world.work()
    with pytest.raises(CommandError, match="rows or outcomes of the window changed since") as said:
        recompute(measurement)
    assert said.value.returncode == 2
    assert measurement.run.window_start >= START


def test_a_measurement_that_is_not_there_is_said():
    with pytest.raises(CommandError, match="There is no measurement 404"):
        call_command("recompute", "404")
