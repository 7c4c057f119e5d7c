"""Explanations from the log to the stored, checked contribution, on a real MLflow and sandbox."""

import math

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from accounts.policies import Refused
from audit.models import Event
from ledger.models import Job, JobState
from monitoring.jobs.erasing import erase_explanations
from monitoring.jobs.explaining import drawing, errands, importances, local
from monitoring.jobs.schedule import schedule_windows
from monitoring.models import (
    Batch,
    Explanation,
    ExplanationDraw,
    ExplanationPolicy,
    Importance,
    Measurement,
    Monitor,
    Run,
)
from monitoring.services.explanations import (
    ExplanationInvalid,
    NotLogged,
    ask_explanation,
    ask_importance,
    set_explanation_policy,
)
from registry.gateways.mlflow_http import breaker
from registry.models import Model, Version
from tests import mlflow_server
from tests.monitoring import retraining as scene
from tests.monitoring import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="session")
def server():
    return mlflow_server.address()


@pytest.fixture
def kept_as():
    """The format in which the champion's files are kept."""
    return "skops"


@pytest.fixture
def champion(team, olga, robot, server, settings, tmp_path, kept_as):
    settings.MLFLOW_TRACKING_URI = server
    settings.PUBLIC_URL = "http://ombud.test"
    breaker(server).succeed()
    return scene.champion(team, olga, robot, server, tmp_path, kept_as)


@pytest.fixture
def logged(version, robot):
    """A version whose answers are in the log; nothing is run, so its files need not be there."""
    Version.objects.filter(pk=version.pk).update(artifact_digest="a" * 64)
    world.send(robot, version, world.rows(30, hours=6, prefix="f"))
    world.work("monitoring.fold")
    version.refresh_from_db()
    return version


def asked(actor, champion, one="f17"):
    found = ask_explanation(actor=actor, model_id=champion.model_id, prediction_id=one)
    scene.work("monitoring.explain")
    return Explanation.objects.get(pk=found[0].pk)


def test_a_prediction_is_explained_and_the_parts_add_up(olga, champion):
    row = asked(olga, champion)
    assert (row.state, row.method, row.unit) == ("done", "exact", "share"), row.reason
    parts = {one["feature"]: one for one in row.contributions}
    assert set(parts) == {"temperature", "distance"}
    total = row.base + sum(one["contribution"] for one in row.contributions)
    assert math.isclose(total, row.answer, abs_tol=row.tolerance)
    assert (row.artifact_digest, row.asked_by) == (champion.artifact_digest, olga)
    assert len(row.digest) == len(row.inputs_digest) == len(row.background_digest) == 64
    events = set(Event.objects.values_list("event", flat=True))
    assert {"monitoring.explanation.asked", "monitoring.explanation.ended"} <= events


def test_asking_again_gives_the_same_row_and_no_new_job(olga, rita, champion):
    row = asked(olga, champion)
    before = Event.objects.count()
    again = ask_explanation(actor=rita, model_id=champion.model_id, prediction_id="f17")
    assert [one.pk for one in again] == [row.pk]
    assert Event.objects.count() == before
    assert not Job.objects.filter(kind=local.KIND, state=JobState.DUE).exists()


def test_an_explanation_is_computed_again_to_the_same_digest(olga, champion, capsys):
    row = asked(olga, champion)
    call_command("explain_again", str(row.pk))
    assert "the same" in capsys.readouterr().out
    Explanation.objects.filter(pk=row.pk).update(digest="0" * 64)
    with pytest.raises(SystemExit, match="1"):
        call_command("explain_again", str(row.pk))


def test_an_explanation_that_does_not_add_up_is_kept_as_failed_and_says_nothing(
    olga, champion, monkeypatch
):
    honest = errands.explanations

    def dishonest(version, folder, seed):
        answer = honest(version, folder, seed)
        answer["rows"] = [{**one, "gap": 0.02} for one in answer["rows"]]
        return answer

    monkeypatch.setattr(errands, "explanations", dishonest)
    row = asked(olga, champion)
    assert (row.state, row.contributions) == ("failed", [])
    assert "do not add up" in row.reason
    with pytest.raises(IntegrityError), transaction.atomic():
        Explanation.objects.filter(pk=row.pk).update(state="done")


def test_who_may_not_ask_gets_nothing_done(adam, sam, logged):
    with pytest.raises(Refused):
        ask_explanation(actor=adam, model_id=logged.model_id, prediction_id="f17")
    with pytest.raises(Model.DoesNotExist):
        ask_explanation(actor=sam, model_id=logged.model_id, prediction_id="f17")
    with pytest.raises(Refused):
        set_explanation_policy(actor=adam, model_id=logged.model_id, share=0.1, per_day=10)
    assert not Explanation.objects.exists()
    assert not ExplanationPolicy.objects.exists()
    assert not Job.objects.filter(kind=local.KIND).exists()


def test_what_was_not_logged_is_not_explained(olga, logged):
    with pytest.raises(NotLogged):
        ask_explanation(actor=olga, model_id=logged.model_id, prediction_id="nobody")
    assert not Explanation.objects.exists()


def test_bytes_that_changed_are_not_explained(olga, champion):
    champion.files.filter(path="MLmodel").update(sha256="0" * 64)
    row = asked(olga, champion)
    assert row.state == "refused"
    assert "is not what was registered" in row.reason
    assert row.contributions == []


def test_importance_is_computed_for_every_new_version(champion):
    assert importances.begin_new() == 1
    assert importances.begin_new() == 0, "once"
    scene.work("monitoring.importance")
    row = Importance.objects.get()
    assert (row.state, row.method, row.unit) == ("done", "exact", "share"), row.reason
    numbers = row.numbers
    assert numbers["loss"] == "log loss"
    assert numbers["largest_gap"] <= numbers["tolerance"]
    assert [one["feature"] for one in numbers["features"]] == scene.NUMBERS
    for one in numbers["features"]:
        assert one["size"]["low"] <= one["size"]["value"] <= one["size"]["high"]
    assert len(bytes(row.contributions)) == 8 * 200 * 2
    call_command("explain_again", str(row.pk), "--importance")


@pytest.mark.parametrize("kept_as", ["safetensors"])
def test_a_network_logged_as_the_documentation_says_is_explained(olga, champion):
    explained = asked(olga, champion)
    assert (explained.state, explained.unit) == ("done", "share"), explained.reason
    importances.begin_new()
    scene.work("monitoring.importance")
    row = Importance.objects.get()
    assert (row.state, row.method) == ("done", "exact"), row.reason


@pytest.mark.parametrize("kept_as", ["cloudpickle"])
def test_a_pickle_of_a_candidate_waits_for_approval(champion):
    Version.objects.filter(pk=champion.pk).update(stage="candidate")
    importances.begin_new()
    scene.work("monitoring.importance")
    row = Importance.objects.get()
    assert "only an approved version's is" in row.reason
    assert importances.begin_new() == 0
    Version.objects.filter(pk=champion.pk).update(stage="approved")
    assert importances.begin_new() == 1
    scene.work("monitoring.importance")
    row.refresh_from_db()
    assert row.state == "done", row.reason


def test_an_importance_is_tried_again_by_hand(olga, sam, champion):
    importances.begin_new()
    row = Importance.objects.get()
    with pytest.raises(ExplanationInvalid, match="being computed"):
        ask_importance(actor=olga, importance_id=row.pk)
    scene.work("monitoring.importance")
    with pytest.raises(Refused):
        ask_importance(actor=sam, importance_id=row.pk)
    ask_importance(actor=olga, importance_id=row.pk)
    scene.work("monitoring.importance")
    row.refresh_from_db()
    assert row.state == "done"


def test_the_same_share_is_drawn_whoever_looks(olga, robot, champion):
    set_explanation_policy(actor=olga, model_id=champion.model_id, share=0.2, per_day=2_000)
    assert drawing.draw_new() == 0, "batches that came before are left out"
    more = scene.rows(400, days=2, prefix="g")
    world.send(robot, champion, more)
    world.work("monitoring.fold")
    assert drawing.draw_new() == 1 or drawing.draw_new() == 0
    drawn = set(Explanation.objects.values_list("prediction_id", flat=True))
    limit = 0.2 * 2**64
    expected = {
        row["flight"] for row in more if drawing.hash_of(champion.model_id, row["flight"]) < limit
    }
    assert drawn == expected
    assert 40 < len(drawn) < 130
    assert ExplanationDraw.objects.get().chosen == len(drawn)
    assert drawing.draw_new() == 0
    scene.work("monitoring.explain")
    states = set(Explanation.objects.values_list("state", flat=True))
    assert states == {"done"}, Explanation.objects.exclude(state="done").first().reason


def test_a_day_has_no_more_than_its_bound(olga, robot, logged):
    set_explanation_policy(actor=olga, model_id=logged.model_id, share=1.0, per_day=7)
    more = world.rows(60, hours=44, prefix="h")
    world.send(robot, logged, more[:30], key="one")
    world.send(robot, logged, more[30:], key="two")
    world.work("monitoring.fold")
    drawing.draw_new()
    by_day = {}
    for at in Explanation.objects.values_list("at", flat=True):
        by_day[at.date()] = by_day.get(at.date(), 0) + 1
    assert by_day
    assert set(by_day.values()) <= {7, *range(1, 7)}
    assert max(by_day.values()) == 7
    assert sum(ExplanationDraw.objects.values_list("left_out", flat=True)) == 60 - sum(
        by_day.values()
    )


def test_a_policy_that_makes_no_sense_is_refused(olga, logged):
    for share, per_day in ((0, 10), (1.5, 10), (0.1, 0), (0.1, 10**6)):
        with pytest.raises(ExplanationInvalid):
            set_explanation_policy(
                actor=olga, model_id=logged.model_id, share=share, per_day=per_day
            )
    assert not ExplanationPolicy.objects.exists()
    assert not Monitor.objects.filter(kind="explanation").exists()


def test_an_erased_prediction_takes_its_explanation_along(olga, champion):
    asked(olga, champion)
    assert erase_explanations(champion.model_id, ["f17", "f18"]) == {"kept": 0, "removed": 1}
    assert not Explanation.objects.exists()


def test_a_worker_that_dies_loses_nothing(olga, champion, monkeypatch):
    ask_explanation(actor=olga, model_id=champion.model_id, prediction_id="f17")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(errands, "explanations", killed)
        with pytest.raises(KeyboardInterrupt):
            scene.work("monitoring.explain")
    assert Explanation.objects.get().state == "due"
    Job.objects.filter(kind=local.KIND).update(state="due", lease_until=None)
    scene.work("monitoring.explain")
    assert Explanation.objects.get().state == "done"


def test_windows_with_drawn_explanations_are_judged_and_too_few_are_said(olga, robot, champion):
    importances.begin_new()
    scene.work("monitoring.importance")
    set_explanation_policy(actor=olga, model_id=champion.model_id, share=1.0, per_day=100)
    world.send(robot, champion, scene.rows(700, days=14, prefix="k"))
    world.work("monitoring.fold")
    drawing.draw_new()
    scene.work("monitoring.explain")
    Monitor.objects.exclude(kind="explanation").update(enabled=False)
    Monitor.objects.filter(kind="explanation").update(lateness_hours=1, minimum_n=50)
    schedule_windows()
    Monitor.objects.exclude(kind="explanation").update(enabled=False)
    world.work("monitoring.evaluate")
    runs = Run.objects.filter(monitor__kind="explanation").order_by("window_end")
    assert runs
    judged = Measurement.objects.filter(run__in=runs, metric="importance_shift", n__gte=50)
    assert judged
    one = judged.first()
    assert one.p_value is not None
    assert one.low <= one.value <= one.high
    assert Measurement.objects.filter(run=one.run, metric="importance_share").count() == 2
    early = Measurement.objects.filter(run=runs.first(), metric="importance_shift").get()
    assert early.verdict == "insufficient_data"
    assert "fewer than 20" in early.reason


def test_every_batch_is_drawn_from_once(olga, robot, logged):
    set_explanation_policy(actor=olga, model_id=logged.model_id, share=0.5, per_day=50)
    world.send(robot, logged, world.rows(30, hours=20, prefix="m"))
    world.work("monitoring.fold")
    drawing.draw_new()
    n = Explanation.objects.count()
    batch = Batch.objects.filter(kind="predictions").order_by("-pk").first()
    assert drawing._draw(batch) == 0
    assert Explanation.objects.count() == n


def test_a_number_that_is_not_there_is_said(db):
    with pytest.raises(CommandError):
        call_command("explain_again", "4711")
