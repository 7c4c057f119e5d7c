"""A webhook of MLflow: believed by its signature, taken once, answered before anything is done."""

from collections.abc import Mapping

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from registry.gateways.mlflow import WebhookInvalid, verify_webhook
from registry.jobs.mlflow import push_soon
from registry.models import Model, WebhookDelivery

__all__ = ["Replayed", "WebhookInvalid", "take_delivery"]


class Replayed(Exception):
    """This delivery was taken before."""


def take_delivery(*, body: bytes, headers: Mapping[str, str]) -> None:
    """Verify one delivery, keep its id, and have the model that it names compared again.

    Raises:
        WebhookInvalid: not signed with our secret, too old, or no webhook at all.
        Replayed: its id was seen before.
    """
    delivery = verify_webhook(body, headers, settings.MLFLOW_WEBHOOK_SECRET, timezone.now())
    entity, _, action = delivery.event.partition(".")
    try:
        with transaction.atomic():
            WebhookDelivery.objects.create(
                delivery_id=delivery.delivery_id, entity=entity, action=action[:20]
            )
            _compare_again(delivery.model)
    except IntegrityError as error:
        raise Replayed(f"Delivery {delivery.delivery_id} was taken before.") from error


def _compare_again(name: str) -> None:
    model_id = Model.objects.filter(mlflow_name=name).values_list("pk", flat=True).first()
    if model_id is not None:
        push_soon(model_id=model_id)
