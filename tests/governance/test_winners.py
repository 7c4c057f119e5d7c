"""A concluded experiment becomes a change request once, and people still sign it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event
from governance.jobs.winners import follow_winners
from governance.models import ChangeRequest, SignOff, WinnerProposal
from governance.services import winners
from ledger.models import Job, JobState
from monitoring.models import Experiment, ExperimentLook, Measurement, Monitor, Run
from registry.models import Deployment
from registry.states import Stage
from tests.governance.conftest import promoted
from tests.monitoring import world

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)


@pytest.fixture
def ready(two):
    return two


@pytest.fixture
def experiment(olga, vera, rita, flights, one, ready):
    """A concluded one: version 2 against version 1, which serves."""
    promoted(one, olga, vera, rita)
    now = timezone.now()
    return Experiment.objects.create(
        model=flights,
        name="Newer trees",
        kind="shadow",
        champion=one,
        challenger=ready,
        endpoint="error_rate",
        planned_rows=1_000,
        starts_at=now - 9 * DAY,
        ends_at=now - 2 * DAY,
        declared_by=olga,
        concluded_at=now,
    )


def seen(experiment, low, high):
    row = {
        "endpoint": "error_rate_difference",
        "about": "",
        "looks": "any",
        "measure": "d",
        "value": (low + high) / 2,
        "low": low,
        "high": high,
        "n": 2_000,
        "parameters": {},
        "reason": "",
    }
    ExperimentLook.objects.create(
        experiment=experiment,
        as_of=experiment.ends_at,
        champion_rows=2_000,
        challenger_rows=2_000,
        findings=[row],
        state={},
        data_revision=1,
        library_version="1",
    )


def asked(experiment):
    return ChangeRequest.objects.filter(version=experiment.challenger)


def follow():
    follow_winners()
    return world.work("governance.winner")


def test_a_better_challenger_is_proposed_once_and_signed_by_nobody(experiment, ready, olga):
    seen(experiment, -0.04, -0.01)
    assert follow() == 1
    made = ChangeRequest.objects.get(version=ready)
    assert (made.kind, made.role, made.state) == ("promote", "champion", "open")
    assert "from -0.04 to -0.01" in made.reason
    assert made.requested_by == olga
    assert not SignOff.objects.filter(request=made).exists()
    assert follow() == 0
    Job.objects.filter(kind="governance.winner").update(
        state=JobState.DUE, finished_at=None, attempts=0
    )
    world.work("governance.winner")
    assert ChangeRequest.objects.filter(version=ready).count() == 1
    assert Event.objects.filter(event="governance.winner.proposed").count() == 1


def test_not_worse_is_enough_only_where_it_was_declared(experiment, ready):
    seen(experiment, -0.01, 0.004)
    assert follow() == 1
    assert WinnerProposal.objects.get().outcome == "nothing"
    WinnerProposal.objects.all().delete()
    Job.objects.all().delete()
    Experiment.objects.update(margin=0.005)
    assert follow() == 1
    assert WinnerProposal.objects.get().outcome == "promote"
    assert ChangeRequest.objects.filter(version=ready).count() == 1


@pytest.mark.parametrize(("changes", "low"), [({}, 0.01), ({"stop_reason": "Harm"}, -0.04)])
def test_a_loser_is_recommended_to_end_and_nothing_is_asked_for(experiment, changes, low):
    seen(experiment, low, low + 0.02)
    if changes:
        Experiment.objects.update(stopped_at=timezone.now(), **changes)
    assert follow() == 1
    assert WinnerProposal.objects.get().outcome == "end"
    assert not asked(experiment)


def test_what_cannot_be_asked_for_says_why_and_leaves_nothing(experiment, monkeypatch, ready):
    seen(experiment, -0.04, -0.01)
    ready.stage = Stage.RETIRED
    ready.save()
    assert follow() == 1
    found = WinnerProposal.objects.get()
    assert found.request is None
    assert found.refusal
    assert not asked(experiment)


def test_a_worker_that_dies_after_asking_leaves_no_request(experiment, monkeypatch):
    seen(experiment, -0.04, -0.01)
    follow_winners()

    def dies(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(winners, "record", dies)
        with pytest.raises(KeyboardInterrupt):
            world.work("governance.winner")
    assert not asked(experiment)
    Job.objects.update(lease_until=timezone.now() - DAY)
    world.run(Job.objects.get(kind="governance.winner"))
    assert len(asked(experiment)) == 1


def test_the_page_has_what_a_reviewer_needs(
    experiment, rita, sam, signed_in, django_assert_max_num_queries
):
    seen(experiment, -0.04, -0.01)
    follow()
    client = signed_in(rita)
    with django_assert_max_num_queries(60):
        page = client.get(f"/challengers/{experiment.pk}")
    text = page.content.decode()
    assert page.status_code == 200
    for words in ("Recommended: promote", "Promotion proposed", "Open findings", "How they were"):
        assert words in text
    assert Deployment.objects.count() == 1
    assert signed_in(sam).get(f"/challengers/{experiment.pk}").status_code == 404


def measured(version, end, value, segment=""):
    """A window of a day that ended then, as its monitor's run left it."""
    monitor = Monitor.objects.filter(model=version.model, kind="performance").first()
    run = Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=end - DAY,
        window_end=end,
        config_digest=f"{value:064f}"[:64],
        verdict="ok",
        rows=500,
        profile_digest="p" * 64,
        library_version="1",
    )
    return Measurement.objects.create(
        run=run,
        monitor=monitor,
        version=version,
        metric="roc_auc",
        segment=segment,
        window_end=end,
        value=value,
        n=500,
        verdict="ok",
    )


def test_the_page_tells_measurements_of_the_experiments_own_time(
    experiment, one, ready, rita, signed_in
):
    measured(one, experiment.starts_at, 0.511)
    measured(one, experiment.ends_at, 0.622)
    measured(ready, experiment.ends_at, 0.733, segment="carrier = AA")
    measured(ready, experiment.ends_at + 2 * DAY, 0.844)
    text = signed_in(rita).get(f"/challengers/{experiment.pk}").content.decode()
    assert "ROC AUC" in text
    assert "0.622" in text
    assert "0.733" in text
    assert "By feature, segment and group: 1 more" in text
    assert "0.511" not in text, "before it began"
    assert "0.844" not in text, "after its end"


def test_the_page_calls_what_was_recorded_by_its_name_and_shows_the_digests(
    experiment, one, ready, rita, signed_in
):
    one.lineage = {"run": {"metrics": {"hold_out.brier": 0.15}, "params": {"depth": "3"}}}
    ready.lineage = {
        "run": {
            "metrics": {"hold_out.brier": 0.12},
            "params": {"depth": "3", "max_iter": "200"},
            "tags": {"mlflow.user": "root"},
        }
    }
    one.save()
    ready.save()
    text = signed_in(rita).get(f"/challengers/{experiment.pk}").content.decode()
    assert "Brier score on the hold-out" in text
    assert "max_iter" in text
    assert "1 the same" in text
    assert "not recorded" in text
    for raw in ("hold_out", "mlflow.user", "depth"):
        assert raw not in text
    assert one.artifact_digest in text
    assert ready.artifact_digest in text
