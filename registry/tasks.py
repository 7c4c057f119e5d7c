"""Celery's side of the registry: one line each."""

from celery import shared_task

from registry.jobs import drills, lengthening, rehash, verification
from registry.jobs import reconcile as jobs


@shared_task
def reconcile() -> None:
    jobs.reconcile()


@shared_task
def rehash_due() -> None:
    rehash.rehash_due()


@shared_task
def verify_oldest() -> None:
    verification.verify_oldest()


@shared_task
def drill_oldest() -> None:
    drills.drill_oldest()


@shared_task
def lengthen_due() -> None:
    lengthening.lengthen_due()
