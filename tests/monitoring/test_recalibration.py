"""A retraining of the kind recalibration, on a real MLflow and in the real sandbox."""

import json

import pytest
from django.urls import reverse

from clients import ombud_calibration
from monitoring.jobs.retraining import calibrating
from monitoring.jobs.retraining.sources import code_digest, trained
from monitoring.models import Retraining
from monitoring.services.retraining_policies import RetrainingInvalid, write_policy
from monitoring.services.retrainings import start_retraining
from registry.gateways import mlflow as gateway
from registry.gateways import mlflow_runs
from registry.gateways.mlflow_http import breaker
from registry.models import Version
from tests import mlflow_server
from tests.monitoring import overconfident
from tests.monitoring import retraining as scene

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="session")
def server():
    return mlflow_server.address()


@pytest.fixture
def make(team, olga, robot, server, settings, tmp_path):
    settings.MLFLOW_TRACKING_URI = server
    settings.PUBLIC_URL = "http://ombud.test"
    breaker(server).succeed()

    def champion(**more):
        return overconfident.champion(team, olga, robot, server, tmp_path, **more)

    return champion


def recalibrated(olga, rita, champion):
    scene.policy_on(olga, rita, champion.model, kind="recalibration")
    made = start_retraining(actor=olga, model_id=champion.model_id, reason="Too sure of itself.")
    scene.work("monitoring.retrain")
    scene.work("registry.inspect")
    scene.wake()
    scene.work("monitoring.retrain")
    return Retraining.objects.select_related("version").get(pk=made.pk)


def test_chances_that_are_too_sure_become_a_calibrated_version(client, olga, rita, make, tmp_path):
    parent = make()
    made = recalibrated(olga, rita, parent)
    version = made.version
    assert version is not None, scene.told(made)
    assert (version.number, version.stage, version.parent_id) == (2, "candidate", parent.pk)
    assert scene.states(made)["request"] == "waiting", "it asks for approval like every other"
    steps = {step.name: step.numbers for step in made.steps.all()}
    train, evaluated = steps["train"], steps["evaluate"]
    compared = train["compared"]
    assert compared["differences"]["brier"]["high"] < 0
    assert compared["after"]["ece"]["value"] < compared["before"]["ece"]["value"] / 2
    assert {one["level"] for one in compared["groups"]} == {"F", "M"}
    assert evaluated["latest"]["verdict"] == "better"
    told = evaluated["latest"]
    assert told["challenger"]["error_rate"] == told["champion"]["error_rate"], "same decisions"
    tags = gateway.get_version(parent.model.mlflow_name, 2).tags
    assert tags["ombud.kind"] == "recalibration"
    mine = dict(version.files.filter(path__startswith="parent/").values_list("path", "sha256"))
    theirs = dict(parent.files.values_list("path", "sha256"))
    assert {path.removeprefix("parent/"): one for path, one in mine.items()} == theirs
    assert code_digest(version) == code_digest(parent)
    path = tmp_path / "calibration.json"
    pieces = mlflow_runs.read_at(version.artifact_uri, "calibration.json")
    path.write_bytes(b"".join(pieces))
    loaded = ombud_calibration.load_map(path)
    assert loaded == json.loads(json.dumps(train["map"]))
    assert train["parameters"] == {"method": loaded["method"]}
    assert ombud_calibration.calibrated(loaded, 0.99) < 0.95, "less sure than before"
    client.force_login(olga, "allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(reverse("retraining", args=[made.pk])).content.decode()
    assert "Map learnt from" in page
    assert "Calibration error" in page


@pytest.mark.parametrize(
    ("scenery", "because"),
    [({"slope": 1.0}, "Calibration is not the trouble"), ({"n": 600}, "Too few outcomes")],
    ids=["honest", "few"],
)
def test_without_trouble_or_without_outcomes_no_version_is_made(olga, rita, make, scenery, because):
    made = recalibrated(olga, rita, make(**scenery))
    step = made.steps.get(name="train")
    assert (made.state, step.state) == ("failed", "failed"), scene.told(made)
    assert because in step.message
    assert step.numbers["learnt_from"] > 100
    assert Version.objects.count() == 1


def test_scores_that_the_files_do_not_answer_are_not_calibrated(olga, rita, make, monkeypatch):
    parent = make()
    honest = calibrating._some

    def moved(path, score):
        table = honest(path, score)
        names = {"distance": "temperature", "temperature": "distance"}
        return table.rename_columns([names.get(one, one) for one in table.column_names])

    monkeypatch.setattr(calibrating, "_some", moved)
    made = recalibrated(olga, rita, parent)
    assert made.state == "failed", scene.told(made)
    assert "not what the champion's files answer" in made.steps.get(name="train").message
    assert Version.objects.count() == 1


def test_a_policy_of_this_kind_is_refused_where_there_are_no_two_classes(olga, make):
    model = make(n=0).model
    type(model).objects.filter(pk=model.pk).update(task="multiclass")
    terms = {**scene.TERMS, "kind": "recalibration"}
    with pytest.raises(RetrainingInvalid, match="two classes"):
        write_policy(actor=olga, model_id=model.pk, terms=terms, reason="Too sure.")
    assert not model.retraining_policies.exists()


def test_code_trains_on_below_every_map_that_was_put_upon_it(tmp_path):
    inner = tmp_path / "parent" / "parent"
    inner.mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "parent"):
        (folder / "calibration.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "parent", inner):
        (folder / "MLmodel").write_text("flavors: {}")
    assert trained(tmp_path) == inner
    assert trained(inner) == inner
