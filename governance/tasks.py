"""Celery's side of governance: one line each."""

from celery import shared_task

from governance.jobs import follow


@shared_task
def follow_verdicts() -> None:
    follow.follow_verdicts()
