"""When an incident opens, the machine says what may have caused it and where it is worst."""

import pytest

from ledger.models import Job
from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Incident, Investigation
from tests.monitoring import world
from tests.monitoring.world import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def bad_at_jfk(robot, model, version):
    """Four weeks in which the model is turned round at one of three airports."""
    found = rows(4000, hours=24 * 28, seed=7)
    for row in found:
        if row["origin"] == "JFK":
            row["was_late"] = not row["was_late"]
            row["temperature"] += 20
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found)
    world.work("monitoring.fold")
    world.work("monitoring.join")
    schedule_windows()
    world.work("monitoring.evaluate")
    world.work("monitoring.investigate")
    return Incident.objects.get(kind="performance")


def test_the_segment_that_failed_is_the_first_cause_of_its_kind(bad_at_jfk):
    causes = [one for one in bad_at_jfk.investigation.causes if one["kind"] == "segment"]
    assert causes[0]["name"] == "origin=JFK"
    assert causes[0]["contribution"] > 0.9
    assert causes[0]["evidence"]["within"] > 0


def test_the_field_that_drifted_is_the_first_cause_of_its_kind(bad_at_jfk):
    causes = [one for one in bad_at_jfk.investigation.causes if one["kind"] == "feature"]
    assert causes[0]["name"] == "temperature"


def test_the_worst_segment_is_found_without_being_named(bad_at_jfk):
    found = bad_at_jfk.investigation.segments
    names = [one["name"] for one in found["segments"]]
    assert any("JFK" in name or "temperature" in name for name in names), names
    assert found["rows"] == 4000
    assert found["searched"] > 10


def test_an_incident_of_drift_has_causes_without_outcomes(robot, version):
    world.send(robot, version, rows(1400, hours=24 * 7, warmer=8.0))
    world.work("monitoring.fold")
    schedule_windows()
    world.work("monitoring.evaluate")
    world.work("monitoring.investigate")
    incident = Incident.objects.get(kind="drift")
    assert incident.investigation.causes[0]["name"] == "temperature"
    assert incident.investigation.segments == {}


def test_investigating_twice_is_investigating_once(bad_at_jfk):
    before = bad_at_jfk.investigation.causes
    Job.objects.filter(kind="monitoring.investigate").update(state="due", attempts=0)
    world.work("monitoring.investigate")
    again = Investigation.objects.get(incident=bad_at_jfk)
    assert again.causes == before


def test_a_sentinel_that_the_model_trusts_is_named_as_a_fault(robot, model, version):
    found = rows(4000, hours=24 * 28, seed=8)
    for place, row in enumerate(found):
        if place % 4 == 0:
            row["temperature"], row["carrier"] = -40.0, "XX"
            row["was_late"] = not row["late"]
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found)
    world.work("monitoring.fold")
    world.work("monitoring.join")
    schedule_windows()
    world.work("monitoring.evaluate")
    world.work("monitoring.investigate")
    told = Incident.objects.get(kind="performance").investigation.causes
    named = {one["name"]: one for one in told if one["kind"] == "data_quality"}
    assert {"temperature is -40", "carrier is a new category"} <= named.keys()
    assert named["temperature is -40"]["contribution"] > 0.9
    assert named["temperature is -40"]["evidence"]["faulty_rows_before"] == 0


def test_a_field_that_the_model_leans_on_comes_before_one_that_moved_more(robot, version):
    metrics = {"importance.temperature": "0.001", "importance.distance": "0.4"}
    version.lineage = {"run": {"metrics": metrics}}
    version.save(update_fields=["lineage"])
    found = rows(1400, hours=24 * 7, warmer=8.0)
    for row in found:
        row["distance"] += 1500
    world.send(robot, version, found)
    world.work("monitoring.fold")
    schedule_windows()
    world.work("monitoring.evaluate")
    world.work("monitoring.investigate")
    causes = Incident.objects.get(kind="drift").investigation.causes
    assert causes[0]["name"] == "distance"
    assert causes[0]["evidence"]["importance"] == 0.4
