"""Celery's side of the trail: one line each."""

from celery import shared_task

from audit.jobs import checkpoint, seal


@shared_task
def seal_due() -> None:
    seal.seal_due()


@shared_task
def checkpoint_due() -> None:
    checkpoint.checkpoint_due()
