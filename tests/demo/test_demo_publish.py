"""The demonstration's models reach a real MLflow as skops files and come back the same."""

import dataclasses
import json
import uuid

import numpy as np
import pytest
import skops.io

from demo import flight_delay, mortgage
from demo.training import LOGGED_AS, publish, publish_run
from registry.gateways import mlflow, mlflow_runs
from tests import mlflow_server


@pytest.fixture(scope="module")
def server():
    return mlflow_server.address()


@pytest.fixture(scope="module")
def version_1():
    trained = flight_delay.train_v1()
    return dataclasses.replace(trained, model=f"flight-delay-{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="module")
def published(server, version_1):
    return publish(version_1, tracking_uri=server)


def artifact(server, published, path):
    return b"".join(mlflow.read_artifact(published.model, published.version, path, base_url=server))


def test_a_version_is_registered_with_signature_and_example_and_without_pickle(
    server, version_1, published
):
    found = mlflow.get_version(published.model, published.version, base_url=server)
    assert found is not None
    assert (found.version, found.status, found.run_id) == (1, "READY", published.run_id)
    assert found.tags["label"] == "1"
    assert found.description == version_1.description
    paths = {
        file.path
        for file in mlflow.list_artifacts(published.model, published.version, base_url=server)
    }
    assert {"MLmodel", "model.skops", "input_example.json", "requirements.txt"} <= paths
    assert not [path for path in paths if path.endswith((".pkl", ".pickle"))]
    described = artifact(server, published, "MLmodel").decode()
    assert all(name in described for name in version_1.features)
    assert json.loads(artifact(server, published, "input_example.json"))["columns"] == list(
        version_1.features
    )


def test_a_version_may_stay_in_its_run_unregistered(server, version_1):
    trained = dataclasses.replace(version_1, model=f"unregistered-{uuid.uuid4().hex[:8]}")
    logged = publish_run(trained, tracking_uri=server)
    assert logged.version == 0
    assert mlflow.get_model(trained.model, base_url=server) is None
    run = mlflow_runs.get_run(logged.run_id, base_url=server)
    place = mlflow_runs.location_in_run(run, LOGGED_AS, base_url=server)
    paths = [file.path for file in mlflow_runs.list_at(place, base_url=server)]
    assert {"MLmodel", "model.skops"} <= set(paths)


def test_the_file_needs_no_trust_beyond_the_reviewed_types(server, version_1, published):
    raw = artifact(server, published, "model.skops")
    assert tuple(skops.io.get_untrusted_types(data=raw)) == version_1.trusted_types
    again = skops.io.loads(raw, trusted=list(version_1.trusted_types))
    rows = version_1.example
    assert np.array_equal(again.predict_proba(rows), version_1.estimator.predict_proba(rows))


def test_simple_models_need_no_trusted_types_at_all():
    for trained in (flight_delay.train_v0(), mortgage.train()):
        raw = skops.io.dumps(trained.estimator)
        assert trained.trusted_types == ()
        assert skops.io.get_untrusted_types(data=raw) == []


def test_a_restored_version_is_the_same_file_for_file_and_mlflow_loads_it(
    server, version_1, published, tmp_path
):
    listed = mlflow.list_artifacts(published.model, published.version, base_url=server)
    files = {}
    for number, file in enumerate(listed):
        files[file.path] = tmp_path / str(number)
        files[file.path].write_bytes(artifact(server, published, file.path))
    restored = mlflow.restore_version(published.model, files, base_url=server)
    again = mlflow.list_artifacts(published.model, restored.version, base_url=server)
    assert again == listed
    for path, local in files.items():
        pieces = mlflow.read_artifact(published.model, restored.version, path, base_url=server)
        assert b"".join(pieces) == local.read_bytes()
    import mlflow as client

    client.set_tracking_uri(server)
    loaded = client.pyfunc.load_model(f"models:/{published.model}/{restored.version}")
    expected = version_1.estimator.predict_proba(version_1.example)
    assert np.allclose(loaded.predict(version_1.example), expected)
