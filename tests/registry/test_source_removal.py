"""A retired version leaves MLflow, with its files, and nobody is alarmed by that."""

from collections.abc import Callable
from typing import Any

import pytest

from audit.models import Event
from audit.record import SYSTEM
from registry.gateways import mlflow
from registry.gateways.mlflow import MlflowUnavailable
from registry.jobs import source_removal
from registry.jobs.mlflow import look_and_note
from registry.jobs.rehash import rehash_due
from registry.models import Deviation, Model, Version
from registry.services.deployments import retire_version
from registry.services.versions import register_version
from tests.registry.conftest import work

FILES = {"MLmodel": b"flavors: {}\n", "data/weights.bin": bytes(range(256)) * 40}


@pytest.fixture
def retired(olga: Any, flights: Model, in_mlflow: Callable[..., int]) -> Version:
    """Version 1, retired; version 2 is there beside it with files of its own."""
    numbers = [in_mlflow(FILES), in_mlflow({"MLmodel": b"flavors: {other: {}}\n"})]
    for number in numbers:
        register_version(actor=olga, model_id=flights.pk, mlflow_version=number)
        work("registry.inspect")
    version = Version.objects.get(mlflow_version=numbers[0])
    retire_version(actor=SYSTEM, version_id=version.pk, because="CR-3")
    work("registry.push")
    version.refresh_from_db()
    return version


def name_of(version: Version) -> str:
    return version.model.mlflow_name or ""


def test_the_version_and_its_files_go_and_its_neighbour_stays(retired: Version) -> None:
    other = Version.objects.exclude(pk=retired.pk).get()
    assert source_removal.why_not_in_mlflow(retired) == ""
    source_removal.expect_removal(version_id=retired.pk, because="CR-3")
    assert source_removal.remove_version(retired) == 1
    assert source_removal.versions_left(retired) == 0
    assert source_removal.why_files_stay(retired) == ""
    gone = source_removal.remove_files(retired)
    assert (gone.files, gone.bytes) == (2, sum(map(len, FILES.values())))
    assert source_removal.files_left(retired) == 0
    assert len(mlflow.list_artifacts(name_of(other), other.mlflow_version or 0)) == 1


def test_doing_it_again_finds_nothing_and_does_no_harm(retired: Version) -> None:
    for expected in (1, 0):
        source_removal.expect_removal(version_id=retired.pk, because="CR-3")
        assert source_removal.remove_version(retired) == expected
        assert source_removal.remove_files(retired).files == 2 * expected
    assert Event.objects.filter(event="registry.version.source_removal_begun").count() == 1


def test_what_was_removed_on_purpose_is_no_deviation(retired: Version) -> None:
    source_removal.expect_removal(version_id=retired.pk, because="CR-3")
    look_and_note(model_id=retired.model_id, name=name_of(retired))
    assert not Deviation.objects.exists()
    source_removal.remove_version(retired)
    source_removal.remove_files(retired)
    _, differs = look_and_note(model_id=retired.model_id, name=name_of(retired))
    assert not differs
    assert not Deviation.objects.lasting().exists()
    Version.objects.update(inspected_at="2020-01-01T00:00:00Z", checked_at=None)
    assert rehash_due() == 1, "only its neighbour is read again"


def test_a_version_that_somebody_else_deletes_is_one(retired: Version) -> None:
    source_removal.remove_version(retired)
    look_and_note(model_id=retired.model_id, name=name_of(retired))
    assert Deviation.objects.lasting().filter(kind="version_gone").exists()


def test_files_that_another_version_uses_stay(retired: Version) -> None:
    shared = mlflow.create_version(
        name_of(retired), source=retired.artifact_uri, run_id=retired.mlflow_run_id
    )
    said = source_removal.why_files_stay(retired)
    assert said == f"Version {shared.version} in MLflow uses the same files."


def test_an_mlflow_that_is_away_is_said_and_nothing_is_taken_for_done(
    retired: Version, settings: Any
) -> None:
    settings.MLFLOW_TRACKING_URI = "http://127.0.0.1:1"
    with pytest.raises(MlflowUnavailable):
        source_removal.remove_version(retired)
    with pytest.raises(MlflowUnavailable):
        source_removal.files_left(retired)
