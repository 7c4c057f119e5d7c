"""Three beats at once: every window is evaluated once."""

import logging
import threading
from collections import Counter

import pytest
from django.db import connection

from ledger.models import Job
from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Alert, Measurement, Monitor, Run
from tests.faults.counting import lots, send_all, states, wait_for_all
from tests.faults.processes import until
from tests.monitoring import world

log = logging.getLogger(__name__)

WINDOWS = 24  # hours that a day's log covers: of 2 hours each, one ending every hour, by 2 monitors


@pytest.fixture
def watched(version):
    """Two monitors, so that a day's log closes many windows."""
    for name, metric in (("Drift", "psi"), ("Wasserstein", "wasserstein")):
        Monitor.objects.create(
            model=version.model,
            name=name,
            kind="drift",
            metric=metric,
            fields=["temperature"],
            window_hours=1,
            every_hours=1,
            warning=0.1,
            breach=0.2,
            minimum_n=10,
        )
    return version


def test_three_beats_make_one_run_of_every_window(house, watched, robot):
    batches = lots(3, rows=480)
    send_all(robot, watched, batches)
    beats = [house.beat(OMBUD_FAULTS_BEAT="ledger,windows") for _ in range(3)]
    worker = house.worker()

    def asked():
        return worker.said().count("schedule_windows")

    until(
        lambda: Run.objects.count() >= 2 * WINDOWS,
        lambda: f"{Run.objects.count()} runs\n{worker.tail()}",
    )
    wait_for_all(house)
    after = asked() + 6
    until(lambda: asked() > after, lambda: f"beats go on\n{worker.tail()}")
    about = f"{len(beats)} beats, {asked()} wake-ups, {Run.objects.count()} runs: {states()}"
    log.info(about)
    assert {beat.popen.poll() for beat in beats} == {None}
    assert {beat.said().count("schedule_windows") > 0 for beat in beats} == {True}, about
    assert_one_run_of_every_window(about)


def assert_one_run_of_every_window(about):
    windows = Counter(Run.objects.values_list("monitor", "version", "window_start", "window_end"))
    assert len(windows) >= 2 * WINDOWS, about
    assert set(windows.values()) == {1}, about
    assert set(Run.objects.values_list("revision", flat=True)) == {1}, about
    evaluations = Job.objects.filter(kind="monitoring.evaluate")
    assert evaluations.count() == len(windows), about
    assert set(evaluations.values_list("attempts", flat=True)) == {1}, about
    keys = Measurement.objects.values_list("monitor", "version", "window_end", "metric", "field")
    assert set(Counter(keys).values()) == {1}, about
    assert Alert.objects.count() == Alert.objects.values("measurement").distinct().count()


def test_of_six_schedulers_at_the_same_instant_each_window_has_one_job(house, watched, robot):
    batches = lots(2, rows=240)
    send_all(robot, watched, batches)
    assert world.work("monitoring.fold") == 2
    start, made = threading.Barrier(6), []

    def race():
        start.wait()
        made.append(schedule_windows())
        connection.close()

    racers = [threading.Thread(target=race) for _ in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    jobs = Job.objects.filter(kind="monitoring.evaluate").count()
    about = f"6 schedulers made {sorted(made)} jobs: {jobs} in the ledger"
    assert sum(made) == jobs >= 2 * WINDOWS, about
    assert schedule_windows() == 0, about
