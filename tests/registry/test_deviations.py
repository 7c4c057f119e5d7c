"""Changes made in MLflow outside of approved changes, with a real MLflow: each is found once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from audit.record import SYSTEM
from registry.gateways import mlflow, mlflow_runs
from registry.gateways.mlflow import ArtifactFile
from registry.gateways.mlflow_http import call
from registry.jobs.reconcile import reconcile
from registry.jobs.rehash import rehash_due
from registry.models import Deviation, Version
from registry.refusals import NothingMoved
from registry.services.deployments import retire_version
from registry.services.putting_back import put_back
from registry.services.versions import register_version
from tests.registry.conftest import serve, work

FILES = {
    "MLmodel": b"flavors:\n  sklearn: {serialization_format: skops}\n",
    "model.skops": b"PK not really",
    "data/weights.bin": bytes(range(256)) * 500,
}
STAGE = "ombud.stage"


@pytest.fixture
def serving(olga, flights, in_mlflow):
    """Version 1 is champion, and MLflow says so; version 2 is only in MLflow."""
    version = register_version(actor=olga, model_id=flights.pk, mlflow_version=in_mlflow(FILES))
    work("registry.inspect")
    in_mlflow(FILES)
    serve(version)
    work("registry.push")
    version.refresh_from_db()
    return version


def lasting():
    return [(row.kind, row.what, row.expected, row.found) for row in Deviation.objects.lasting()]


def drifted():
    return Event.objects.filter(event="registry.mlflow.drifted").count()


def test_nothing_deviates_after_an_approved_change(serving):
    reconcile()
    assert lasting() == []


def test_a_moved_alias_is_found_by_the_next_poll_and_gone_when_put_back(serving, flights):
    mlflow.set_alias(flights.mlflow_name, "champion", 2)
    reconcile()
    reconcile()
    assert lasting() == [("alias", "champion", "1", "2")]
    row = Deviation.objects.get()
    assert (row.version, row.environment) == (serving, "production")
    assert row.message.startswith("The alias champion was moved from version 1 to version 2")
    assert drifted() == 1
    work("registry.push")
    assert lasting() == []
    assert Deviation.objects.get().gone_at is not None
    assert Event.objects.filter(event="registry.mlflow.agreed").count() == 1


def test_a_change_on_its_way_to_mlflow_is_not_called_a_difference(serving, flights, olga, client):
    second = register_version(actor=olga, model_id=flights.pk, mlflow_version=2)
    work("registry.inspect")
    serve(second)
    client.force_login(olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(f"/models/{flights.slug}").content.decode()
    assert "A change is on its way to MLflow" in page
    assert "does not name our champion" not in page
    work("registry.push")
    assert "is on its way" not in client.get(f"/models/{flights.slug}").content.decode()


def test_a_removed_alias_and_one_moved_again_are_told_apart(serving, flights, settings):
    settings.PUT_BACK = "ask"
    mlflow.delete_alias(flights.mlflow_name, "champion")
    reconcile()
    assert lasting() == [("alias", "champion", "1", "")]
    mlflow.set_alias(flights.mlflow_name, "champion", 2)
    reconcile()
    assert lasting() == [("alias", "champion", "1", "2")]
    assert Deviation.objects.count() == 2


def test_a_changed_tag_of_ours_is_found_and_others_are_left_alone(serving, flights, settings):
    settings.PUT_BACK = "ask"
    mlflow.set_version_tag(flights.mlflow_name, 1, STAGE, "archived")
    mlflow.set_version_tag(flights.mlflow_name, 1, "colour", "blue")
    reconcile()
    assert lasting() == [("tag", f"version 1 {STAGE}", "serving", "archived")]
    assert Deviation.objects.get().version == serving
    mlflow.delete_version_tag(flights.mlflow_name, 1, STAGE)
    reconcile()
    assert lasting() == [("tag", f"version 1 {STAGE}", "serving", "")]


def test_a_deleted_version_is_found_and_stays(serving, flights):
    body = {"name": flights.mlflow_name, "version": "1"}
    call("DELETE", "/mlflow/model-versions/delete", body=body)
    reconcile()
    reconcile()
    kinds = {kind for kind, *_ in lasting()}
    assert kinds == {"version_gone", "alias"}
    assert Deviation.objects.get(kind="version_gone").version == serving


def test_a_deleted_model_is_found_and_stays_found(serving, flights):
    call("DELETE", "/mlflow/registered-models/delete", body={"name": flights.mlflow_name})
    reconcile()
    reconcile()
    assert [kind for kind, *_ in lasting()] == ["model_gone"]
    assert drifted() == 1


def test_what_an_approved_change_moves_is_no_deviation(serving, olga, flights, in_mlflow):
    two = register_version(actor=olga, model_id=flights.pk, mlflow_version=2)
    work("registry.inspect")
    for _ in range(5):
        for version in (two, serving):
            serve(version)
            reconcile()
            work("registry.push")
            reconcile()
    assert drifted() == 0


def test_an_alias_that_stood_before_ombud_came_is_no_deviation(olga, flights, in_mlflow):
    number = in_mlflow(FILES)
    mlflow.set_alias(flights.mlflow_name, "champion", number)
    register_version(actor=olga, model_id=flights.pk, mlflow_version=number)
    reconcile()
    assert lasting() == []


def test_mlflow_away_is_no_deviation(serving, flights, settings):
    settings.MLFLOW_TRACKING_URI = "http://127.0.0.1:9"
    reconcile()
    assert lasting() == []
    flights.refresh_from_db()
    assert flights.mlflow_error


def waited(version, **ago):
    Version.objects.filter(pk=version.pk).update(checked_at=timezone.now() - timedelta(**ago))


def test_a_small_serving_version_is_read_again_at_every_poll(serving):
    waited(serving, seconds=20)
    assert rehash_due() == 0
    waited(serving, seconds=31)
    assert rehash_due() == 1


def test_a_large_serving_version_is_read_again_every_quarter_of_an_hour(serving):
    serving.files.update(size=40_000_000)
    waited(serving, minutes=14)
    assert rehash_due() == 0
    waited(serving, minutes=16)
    assert rehash_due() == 1


def test_bytes_of_a_serving_version_that_are_the_same_say_nothing(serving):
    assert rehash_due() == 0, "they were hashed a moment ago"
    waited(serving, minutes=16)
    assert rehash_due() == 1
    assert rehash_due() == 0, "it waits already"
    assert work("registry.rehash").state == "done"
    assert lasting() == []
    serving.refresh_from_db()
    assert timezone.now() - serving.checked_at < timedelta(minutes=1)


def test_other_versions_are_read_again_once_a_week(serving):
    retire_version(actor=SYSTEM, version_id=serving.pk, because="CR-9")
    waited(serving, days=6)
    assert rehash_due() == 0
    waited(serving, days=8)
    assert rehash_due() == 1


def test_overwritten_bytes_are_found_with_their_names(serving, monkeypatch):
    honest = mlflow_runs.list_at, mlflow_runs.read_at
    changed = dict(FILES, **{"model.skops": b"PK something else", "extra.py": b"import os"})
    del changed["data/weights.bin"]
    _overwrite(monkeypatch, changed)
    waited(serving, minutes=16)
    rehash_due()
    work("registry.rehash")
    (row,) = Deviation.objects.lasting()
    assert (row.kind, row.version, row.expected) == ("bytes", serving, serving.artifact_digest)
    assert row.message == (
        "The bytes of version 1 are not those that were hashed: changed model.skops; "
        "added extra.py; missing data/weights.bin."
    )
    assert Event.objects.filter(event="registry.version.bytes_changed").count() == 1
    waited(serving, minutes=16)
    rehash_due()
    work("registry.rehash")
    assert Event.objects.filter(event="registry.version.bytes_changed").count() == 1
    monkeypatch.setattr(mlflow_runs, "list_at", honest[0])
    monkeypatch.setattr(mlflow_runs, "read_at", honest[1])
    waited(serving, minutes=16)
    rehash_due()
    work("registry.rehash")
    assert lasting() == []


def _overwrite(monkeypatch, contents):
    """The store answers with other bytes under the same address."""
    listed = tuple(ArtifactFile(path, len(raw)) for path, raw in contents.items())
    monkeypatch.setattr(mlflow_runs, "list_at", lambda _location: listed)
    monkeypatch.setattr(mlflow_runs, "read_at", lambda _location, path: iter([contents[path]]))


def test_with_ask_nothing_is_put_back_before_a_person_says_so(
    serving, flights, rita, olga, settings
):
    settings.PUT_BACK = "ask"
    mlflow.set_alias(flights.mlflow_name, "champion", 2)
    reconcile()
    assert dict(mlflow.get_model(flights.mlflow_name).aliases) == {"champion": 2}
    with pytest.raises(Refused):
        put_back(actor=olga, model_id=flights.pk, reason="Mine")
    put_back(actor=rita, model_id=flights.pk, reason="Nobody asked for it")
    work("registry.push")
    assert dict(mlflow.get_model(flights.mlflow_name).aliases) == {"champion": 1}
    assert lasting() == []
    event = Event.objects.get(event="registry.mlflow.put_back_asked")
    assert event.data["reason"] == "Nobody asked for it"
    with pytest.raises(NothingMoved):
        put_back(actor=rita, model_id=flights.pk, reason="Again")
