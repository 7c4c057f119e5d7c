"""What windows are held against: the reference and its parts, or other windows of the log."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event
from monitoring.jobs.first_window import adopt_first_windows
from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Measurement, Monitor, ReferencePart, ReferenceStudy, Run
from monitoring.services.monitors import MonitorInvalid, Settings, create_monitor
from registry.models import Reference
from tests.monitoring import world
from tests.monitoring.world import START, rows

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def drift(actor, model, **more):
    settings = {"name": "Own", "kind": "drift", "metric": "psi", "breach": 0.2} | more
    return create_monitor(actor=actor, model_id=model.pk, settings=Settings(**settings))


def evaluated(monitor):
    schedule_windows()
    world.work("monitoring.evaluate")
    return list(Run.objects.filter(monitor=monitor, latest=True).order_by("window_end"))


def psi(run, field):
    return Measurement.objects.get(run=run, field=field, metric="psi")


def test_a_reference_is_counted_by_segment_so_that_segments_have_their_own(version):
    parts = ReferencePart.objects.filter(version=version, part__startswith="origin=")
    assert {part.part for part in parts} == {"origin=EWR", "origin=JFK", "origin=LGA"}
    assert sum(part.rows for part in parts) == 4000
    study = ReferenceStudy.objects.get(version=version)
    assert study.season["scheme"] == "none"
    assert study.season["reason"]


def test_a_reference_with_a_daily_season_is_compared_by_hour_and_says_so(robot, team, olga):
    model = world.make_model(team, olga, slug="bikes")
    reference = rows(9000, start=START - 30 * DAY, hours=24 * 28, seed=3)
    for row in reference:
        row["temperature"] += 8 * (8 <= row["at"].hour < 20)
    version = world.make_version(model, reference=reference)
    assert ReferenceStudy.objects.get(version=version).season["scheme"] == "hour"
    nights = rows(1500, hours=24 * 6, seed=4)
    nights = [row for row in nights if not 8 <= row["at"].hour < 20]
    world.send(robot, version, nights)
    world.work()
    monitor = drift(olga, model, window_hours=24, every_hours=24, minimum_n=50)
    runs = evaluated(monitor)
    assert runs
    for run in runs:
        assert run.compared_with == "the same hours of the day of training data"
        assert psi(run, "temperature").verdict == "ok", "nights are as nights were"
        assert run.reference_digest != ReferenceStudy.objects.get().reference_digest


def test_the_window_before_is_a_reference_too(robot, olga, model, version):
    first = rows(1500, hours=168, seed=1)
    second = rows(1500, start=START + 7 * DAY, hours=168, prefix="s", seed=2, warmer=9.0)
    third = rows(1500, start=START + 14 * DAY, hours=168, prefix="t", seed=3, warmer=9.0)
    world.send(robot, version, first + second + third)
    world.work()
    runs = evaluated(drift(olga, model, reference="previous"))
    verdicts = [psi(run, "temperature").verdict for run in runs]
    assert verdicts == ["insufficient_data", "breach", "ok"], "warm only once"
    assert runs[1].compared_with.startswith("the window before, 2026-03-02")


def test_a_pinned_window_stays_the_reference(robot, olga, model, version):
    found = rows(1500, hours=168, seed=1, warmer=9.0)
    later = rows(1500, start=START + 7 * DAY, hours=168, prefix="s", seed=2, warmer=9.0)
    world.send(robot, version, found + later)
    world.work()
    pinned = drift(
        olga, model, reference="pinned", reference_start=START, reference_end=START + 7 * DAY
    )
    run = evaluated(pinned)[-1]
    assert psi(run, "temperature").verdict == "ok"
    assert run.compared_with.startswith("a pinned window, 2026-03-02")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"reference": "pinned"}, "reference_start"),
        ({"reference": "previous", "reference_start": START}, "reference_start"),
        ({"open_after": 3, "open_of": 2}, "open_after"),
        ({"options": {"beta": 2}}, "options"),
        ({"metric": "roc_auc"}, "metric"),
        ({"kind": "performance", "metric": "mae"}, "metric"),
        ({"breach": None}, "breach"),
        ({"close_after": 0}, "close_after"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_and_nothing_is_created(
    olga, model, version, wrong, field
):
    before = Event.objects.count()
    with pytest.raises(MonitorInvalid) as refusal:
        drift(olga, model, **wrong)
    assert refusal.value.field == field
    assert not Monitor.objects.filter(name="Own").exists()
    assert Event.objects.count() == before


def test_a_version_without_training_data_is_judged_by_its_first_four_weeks(robot, team, olga):
    model = world.make_model(team, olga, slug="no-training-data")
    version = world.make_version(model, reference=[])
    weeks = rows(3000, hours=24 * 42, seed=5)
    world.send(robot, version, [row for row in weeks if row["at"] < START + 20 * DAY])
    assert adopt_first_windows() == 0, "three weeks are not four"
    world.send(robot, version, [row for row in weeks if row["at"] >= START + 20 * DAY])
    schedule_windows()
    reference = Reference.objects.get(version=version)
    assert (reference.kind, reference.rows) == ("production", 2000)
    assert Event.objects.filter(event="registry.reference.set", actor=None).count() == 1
    world.work()
    schedule_windows()
    world.work("monitoring.evaluate")
    run = Run.objects.filter(version=version, monitor__metric="psi").order_by("window_end").first()
    assert run.compared_with == "an earlier production window"
    assert adopt_first_windows() == 0, "twice is once"


def test_a_run_says_whether_its_outcomes_were_all_due(robot, model, version, olga):
    found = rows(1500, hours=168, seed=1)
    world.send(robot, version, found)
    world.work()
    monitor = drift(olga, model)
    assert evaluated(monitor)[0].mature, "March is long over"
    recent = timezone.now() - timedelta(days=9)
    late = rows(1500, start=recent, hours=200, prefix="r", seed=2)
    world.send(robot, version, late)
    world.work()
    assert not evaluated(monitor)[-1].mature
