"""Another threshold over stored windows: what it would have found, missed and alarmed, and when."""

from datetime import date, timedelta

import pytest

from audit.chain import sha256_of
from governance.jobs.monitor_trials import try_monitor
from governance.models import BackTest
from governance.refusals import Incomplete
from governance.services.back_tests import Past, ask_monitor_trial
from ledger import claims, runner
from ledger.models import Job
from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Alert, Batch, Health, Incident, Measurement, Monitor, Profile, Run
from monitoring.reads import baselines
from monitoring.services.incidents import resolve
from monitoring.services.monitors import Settings, create_monitor
from tests.governance.conftest import Unchanged
from tests.monitoring import world
from tests.monitoring.world import START

WEEK = timedelta(days=7)
# How much warmer each week was: two mild ones, then two grave ones.
WARMER = (0, 0, 2.5, 2.5, 8, 8, 0, 0, 0)
PERIOD = Past(date(2026, 3, 1), date(2026, 5, 31))
SETTINGS = Settings(
    name="Temperature", kind="drift", metric="psi", fields=["temperature"], warning=0.9, breach=1.0
)


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)
    baselines._load.cache_clear()


@pytest.fixture
def monitor(team, olga, robot):
    """Nine weeks of one version, watched from 1.0 on; its one incident was confirmed."""
    model = world.make_model(team, olga)
    version = world.make_version(model)
    monitor = create_monitor(actor=olga, model_id=model.pk, settings=SETTINGS)
    for week, warmer in enumerate(WARMER):
        found = world.rows(
            420, start=START + week * WEEK, hours=168, prefix=f"w{week}-", warmer=warmer, seed=week
        )
        for row in found:
            # Rows in every eighth hour only: fewer profiles, the same windows.
            steps, rest = divmod(row["at"] - START, timedelta(hours=8))
            row["at"] = START + steps * timedelta(hours=8) + rest / 8
        world.send(robot, version, found)
    world.work()
    schedule_windows()
    world.work("monitoring.evaluate")
    incident = Incident.objects.get()
    resolve(actor=olga, incident_id=incident.pk, root_cause="A sensor.", resolution="confirmed")
    return monitor


def done(row):
    runner.run(job_id=Job.objects.get(kind="governance.back_test", key=str(row.pk)).pk)
    row.refresh_from_db()
    assert row.state == "done", row.error
    return row.result


def tried(olga, monitor, past=PERIOD, **changes):
    return done(ask_monitor_trial(actor=olga, monitor=monitor, changes=changes, past=past))


def test_a_lower_threshold_would_have_found_it_two_weeks_earlier(monitor, olga):
    result = tried(olga, monitor, warning=0.1, breach=0.2)
    (incident,) = result["incidents"]
    assert incident["resolution"] == "confirmed"
    assert incident["days_earlier"] == 14
    assert incident["alarmed"] == (START + 5 * WEEK).isoformat().replace("+00:00", "Z")
    proposed, present = result["proposed"], result["present"]
    assert (proposed["hits"], proposed["misses"]) == (present["hits"], present["misses"]) == (1, 0)
    assert (proposed["verdicts"]["breach"], present["verdicts"]["breach"]) == (4, 2)
    assert result["windows"] == proposed["windows"] == present["windows"] == 9
    assert [line["verdict"] for line in result["rows"]] == ["breach", "breach"]
    # The two mild weeks are in no incident: that is where a false alarm would be.
    assert (proposed["quiet"]["hits"], present["quiet"]["hits"]) == (2, 0)
    assert proposed["quiet"]["high"] > proposed["quiet"]["value"] > proposed["quiet"]["low"]


def test_a_threshold_that_nothing_reaches_misses_it(monitor, olga):
    proposed = tried(olga, monitor, warning=None, breach=50.0)["proposed"]
    assert (proposed["alarms"], proposed["hits"], proposed["misses"]) == (0, 0, 1)
    assert (proposed["found"]["value"], proposed["found"]["of"]) == (0, 1)


def test_more_patience_is_later(monitor, olga):
    result = tried(olga, monitor, open_after=2, open_of=2)
    assert result["incidents"][0]["days_earlier"] == -7
    assert result["proposed"]["alarms"] == 1
    assert result["alarms"][0]["met"] == "confirmed"


def test_alarms_close_after_as_many_calm_windows_as_are_asked_for(monitor, olga):
    closed = tried(olga, monitor, close_after=1)["alarms"][0]["closed"]
    later = tried(olga, monitor, close_after=3)["alarms"][0]["closed"]
    assert closed == (START + 7 * WEEK).isoformat().replace("+00:00", "Z")
    assert later == (START + 9 * WEEK).isoformat().replace("+00:00", "Z")


def test_the_minimum_of_rows_makes_windows_tell_nothing(monitor, olga):
    proposed = tried(olga, monitor, minimum_n=1000)["proposed"]
    assert proposed["verdicts"] == {
        "ok": 0,
        "warning": 0,
        "breach": 0,
        "insufficient_data": 9,
    }


def test_the_same_settings_say_what_was_said(monitor, olga):
    result = tried(olga, monitor)
    assert (result["differing"], result["rows"]) == (0, [])
    assert result["proposed"]["verdicts"] == result["present"]["verdicts"]


def test_another_window_is_held_beside_runs_of_the_present_one(monitor, olga):
    result = tried(olga, monitor, window_hours=24 * 14, every_hours=168)
    assert result["proposed"]["windows"] == 8
    assert result["present"]["windows"] == 9
    assert result["proposed"]["hits"] == 1


def test_an_alarm_that_nobody_looked_at_is_not_told_to_be_false(monitor, olga):
    Incident.objects.update(resolution="")
    met = tried(olga, monitor)["proposed"]["met"]
    assert (met["unsaid"], met["false_alarm"], met["nothing"]) == (1, 0, 0)
    Incident.objects.update(resolution="false_alarm")
    side = tried(olga, monitor)["proposed"]
    assert side["met"]["false_alarm"] == 1
    assert (side["false"]["hits"], side["false"]["of"], side["found"]["of"]) == (1, 1, 0)
    # What was a false alarm is no incident: its windows are quiet ones.
    assert side["quiet"]["hits"] == 2


def test_a_window_whose_rows_are_gone_cannot_be_told(monitor, olga):
    first = START + 4 * WEEK
    Profile.objects.filter(hour__gte=first, hour__lt=first + timedelta(days=1)).delete()
    result = tried(olga, monitor)
    assert result["proposed"]["untold"] == 1
    (line,) = result["rows"]
    assert (line["told"], line["verdict"], line["stored"]) == (False, None, "breach")
    assert "420 rows were counted then" in line["reason"]


def test_nothing_but_the_back_test_is_written(monitor, olga):
    tables = (Alert, Batch, Health, Incident, Measurement, Monitor, Run)
    before = [list(table.objects.order_by("pk").values()) for table in tables]
    tried(olga, monitor, warning=0.1, breach=0.2, metric="js_distance", window_hours=336)
    assert [list(table.objects.order_by("pk").values()) for table in tables] == before


def test_runs_under_earlier_settings_are_said(monitor, olga):
    Monitor.objects.filter(pk=monitor.pk).update(breach=1.5)
    monitor.refresh_from_db()
    said = tried(olga, monitor)["said"]
    assert "9 of 9 stored runs were made under settings it had before." in said


def test_the_digests_are_of_what_went_in_and_what_came_out(monitor, olga):
    rows = [
        ask_monitor_trial(actor=olga, monitor=monitor, changes={"breach": 1.2}, past=PERIOD)
        for _ in range(2)
    ]
    for row in rows:
        assert sha256_of(done(row)) == row.result_digest
    assert rows[0].input_digest == rows[1].input_digest
    assert rows[0].proposal["breach"] == 1.2
    assert rows[0].present["breach"] == 1.0


def test_the_lease_is_kept_window_by_window(monitor, olga):
    row = ask_monitor_trial(actor=olga, monitor=monitor, changes={}, past=PERIOD)
    kept = []
    try_monitor(row, row.asked_at, lambda: kept.append(1))
    assert len(kept) == 9


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "quality"}, "kind"),
        ({"metric": "roc_auc"}, "metric"),
        ({"open_after": 3, "open_of": 2}, "open_after"),
        ({"window_hours": 100, "every_hours": 24}, "every_hours"),
        ({"warning": 2.0}, "warning"),
        ({"alpha": 0.5}, "alpha"),
    ],
)
def test_settings_that_do_not_go_together_are_not_tried(monitor, olga, changes, field):
    with Unchanged(), pytest.raises(Incomplete) as refused:
        ask_monitor_trial(actor=olga, monitor=monitor, changes=changes, past=PERIOD)
    assert refused.value.field == field
    assert not BackTest.objects.exists()


def test_more_windows_than_one_looks_at_are_refused(monitor, olga, monkeypatch):
    monkeypatch.setattr("governance.services.back_tests.MOST_WINDOWS", 5)
    with Unchanged(), pytest.raises(Incomplete, match="9 windows"):
        ask_monitor_trial(actor=olga, monitor=monitor, changes={}, past=PERIOD)


def test_a_period_without_a_log_has_no_windows(monitor, olga):
    result = tried(olga, monitor, past=Past(date(2025, 1, 1), date(2025, 2, 1)))
    assert (result["windows"], result["versions"], result["incidents"]) == (0, [], [])


def test_a_second_delivery_of_the_job_changes_nothing(monitor, olga):
    row = ask_monitor_trial(actor=olga, monitor=monitor, changes={}, past=PERIOD)
    done(row)
    claims.again(kind="governance.back_test", key=str(row.pk), subject_id=row.pk)
    before = row.finished_at
    done(row)
    assert row.finished_at == before
