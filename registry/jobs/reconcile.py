"""The poll: what does MLflow say, and is it what was approved? Webhooks only make it sooner."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import salted_hmac

from ledger.models import Job, JobState
from registry.gateways import mlflow
from registry.gateways.mlflow import MlflowRefused, MlflowUnavailable
from registry.jobs.mlflow import look, note, note_failure, push_soon
from registry.models import Model, Version, WebhookDelivery

log = logging.getLogger(__name__)

WEBHOOK_PATH = "/hooks/mlflow"


def reconcile() -> int:
    """Look at every model that has a name in MLflow; returns how many could be looked at.

    What differs is pushed by a job of the ledger. When MLflow does not answer, the models keep what
    was seen last and say why it is old.
    """
    models = list(Model.objects.filter(mlflow_name__isnull=False).order_by("pk"))
    if not settings.MLFLOW_TRACKING_URI or not models:
        return 0
    for place, model in enumerate(models):
        try:
            reconcile_model(model_id=model.pk)
        except MlflowUnavailable as error:
            note_failure(model_ids=[one.pk for one in models[place:]], reason=str(error))
            return place
        except MlflowRefused as refusal:
            note_failure(model_ids=[model.pk], reason=str(refusal))
    _inspect_again()
    _forget_deliveries()
    ensure_webhook()
    return len(models)


def reconcile_model(*, model_id: int) -> None:
    """Store what MLflow says of one model, and have what differs put right.

    Raises:
        MlflowUnavailable, MlflowRefused: MLflow did not say anything of use.
    """
    name = Model.objects.values_list("mlflow_name", flat=True).get(pk=model_id)
    if name is None:
        return
    seen = look(name)
    with transaction.atomic():
        if note(model_id=model_id, seen=seen):
            push_soon(model_id=model_id)


def _forget_deliveries() -> None:
    """A webhook older than five minutes is refused by its age, so old ids need not be kept."""
    WebhookDelivery.objects.filter(received_at__lt=timezone.now() - timedelta(days=1)).delete()


def _inspect_again() -> None:
    """MLflow answers: versions whose hashing was given up while it was away get another try."""
    waiting = Version.objects.filter(artifact_digest="", inspect_error="")
    for version_id in waiting.values_list("pk", flat=True)[:100]:
        dead = Job.objects.filter(kind="registry.inspect", key=str(version_id), state=JobState.DEAD)
        dead.update(state=JobState.DUE, attempts=0, due_at=Now(), finished_at=None)


def ensure_webhook() -> None:
    """Have MLflow tell us of changes; an older webhook of ours with another secret goes.

    MLflow never shows a webhook's secret, so its name carries a keyed mark of secret and address.
    """
    secret = settings.MLFLOW_WEBHOOK_SECRET
    if not secret:
        return
    url = settings.PUBLIC_URL + WEBHOOK_PATH
    mark = salted_hmac("registry.webhook", f"{url} {secret}", algorithm="sha256").hexdigest()[:16]
    name = f"ombud-{mark}"
    try:
        there = [hook for hook in mlflow.list_webhooks() if hook.url == url]
        kept = [hook for hook in there if hook.name == name and hook.active]
        for hook in there:
            if hook not in kept[:1]:
                mlflow.delete_webhook(hook.webhook_id)
        if not kept:
            mlflow.create_webhook(name, url, secret)
    except (MlflowUnavailable, MlflowRefused) as error:
        # Webhooks only save time: the poll finds the same.
        log.warning("no webhook from MLflow: %s", error)
