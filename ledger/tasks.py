"""Celery's side of the ledger: an id in, nothing out."""

from celery import shared_task

from ledger import poller, runner


@shared_task
def run_job(job_id: int) -> None:
    runner.run(job_id=job_id)


@shared_task
def poll() -> None:
    poller.wake_due()
