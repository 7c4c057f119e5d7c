"""Windows: due once, evaluated once, evaluated anew when something came late."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.utils import timezone
from sklearn.metrics import log_loss, roc_auc_score

from ledger import claims
from ledger.models import Job
from monitoring.jobs.evaluate import evaluate_window
from monitoring.jobs.schedule import schedule_windows
from monitoring.jobs.windows import Window, windows_between
from monitoring.models import Alert, Batch, Health, Incident, Measurement, Monitor, Run
from monitoring.services.incidents import resolve
from monitoring.services.monitors import change_monitor
from registry.models import Deployment
from tests.monitoring import world
from tests.monitoring.world import START

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)
DAY = timedelta(days=1)
NEED_OUTCOMES = {"ROC AUC", "Log loss", "Calibration", "Drift of outcomes", "Estimated ROC AUC"}


def rows(n, *, start=START, **more):
    """Rows in every eighth hour only: fewer profiles, the same windows."""
    found = world.rows(n, start=start, **more)
    for row in found:
        hours, rest = divmod(row["at"] - start, timedelta(hours=8))
        row["at"] = start + hours * timedelta(hours=8) + rest / 8
    return found


def evaluate_all():
    made = schedule_windows()
    world.work("monitoring.evaluate")
    return made


def only(name):
    """The default monitors are there, but this one alone is evaluated."""
    schedule_windows()
    Job.objects.filter(kind="monitoring.evaluate").delete()
    Monitor.objects.exclude(name=name).update(enabled=False)
    return Monitor.objects.get(name=name)


@pytest.fixture
def four_weeks(robot, model, version):
    """Four quiet weeks with all their outcomes, folded."""
    found = rows(2800, hours=24 * 28, seed=7)
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found)
    world.work()
    return found


def test_the_grid_is_of_mondays_and_leaves_out_weeks_that_the_log_does_not_cover():
    first = datetime(2026, 3, 6, 9, tzinfo=UTC)  # a Friday
    found = list(windows_between(first, START + 3 * WEEK, window_hours=168, every_hours=168))
    assert found == [
        Window(START + WEEK, START + 2 * WEEK),
        Window(START + 2 * WEEK, START + 3 * WEEK),
    ]
    monday = START + timedelta(hours=5)
    weekly = list(windows_between(monday, START + WEEK, window_hours=168, every_hours=168))
    assert weekly == [Window(START, START + WEEK)]
    sliding = list(windows_between(START, START + 5 * WEEK, window_hours=672, every_hours=168))
    assert [window.start for window in sliding] == [START, START + WEEK]


def test_performance_equals_scikit_learn_on_the_raw_rows(four_weeks):
    evaluate_all()
    truth = [row["was_late"] for row in four_weeks]
    score = np.array([row["score"] for row in four_weeks])
    found = {
        row.metric: row for row in Measurement.objects.filter(monitor__name="ROC AUC", latest=True)
    }
    assert found["roc_auc"].n == 2800
    binned = np.floor(score * 1000)
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(truth, binned), abs=1e-12)
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(truth, score), abs=1e-4)
    assert found["log_loss"].value == pytest.approx(log_loss(truth, score), abs=1e-9)
    right = np.mean([row["late"] == row["was_late"] for row in four_weeks])
    assert found["accuracy"].value == pytest.approx(right)
    assert found["roc_auc"].low < found["roc_auc"].value < found["roc_auc"].high


def test_quiet_weeks_are_ok_and_open_no_incident(four_weeks, version):
    evaluate_all()
    runs = Run.objects.filter(monitor__kind="drift")
    assert set(runs.values_list("verdict", flat=True)) == {"ok"}
    assert {one.kind: one.verdict for one in Health.objects.filter(version=version)} == {
        "drift": "ok",
        "quality": "ok",
        "novelty": "ok",
        "performance": "ok",
        "estimate": "ok",
        "calibration": "ok",
    }
    assert not Incident.objects.exists()


def test_a_shifted_field_is_found_and_the_others_stay_quiet(robot, version):
    world.send(robot, version, rows(1400, hours=24 * 7, warmer=8.0))
    world.work()
    evaluate_all()
    run = Run.objects.get(monitor__name="Drift of inputs")
    assert run.verdict == "breach"
    verdicts = dict(run.measurements.values_list("field", "verdict"))
    assert verdicts == {
        "temperature": "breach",
        "distance": "ok",
        "carrier": "ok",
        "night": "ok",
    }
    alert = Alert.objects.get(run=run)
    assert "temperature" in alert.message
    incident = Incident.objects.get()
    assert (incident.kind, incident.state) == ("drift", "open")
    assert incident.began_at == START
    assert "temperature" in incident.title


def test_scheduling_twice_makes_no_second_job_and_no_second_run(four_weeks):
    assert schedule_windows() > 0
    assert schedule_windows() == 0
    world.work("monitoring.evaluate")
    runs = Run.objects.count()
    assert schedule_windows() == 0
    job = Job.objects.filter(kind="monitoring.evaluate").first()
    claims.again(kind=job.kind, key=job.key, subject_id=job.subject_id)
    world.run(Job.objects.get(pk=job.pk))
    assert Run.objects.count() == runs


def test_a_fenced_evaluation_leaves_nothing_behind(four_weeks):
    schedule_windows()
    job = Job.objects.filter(kind="monitoring.evaluate").first()
    claim = claims.claim(job_id=job.pk)
    Job.objects.filter(pk=job.pk).update(token=claim.token + 1)
    with pytest.raises(claims.Fenced):
        evaluate_window(claim)
    assert not Run.objects.exists()
    assert not Measurement.objects.exists()
    assert not Health.objects.exists()


def test_a_window_waits_while_a_batch_that_touches_it_is_not_folded(robot, version):
    world.send(robot, version, rows(700, hours=24 * 7))
    world.work()
    world.send(robot, version, rows(10, prefix="late"))
    assert schedule_windows() == 0
    world.work("monitoring.fold")
    assert schedule_windows() > 0


def test_late_outcomes_evaluate_performance_again_and_keep_the_earlier_revision(
    robot, model, version
):
    found = rows(2800, hours=24 * 28, seed=7)
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found[:1500])
    world.work()
    evaluate_all()
    drift = Run.objects.filter(monitor__name="Drift of inputs").count()
    world.send_outcomes(robot, model, found[1500:])
    world.work("monitoring.join")
    assert evaluate_all() == len(NEED_OUTCOMES)
    runs = Run.objects.filter(monitor__name="ROC AUC").order_by("revision")
    assert [(run.revision, run.latest, run.labelled) for run in runs] == [
        (1, False, 1500),
        (2, True, 2800),
    ]
    assert set(runs[0].measurements.values_list("latest", flat=True)) == {False}
    assert Run.objects.filter(monitor__name="Drift of inputs").count() == drift
    again = Run.objects.filter(revision=2).values_list("monitor__name", flat=True)
    assert set(again) == NEED_OUTCOMES


def test_late_outcomes_do_not_open_again_what_a_person_resolved(robot, model, version, olga):
    found = rows(2800, hours=24 * 28, skill=0.2, seed=7)
    world.send(robot, version, found)
    world.send_outcomes(robot, model, found[:2000])
    world.work()
    evaluate_all()
    incident = Incident.objects.get(kind="performance")
    assert (incident.severity, incident.began_at) == ("critical", START)
    resolve(actor=olga, incident_id=incident.pk, root_cause="The label was turned round.")
    world.send_outcomes(robot, model, found[2000:])
    world.work("monitoring.join")
    assert evaluate_all() == len(NEED_OUTCOMES)
    again = Alert.objects.filter(run__latest=True, run__monitor__kind="performance")
    assert {alert.incident_id for alert in again} == {incident.pk}
    assert Incident.objects.filter(kind="performance").count() == 1
    incident.refresh_from_db()
    assert incident.state == "resolved"


def test_breaches_of_one_kind_are_one_incident_with_a_timeline(robot, version):
    world.send(robot, version, rows(2800, hours=24 * 14, warmer=8.0))
    world.work()
    only("Drift of inputs")
    evaluate_all()
    incident = Incident.objects.get(kind="drift")
    assert incident.alerts.count() == 2
    assert [entry.text.split()[0] for entry in incident.entries.all()] == ["Opened", "Breached"]


def test_a_monitor_that_waits_for_two_windows_opens_at_the_second(robot, olga, version):
    world.send(robot, version, rows(1400, hours=24 * 7, warmer=8.0))
    world.work()
    monitor = only("Drift of inputs")
    change_monitor(actor=olga, monitor_id=monitor.pk, changes={"open_after": 2})
    evaluate_all()
    assert not Incident.objects.exists()
    world.send(robot, version, rows(1400, start=START + WEEK, hours=168, warmer=8.0, prefix="g"))
    world.work()
    evaluate_all()
    assert Incident.objects.get().kind == "drift"


def test_missing_values_are_a_fault_of_quality(robot, version):
    found = rows(1400, hours=24 * 7)
    for row in found[::3]:
        row["temperature"] = None
    world.send(robot, version, found)
    world.work()
    evaluate_all()
    run = Run.objects.get(monitor__name="Faulty values")
    loud = run.measurements.filter(verdict="breach")
    assert [(one.field, one.metric) for one in loud] == [("temperature", "missing_share")]


def test_too_few_rows_are_no_verdict(robot, version):
    world.send(robot, version, rows(100, hours=24 * 7))
    world.work()
    evaluate_all()
    assert Run.objects.get(monitor__name="Drift of inputs").verdict == "insufficient_data"


def test_a_serving_version_that_falls_silent_is_seen_by_its_volume(robot, model, version):
    world.send(robot, version, rows(4000, hours=24 * 28))
    world.work()
    evaluate_all()
    assert Run.objects.filter(monitor__name="Volume").count() == 4
    Deployment.objects.create(model=model, version=version, role="champion", started_at=START - DAY)
    evaluate_all()
    silent = Run.objects.filter(monitor__name="Volume", window_start=START + 4 * WEEK).get()
    assert (silent.rows, silent.verdict) == (0, "breach")


def test_changed_settings_are_evaluated_anew_and_old_jobs_are_void(four_weeks, olga):
    schedule_windows()
    monitor = Monitor.objects.get(name="Drift of inputs")
    change_monitor(actor=olga, monitor_id=monitor.pk, changes={"breach": 0.5, "warning": 0.3})
    world.work("monitoring.evaluate")
    assert not Run.objects.filter(monitor=monitor).exists()
    assert evaluate_all() == 4
    assert set(Run.objects.filter(monitor=monitor).values_list("revision", flat=True)) == {1}


def test_settings_that_are_changed_back_are_evaluated_once_more_and_then_rest(four_weeks, olga):
    monitor = Monitor.objects.filter(name="Drift of inputs")
    evaluate_all()
    for breach in (0.5, 0.2):
        changes = {"breach": breach}
        change_monitor(actor=olga, monitor_id=monitor.get().pk, changes=changes)
        assert (evaluate_all(), schedule_windows()) == (4, 0)
    runs = Run.objects.filter(monitor__name="Drift of inputs", window_start=START)
    assert [(run.revision, run.latest) for run in runs.order_by("revision")] == [
        (1, False),
        (2, False),
        (3, True),
    ]


def test_windows_that_are_not_over_yet_are_not_due(robot, version):
    now = timezone.now()
    world.send(robot, version, rows(500, start=now - timedelta(hours=20), hours=19))
    world.work()
    assert schedule_windows() == 0
    assert Batch.objects.get().folded_at is not None
