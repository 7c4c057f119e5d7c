"""Ombud and a real MLflow server: hashing, pushing, drift, and MLflow being away."""

import hashlib
import pickle
import time

import pytest
from django.db import connections
from django.utils import timezone

from audit.models import Event
from audit.record import SYSTEM
from ledger.models import Job
from registry.gateways import mlflow, mlflow_runs
from registry.gateways.mlflow_http import breaker
from registry.jobs.reconcile import ensure_webhook, reconcile
from registry.models import ArtifactFile, Contribution, Version, WebhookDelivery
from registry.reads.models import models_for
from registry.services.deployments import retire_version
from registry.services.versions import register_version
from tests.registry.conftest import serve, work

MLMODEL = b"""
flavors:
  python_function: {loader_module: mlflow.sklearn}
  sklearn: {serialization_format: skops}
mlflow_version: 3.17.2
signature: {inputs: '[{"type": "double"}]'}
"""
FILES = {
    "MLmodel": MLMODEL,
    "model.skops": b"PK not really",
    "requirements.txt": b"scikit-learn==1.9.1\n",
    "data/weights.bin": bytes(range(256)) * 5000,
}


def registered(olga, model, number):
    return register_version(actor=olga, model_id=model.pk, mlflow_version=number)


@pytest.fixture
def hashed(olga, flights, in_mlflow):
    version = registered(olga, flights, in_mlflow(FILES))
    assert work("registry.inspect").state == "done"
    version.refresh_from_db()
    return version


def aliases(flights):
    model = mlflow.get_model(flights.mlflow_name)
    return dict(model.aliases)


def test_a_version_is_hashed_file_by_file(hashed, flights):
    found = {file.path: (file.size, file.sha256) for file in ArtifactFile.objects.all()}
    assert found == {
        path: (len(content), hashlib.sha256(content).hexdigest()) for path, content in FILES.items()
    }
    assert len(hashed.artifact_digest) == 64
    assert hashed.lineage["flavors"] == {"python_function": "", "sklearn": "skops"}
    assert hashed.lineage["environment"] == ["requirements.txt"]
    assert hashed.lineage["pickled"] == []
    assert hashed.lineage["run"]["status"] == "FINISHED"
    event = Event.objects.get(event="registry.version.hashed")
    assert (event.actor_name, event.data["digest"]) == ("Ombud", hashed.artifact_digest)


def test_the_same_bytes_have_the_same_digest_and_others_another(olga, flights, hashed, in_mlflow):
    same = registered(olga, flights, in_mlflow(FILES))
    work("registry.inspect")
    other = registered(olga, flights, in_mlflow(FILES | {"data/weights.bin": b"changed"}))
    work("registry.inspect")
    same.refresh_from_db()
    other.refresh_from_db()
    assert same.artifact_digest == hashed.artifact_digest != other.artifact_digest


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the model was unpickled",))


def test_pickled_models_are_noted_and_never_loaded(olga, flights, in_mlflow):
    contents = {
        "MLmodel": b"flavors: {sklearn: {serialization_format: cloudpickle}}",
        "model.pkl": pickle.dumps(Bomb()),
        "weights": pickle.dumps(Bomb()),
    }
    version = registered(olga, flights, in_mlflow(contents))
    work("registry.inspect")
    version.refresh_from_db()
    assert version.lineage["pickled"] == ["flavor sklearn: cloudpickle", "model.pkl", "weights"]


def test_a_version_that_mlflow_does_not_have_says_so(olga, flights, in_mlflow):
    in_mlflow(FILES)
    version = registered(olga, flights, 77)
    assert work("registry.inspect").state == "done"
    version.refresh_from_db()
    assert version.inspect_error.endswith(f"MLflow has no version 77 of {flights.mlflow_name}.")
    assert version.artifact_digest == ""
    assert Event.objects.latest("sequence").event == "registry.version.not_hashed"


def test_a_version_from_a_run_is_hashed_where_the_run_keeps_it(olga, flights, in_mlflow):
    number = in_mlflow(FILES)
    run_id = mlflow.get_version(flights.mlflow_name, number).run_id
    version = register_version(
        actor=olga, model_id=flights.pk, run_id=run_id, artifact_path="model", number=0
    )
    work("registry.inspect")
    version.refresh_from_db()
    assert (version.inspect_error, ArtifactFile.objects.count()) == ("", len(FILES))
    gone = register_version(
        actor=olga, model_id=flights.pk, run_id=run_id, artifact_path="nothing", number=9
    )
    work("registry.inspect")
    gone.refresh_from_db()
    assert "logged nothing under nothing" in gone.inspect_error


def test_whom_mlflow_names_as_trainer_had_a_hand_in_it(olga, vera, flights, in_mlflow, monkeypatch):
    number = in_mlflow(FILES)
    real = mlflow_runs.get_run

    def by_vera(run_id):
        found = real(run_id)
        return mlflow_runs.MlflowRun(
            found.run_id, found.status, ("vera@example.org",), found.artifact_uri
        )

    monkeypatch.setattr("registry.jobs.inspection.mlflow_runs.get_run", by_vera)
    registered(olga, flights, number)
    work("registry.inspect")
    assert Contribution.objects.filter(person=vera, kind="trained").exists()


def test_alias_and_tags_follow_the_champion(olga, flights, hashed, in_mlflow):
    serve(hashed)
    assert work("registry.push").state == "done"
    assert aliases(flights) == {"champion": 1}
    told = mlflow.get_version(flights.mlflow_name, 1)
    assert told.tags["ombud.stage"] == "serving"
    assert told.tags["ombud.role"] == "champion in production"
    assert told.tags["ombud.version_url"] == "http://ombud.test/models/flight-delay/1"
    two = registered(olga, flights, in_mlflow(FILES))
    serve(two, role="challenger")
    serve(hashed, role="shadow", environment="staging")
    work("registry.push")
    assert aliases(flights) == {"champion": 1, "challenger": 2, "shadow-staging": 1}
    serve(two)
    work("registry.push")
    assert aliases(flights) == {"champion": 2, "shadow-staging": 1}
    retire_version(actor=SYSTEM, version_id=hashed.pk, because="CR-3")
    work("registry.push")
    assert aliases(flights) == {"champion": 2}
    told = mlflow.get_version(flights.mlflow_name, 1)
    assert told.tags["ombud.stage"] == "retired"
    assert "ombud.role" not in told.tags


def test_pushing_twice_changes_and_records_nothing_more(flights, hashed):
    serve(hashed)
    work("registry.push")
    before = Event.objects.count()
    Job.objects.filter(kind="registry.push").update(state="due")
    assert work("registry.push").state == "done"
    assert Event.objects.count() == before
    flights.refresh_from_db()
    assert flights.mlflow_seen["aliases"] == {"champion": 1}
    assert flights.mlflow_error == ""


def test_an_alias_moved_in_mlflow_is_noticed_once_and_put_right(olga, flights, hashed, in_mlflow):
    in_mlflow(FILES)
    serve(hashed)
    work("registry.push")
    mlflow.set_alias(flights.mlflow_name, "champion", 2)
    reconcile()
    reconcile()
    (event,) = Event.objects.filter(event="registry.mlflow.drifted")
    assert event.data["message"] == (
        "The alias champion was moved from version 1 to version 2 outside of Ombud."
    )
    (row,) = models_for(olga)
    assert [item["found"] for item in row.mlflow.drift] == [2]
    assert work("registry.push").state == "done"
    assert aliases(flights) == {"champion": 1}
    (row,) = models_for(olga)
    assert row.mlflow.drift == []
    assert row.mlflow.repaired[0]["found"] == 2
    reconcile()
    assert Event.objects.filter(event="registry.mlflow.drifted").count() == 1


def test_a_push_that_has_not_come_through_yet_is_no_drift(flights, hashed):
    serve(hashed)
    reconcile()
    assert not Event.objects.filter(event="registry.mlflow.drifted").exists()


def test_an_alias_that_stood_before_ombud_came_is_told_of_and_left(olga, flights, hashed):
    mlflow.set_alias(flights.mlflow_name, "champion", 1)
    mlflow.set_alias(flights.mlflow_name, "olgas-own", 1)
    Job.objects.filter(kind="registry.push").update(state="due")
    work("registry.push")
    assert aliases(flights) == {"champion": 1, "olgas-own": 1}
    (row,) = models_for(olga)
    assert [item["what"] for item in row.mlflow.drift] == ["champion"]


def test_a_version_that_is_only_in_mlflow_is_listed_and_not_registered(
    olga, flights, hashed, in_mlflow
):
    reconcile()
    in_mlflow(FILES)
    reconcile()
    reconcile()
    (row,) = models_for(olga)
    assert row.mlflow.unregistered == [2]
    assert Version.objects.count() == 1
    assert [event.data for event in Event.objects.filter(event="registry.mlflow.seen")] == [
        {"versions": [2]}
    ]


def test_a_version_that_mlflow_has_lost_is_told_of(olga, flights, hashed):
    lost = registered(olga, flights, 5)
    serve(lost)
    reconcile()
    reconcile()
    (row,) = models_for(olga)
    assert row.mlflow.missing == [5]
    assert Event.objects.filter(event="registry.mlflow.drifted").count() == 1
    assert work("registry.push").state == "done"


def test_mlflow_away_leaves_what_was_seen_and_the_job_due(olga, flights, hashed, settings, server):
    reconcile()
    serve(hashed)
    settings.MLFLOW_TRACKING_URI = "http://127.0.0.1:1"
    assert reconcile() == 0
    job = work("registry.push")
    assert job.state == "due"
    assert "MlflowUnavailable" in job.error
    (row,) = models_for(olga)
    assert row.mlflow.error.startswith("MLflow ")
    assert row.mlflow.at is not None
    settings.MLFLOW_TRACKING_URI = server
    breaker(server).succeed()
    assert work("registry.push").state == "done"
    assert aliases(flights) == {"champion": 1}
    flights.refresh_from_db()
    assert flights.mlflow_error == ""


def test_a_hashing_given_up_while_mlflow_was_away_is_tried_again(olga, flights, in_mlflow):
    version = registered(olga, flights, in_mlflow(FILES))
    Job.objects.filter(kind="registry.inspect").update(
        state="dead", error="…MlflowUnavailable: no connection", finished_at=timezone.now()
    )
    reconcile()
    assert work("registry.inspect").state == "done"
    version.refresh_from_db()
    assert version.artifact_digest


def test_a_hashing_that_can_never_work_says_why(olga, flights, in_mlflow):
    version = registered(olga, flights, in_mlflow(FILES))
    Job.objects.filter(kind="registry.inspect").update(
        state="dead", error="Traceback\nOSError: too long", finished_at=timezone.now()
    )
    reconcile()
    version.refresh_from_db()
    assert version.inspect_error == "OSError: too long"


def test_one_webhook_of_ours_however_often_it_is_asked_for(flights, hashed, settings, server):
    settings.MLFLOW_WEBHOOK_SECRET = "first secret"
    settings.PUBLIC_URL = f"http://127.0.0.1:9/{flights.mlflow_name}"
    url = f"{settings.PUBLIC_URL}/hooks/mlflow"
    reconcile()
    reconcile()
    (first,) = [hook for hook in mlflow.list_webhooks() if hook.url == url]
    settings.MLFLOW_WEBHOOK_SECRET = "second secret"
    reconcile()
    (second,) = [hook for hook in mlflow.list_webhooks() if hook.url == url]
    assert second.webhook_id != first.webhook_id
    assert "second" not in second.name
    mlflow.delete_webhook(second.webhook_id)


@pytest.fixture
def _no_connection_outlives_its_request(monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)


def _move_until_told(flights):
    """Moves the alias every few seconds: MLflow promises no delivery, the poll is for that."""
    end = time.monotonic() + 90
    while not Job.objects.filter(kind="registry.push").exists() and time.monotonic() < end:
        mlflow.set_alias(flights.mlflow_name, "champion", 1)
        again = time.monotonic() + 5
        while not Job.objects.filter(kind="registry.push").exists() and time.monotonic() < again:
            time.sleep(0.2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_no_connection_outlives_its_request")
def test_mlflow_itself_tells_us_of_a_moved_alias(
    olga, flights, in_mlflow, live_server, settings, server
):
    settings.MLFLOW_WEBHOOK_SECRET = "shared with mlflow only"
    settings.PUBLIC_URL = live_server.url
    in_mlflow(FILES)
    # Listeners of earlier tests are gone; waiting for them would hold up our delivery.
    for left in mlflow.list_webhooks():
        mlflow.delete_webhook(left.webhook_id)
    ensure_webhook()
    hooks = [hook for hook in mlflow.list_webhooks() if hook.url.startswith(live_server.url)]
    time.sleep(1.1)  # the server keeps its list of webhooks for a second
    _move_until_told(flights)
    mlflow.delete_webhook(hooks[0].webhook_id)
    assert Job.objects.get(kind="registry.push").subject_id == flights.pk
    assert WebhookDelivery.objects.filter(entity="model_version_alias").exists()
