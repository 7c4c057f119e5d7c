"""Celery's side of the registry: one line each."""

from celery import shared_task

from registry.jobs import reconcile as jobs


@shared_task
def reconcile() -> None:
    jobs.reconcile()
