"""The poll: what does MLflow say, and is it what was approved? Webhooks only make it sooner."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from ledger import claims
from ledger.models import Job, JobState
from registry.gateways import mlflow
from registry.gateways.mlflow import MlflowRefused, MlflowUnavailable
from registry.jobs.archives import fail_archive
from registry.jobs.looking import Doubtful
from registry.jobs.mlflow import look_and_note, note_failure, push_soon
from registry.jobs.restoring import fail_restore
from registry.models import (
    Archive,
    Deviation,
    Model,
    Restore,
    RestoreState,
    Version,
    WebhookDelivery,
)
from registry.states import PUT_BACK_BY_A_PUSH, ArchiveState

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
        except Doubtful as doubt:
            note_failure(model_ids=[model.pk], reason=str(doubt))
        except MlflowUnavailable as error:
            note_failure(model_ids=[one.pk for one in models[place:]], reason=str(error))
            return place
        except MlflowRefused as refusal:
            note_failure(model_ids=[model.pk], reason=str(refusal))
    _revive()
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
    _, differs = look_and_note(model_id=model_id, name=name)
    if differs and not _awaits_a_person(model_id):
        with transaction.atomic():
            push_soon(model_id=model_id)


def _awaits_a_person(model_id: int) -> bool:
    """Whether somebody else's change is left as it is until a person has decided."""
    moved = Deviation.objects.lasting().filter(model=model_id, kind__in=PUT_BACK_BY_A_PUSH)
    return settings.PUT_BACK == "ask" and moved.exists()


def _forget_deliveries() -> None:
    """A webhook older than five minutes is refused by its age, so old ids need not be kept."""
    WebhookDelivery.objects.filter(received_at__lt=timezone.now() - timedelta(days=1)).delete()


def _revive() -> None:
    """MLflow answers: what was given up while it was away is tried again, the rest has failed."""
    kinds = ["registry.inspect", "registry.archive", "registry.restore"]
    for job in Job.objects.filter(kind__in=kinds, state=JobState.DEAD).order_by("pk")[:100]:
        if "MlflowUnavailable" in job.error:
            with transaction.atomic():
                claims.again(kind=job.kind, key=job.key, subject_id=job.subject_id)
        else:
            _give_up(job)


def _give_up(job: Job) -> None:
    """Say so where people look; saying it again changes nothing."""
    reason = (job.error.strip().splitlines() or ["no reason was kept"])[-1]
    if job.kind == "registry.archive":
        if Archive.objects.filter(pk=job.subject_id, state=ArchiveState.REQUESTED).exists():
            fail_archive(archive_id=job.subject_id, reason=reason)
    elif job.kind == "registry.restore":
        if Restore.objects.filter(pk=job.subject_id, state=RestoreState.REQUESTED).exists():
            fail_restore(restore_id=job.subject_id, reason=reason)
    else:
        waiting = Version.objects.filter(pk=job.subject_id, artifact_digest="", inspect_error="")
        waiting.update(inspect_error=reason[:500])


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
