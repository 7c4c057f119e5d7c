"""A retraining from the trigger to the registered version, on a real MLflow."""

import mlflow.sklearn
import pytest

from accounts.policies import Refused
from audit.models import Event
from ledger.models import Job
from monitoring.jobs.baselines import count_new_references
from monitoring.jobs.experiments import schedule_looks
from monitoring.models import Experiment, Retraining, RetrainingPolicy
from monitoring.retraining_terms import TermsInvalid
from monitoring.services.retraining_policies import write_policy, write_suite
from monitoring.services.retrainings import (
    cancel_retraining,
    retry_retraining,
    start_retraining,
)
from monitoring.states import IllegalRetrainingMove
from registry.gateways import mlflow as gateway
from registry.gateways.mlflow_http import breaker
from registry.models import Version
from tests import mlflow_server
from tests.monitoring import retraining as scene

pytestmark = pytest.mark.django_db(transaction=True)
DONE = ("collect", "validate", "features", "train", "evaluate")


@pytest.fixture(scope="session")
def server():
    return mlflow_server.address()


@pytest.fixture
def champion(team, olga, robot, server, settings, tmp_path):
    settings.MLFLOW_TRACKING_URI = server
    settings.PUBLIC_URL = "http://ombud.test"
    breaker(server).succeed()
    return scene.champion(team, olga, robot, server, tmp_path)


def started(olga, rita, champion, **terms):
    scene.policy_on(olga, rita, champion.model, **terms)
    return start_retraining(actor=olga, model_id=champion.model_id, reason="To see.")


def again(retraining):
    return Retraining.objects.select_related("version").get(pk=retraining.pk)


def test_a_retraining_makes_a_better_version_with_its_lineage(olga, rita, champion):
    made = started(olga, rita, champion, search={"C": [0.01, 1.0]})
    scene.work("monitoring.retrain")
    scene.work("registry.inspect")
    scene.wake()
    scene.work("monitoring.retrain")
    made = again(made)
    assert {name: scene.states(made)[name] for name in DONE} == dict.fromkeys(DONE, "done"), (
        scene.told(made)
    )
    steps = {step.name: step for step in made.steps.all()}
    assert steps["evaluate"].numbers["latest"]["verdict"] == "better"
    assert len(steps["evaluate"].numbers["latest"]["parts"]) == 3
    assert len(steps["train"].numbers["tried"]) == 2
    assert "fitting with" in "\n".join(steps["train"].lines.values_list("text", flat=True))
    version = made.version
    assert version is not None, scene.told(made)
    assert (version.number, version.parent_id) == (2, champion.pk)
    assert version.reference.rows == steps["collect"].numbers["rows"]["hold_out"]
    told = gateway.get_version(champion.model.mlflow_name, 2)
    assert told is not None
    assert told.tags["ombud.parent"] == "1"
    assert told.tags["ombud.data_snapshot"] == steps["collect"].files["snapshot.parquet"]
    assert len(told.tags["ombud.code"]) == 64
    loaded = mlflow.sklearn.load_model(f"models:/{champion.model.mlflow_name}/2")
    assert loaded.predict_proba(scene.some_rows()).shape == (5, 2)
    assert scene.states(made)["challenge"] == "skipped"
    assert scene.states(made)["request"] == "waiting"
    assert not version.contributions.exclude(person=olga).exists()
    events = set(Event.objects.values_list("event", flat=True))
    assert {"monitoring.retraining.started", "monitoring.retraining.registered"} <= events


def test_a_failing_suite_stops_it_and_shows_the_rows(olga, rita, champion):
    checks = {"columns": {"temperature": {"dtype": "number", "maximum": 12}}}
    write_suite(actor=olga, model_id=champion.model_id, checks=checks, reason="Cold only.")
    made = started(olga, rita, champion)
    scene.work("monitoring.retrain")
    made = again(made)
    step = made.steps.get(name="validate")
    assert (made.state, step.state) == ("failed", "failed")
    assert step.numbers["failures"][0]["check"] == "up to 12"
    assert 1 <= len(step.numbers["shown"]) <= 50
    assert all(float(row["temperature"]) > 12 for row in step.numbers["shown"])
    assert scene.states(made)["features"] == "next"
    assert not Version.objects.filter(model=champion.model, number=2).exists()
    write_suite(
        actor=olga,
        model_id=champion.model_id,
        checks={"columns": {"temperature": {"dtype": "number", "maximum": 80}}},
        reason="Warm, too.",
    )
    retry_retraining(actor=olga, retraining_id=made.pk, reason="The suite was too strict.")
    scene.work("monitoring.retrain")
    assert scene.states(made)["validate"] == "done", scene.told(made)


def test_cancelling_ends_it_and_nothing_more_is_made(olga, rita, sam, champion):
    made = started(olga, rita, champion)
    with pytest.raises(Refused):
        cancel_retraining(actor=sam, retraining_id=made.pk, reason="I do not like it.")
    assert again(made).state == "running"
    scene.work("monitoring.retrain", most=2, stop=True)
    cancel_retraining(actor=olga, retraining_id=made.pk, reason="The sensor was broken.")
    scene.work("monitoring.retrain")
    made = again(made)
    assert (made.state, made.note) == ("cancelled", "The sensor was broken.")
    assert set(scene.states(made).values()) == {"done", "cancelled"}
    assert not Job.objects.filter(kind__startswith="monitoring.retrain", state="due").exists()
    with pytest.raises(IllegalRetrainingMove):
        retry_retraining(actor=olga, retraining_id=made.pk, reason="Once more.")


def test_code_that_reaches_out_fails_its_step_and_says_so(olga, rita, champion, tmp_path):
    hostile = "import socket\nsocket.socket()\n\ndef fit(rows, outcome, *, parameters):\n    pass\n"
    scene.replace_code(champion, hostile)
    made = started(olga, rita, champion)
    scene.work("monitoring.retrain")
    step = again(made).steps.get(name="features")
    assert step.state == "failed", scene.told(made)
    assert "forbids" in step.message


def test_incremental_learns_on_from_the_champions_own_estimator(olga, rita, champion):
    code = scene.CODE.replace(
        "    print(", "    print('from', before[-1].coef_.shape)\n    print(", 1
    )
    scene.replace_code(champion, code)
    made = started(olga, rita, champion, kind="incremental")
    scene.work("monitoring.retrain")
    step = again(made).steps.get(name="train")
    assert step.state == "done", scene.told(made)
    assert "from (1, 2)" in "\n".join(step.lines.values_list("text", flat=True))


def test_other_packages_than_the_version_pins_stop_it(olga, rita, champion):
    scene.replace_file(champion, "requirements.txt", "scikit-learn==0.1\n")
    made = started(olga, rita, champion)
    scene.work("monitoring.retrain")
    step = again(made).steps.get(name="train")
    assert step.state == "failed", scene.told(made)
    assert "instead of 0.1" in step.message


def test_a_new_version_answers_the_latest_days_again_and_is_held_against_the_champion(
    olga, rita, champion
):
    made = started(olga, rita, champion, replay=True)
    scene.work("monitoring.retrain")
    scene.work("registry.inspect")
    scene.wake()
    scene.work("monitoring.retrain")
    assert scene.states(again(made))["challenge"] == "waiting", scene.told(made)
    count_new_references()
    scene.work("monitoring.replay")
    scene.work("monitoring.fold")
    scene.wake()
    scene.work("monitoring.retrain")
    experiment = Experiment.objects.get()
    for _ in range(3):
        schedule_looks()
        scene.work("monitoring.look")
    scene.wake()
    scene.work("monitoring.retrain")
    made = again(made)
    steps = {step.name: step for step in made.steps.all()}
    assert steps["challenge"].state == "done", scene.told(made)
    latest = steps["collect"].numbers["rows"]["latest"]
    assert sum(made.version.batches.values_list("rows", flat=True)) == latest
    assert experiment.challenger == made.version
    assert experiment.ends_at <= made.up_to
    look = experiment.looks.order_by("-as_of").first()
    assert 0 < look.challenger_rows <= latest
    assert look.champion_rows == look.challenger_rows
    assert steps["request"].state == "waiting"


PROJECT = """
entry_points:
  main:
    parameters: {data: path, model: path, outcome: string, C: {type: float, default: 1.0}}
    command: python fit.py {data} {model} {outcome} {C}
"""
PROGRAM = """
import sys
import pandas as pd, skops.io
from sklearn.linear_model import LogisticRegression
data, model, outcome, strength = sys.argv[1:]
rows = pd.read_parquet(data)
truth = rows.pop(outcome)
print("a program of a project fits", len(rows), "rows")
fitted = LogisticRegression(C=float(strength)).fit(rows[["temperature", "distance"]], truth)
skops.io.dump(fitted, f"{model}/model.skops")
"""


def test_an_mlflow_project_is_retrained_like_a_module(olga, rita, champion):
    scene.replace_file(champion, "code/MLproject", PROJECT)
    scene.replace_file(champion, "code/fit.py", PROGRAM)
    made = started(olga, rita, champion, entry_point="main", parameters={"C": 0.5})
    scene.work("monitoring.retrain")
    scene.work("registry.inspect")
    scene.wake()
    scene.work("monitoring.retrain")
    steps = {step.name: step for step in again(made).steps.all()}
    assert steps["register"].state == "done", scene.told(made)
    assert steps["train"].numbers["parameters"] == {"C": 0.5}
    said = "\n".join(steps["train"].lines.values_list("text", flat=True))
    assert "a program of a project fits" in said
    assert again(made).version.number == 2


def test_a_replay_takes_the_shadows_place(olga, champion):
    terms = scene.TERMS | {"replay": True, "shadow_days": 14}
    with pytest.raises(TermsInvalid, match="one of the two"):
        write_policy(actor=olga, model_id=champion.model_id, terms=terms, reason="Both.")
    assert not RetrainingPolicy.objects.exists()
