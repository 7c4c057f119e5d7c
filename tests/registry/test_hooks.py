"""MLflow's webhooks: believed by signature only, once, and not when they are old."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import pytest
from django.urls import reverse

from ledger.models import Job
from registry.models import WebhookDelivery

SECRET = "shared with mlflow only"


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.MLFLOW_WEBHOOK_SECRET = SECRET


def body_for(name):
    event = {"entity": "model_version_alias", "action": "created"}
    data = {"name": name, "alias": "champion", "version": "2"}
    return json.dumps(event | {"timestamp": "2026-01-01T00:00:00", "data": data}).encode()


def send(client, body, *, secret=SECRET, age=0, delivery=None, spoil=b""):
    delivery = delivery or str(uuid.uuid4())
    stamp = str(int(time.time()) - age)
    signed = f"{delivery}.{stamp}.".encode() + body
    code = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    return client.post(
        reverse("hook-mlflow"),
        body + spoil,
        content_type="application/json",
        headers={
            "X-MLflow-Signature": f"v1,{code}",
            "X-MLflow-Delivery-Id": delivery,
            "X-MLflow-Timestamp": stamp,
        },
    )


def due():
    return Job.objects.filter(kind="registry.push", state="due").count()


def test_a_signed_webhook_has_its_model_compared_again(client, flights):
    answer = send(client, body_for(flights.mlflow_name))
    assert (answer.status_code, answer.content) == (204, b"")
    assert due() == 1
    assert WebhookDelivery.objects.get().entity == "model_version_alias"


def test_a_replay_is_refused(client, flights):
    delivery = str(uuid.uuid4())
    assert send(client, body_for("x"), delivery=delivery).status_code == 204
    answer = send(client, body_for(flights.mlflow_name), delivery=delivery)
    assert (answer.status_code, answer.json()["code"]) == (409, "webhook_replayed")
    assert due() == 0


@pytest.mark.parametrize(
    "how", [{"secret": "guessed"}, {"age": 301}, {"age": -60}, {"spoil": b" "}, {"delivery": "1"}]
)
def test_what_is_not_believed_changes_nothing(client, flights, how):
    answer = send(client, body_for(flights.mlflow_name), **how)
    assert (answer.status_code, answer.json()["code"]) == (401, "webhook_invalid")
    assert due() == 0
    assert not WebhookDelivery.objects.exists()


def test_without_a_secret_nothing_is_believed(client, flights, settings):
    settings.MLFLOW_WEBHOOK_SECRET = ""
    assert send(client, body_for(flights.mlflow_name), secret="").status_code == 401
    assert due() == 0


def test_a_huge_body_is_not_read(client, flights):
    assert send(client, b" " * (1024 * 1024 + 1)).status_code == 413


def test_only_post_is_taken(client, db):
    assert client.get(reverse("hook-mlflow")).status_code == 405


def test_a_running_push_is_not_fenced_by_its_own_echo(client, champion, flights):
    job = Job.objects.get(kind="registry.push")
    Job.objects.update(state="running", lease_until="2100-01-01T00:00Z", token=5)
    assert send(client, body_for(flights.mlflow_name)).status_code == 204
    job.refresh_from_db()
    assert (job.state, job.token) == ("running", 5)
