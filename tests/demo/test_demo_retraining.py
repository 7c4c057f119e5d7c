"""The demonstration's model is trained anew from its own log, by the code that it carries."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from demo import flight_delay, flight_training
from demo.cast import Cast
from demo.data import CATEGORIES, NUMBERS
from demo.replay import outcomes_of, parquet, table, until
from demo.retraining import set_policy
from demo.training import TREES, publish
from ledger.models import Job
from monitoring.jobs.baselines import count_new_references
from monitoring.models import Retraining, RetrainingPolicy
from monitoring.reads import baselines
from monitoring.services.ingest import accept_outcomes, accept_predictions
from monitoring.services.retrainings import start_retraining
from registry.gateways.mlflow_http import breaker
from registry.models import Deployment, Version
from registry.services.models import register_model
from registry.services.references import set_reference
from registry.services.schemas import set_schema
from registry.services.versions import register_version
from tests import mlflow_server
from tests.conftest import PASSWORD
from tests.monitoring import retraining as scene

pytestmark = pytest.mark.django_db(transaction=True)
PARQUET = "application/vnd.apache.parquet"


def test_the_copy_in_the_artifact_names_what_the_demonstration_names():
    assert (flight_training.NUMBERS, flight_training.CATEGORIES) == (NUMBERS, CATEGORIES)
    assert flight_training.TRUSTED_TYPES == TREES
    assert "import demo" not in flight_delay.CODE.read_text()


@pytest.fixture
def champion(team, olga, robot, settings, tmp_path, monkeypatch):
    """Version 1, trained on winter, with eleven weeks of spring on its log."""
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)
    baselines._load.cache_clear()
    settings.MLFLOW_TRACKING_URI = mlflow_server.address()
    settings.PUBLIC_URL = "http://ombud.test"
    breaker(settings.MLFLOW_TRACKING_URI).succeed()
    trained = flight_delay.train_v1()
    number = publish(trained, tracking_uri=settings.MLFLOW_TRACKING_URI).version
    model = register_model(
        actor=olga,
        slug="flight-delay",
        name="Flight delay",
        purpose="Warns.",
        team_id=team.pk,
        task="binary",
        risk_tier="medium",
        mlflow_name="flight-delay",
        outcome_horizon_hours=168,
    )
    version = register_version(actor=olga, model_id=model.pk, mlflow_version=number)
    set_schema(actor=olga, version_id=version.pk, fields=trained.schema)
    scene.work("registry.inspect")
    reference = tmp_path / "reference.parquet"
    reference.write_bytes(parquet(trained.reference))
    set_reference(actor=olga, version_id=version.pk, source=reference)
    count_new_references()
    Version.objects.filter(pk=version.pk).update(stage="serving")
    Deployment.objects.create(
        version=version, model=model, role="champion", started_at=timezone.now()
    )
    _send(robot, version, trained)
    return Version.objects.select_related("model").get(pk=version.pk)


def _send(robot, version, trained):
    """Every fourth flight of March to May, moved so that May ends now."""
    everything = flight_delay.moved(timezone.now())
    spring = everything[everything["month"] <= 5].iloc[::4]
    late = timezone.now() - spring["scheduled"].max().to_pydatetime()
    rows = spring.assign(scheduled=spring["scheduled"] + timedelta(days=late.days))
    log = flight_delay.log_of(trained, rows)
    sent = table(log.drop(columns="arrived_late"))
    everything_known = outcomes_of(log, "arrived_late", seed=flight_delay.SEED)
    truths = until(timezone.now(), table(everything_known), "outcome_time")
    known = {"actor": robot, "content_type": PARQUET, "key": ""}
    accept_predictions(version_id=version.pk, body=parquet(sent), **known)
    accept_outcomes(model_id=version.model_id, body=parquet(truths), **known)
    scene.work("monitoring.fold")
    scene.work("monitoring.join")


class Calls:
    """What the demonstration asks of the API, asked of this one."""

    def __init__(self, user):
        self.client = Client()
        self.client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")

    def post(self, path, body):
        answer = self.client.post(f"/api/v1{path}", body, content_type="application/json")
        assert answer.status_code < 300, answer.json()
        return answer.json()


def cast_of(*people):
    calls = {person.name.lower(): Calls(person) for person in people}
    passwords = dict.fromkeys(calls, PASSWORD)
    return Cast("", "", people=calls, passwords=passwords, names={}, now=timezone.now())


def test_a_spring_of_flights_trains_the_next_version(olga, rita, champion):
    set_policy(cast_of(olga, rita))
    assert RetrainingPolicy.objects.get().state == "on"
    made = start_retraining(actor=olga, model_id=champion.model_id, reason="April's incident.")
    scene.work("monitoring.retrain")
    scene.work("registry.inspect")
    scene.wake()
    scene.work("monitoring.retrain")
    made = Retraining.objects.select_related("version").get(pk=made.pk)
    assert made.version is not None, scene.told(made)
    steps = {step.name: step for step in made.steps.all()}
    assert steps["features"].numbers["by_code"]
    latest = steps["evaluate"].numbers["latest"]
    assert latest["verdict"] in {"better", "undecided"}
    assert latest["challenger"]["roc_auc"]["value"] > 0.6
    assert steps["evaluate"].numbers["threshold"] == pytest.approx(0.3, abs=0.01)
    assert steps["train"].numbers["parameters"]["max_iter"] in {100, 200}
    assert made.version.parent_id == champion.pk
    assert made.version.files.filter(path="code/flight_training.py").exists()
    assert not Job.objects.filter(state="dead").exists()
