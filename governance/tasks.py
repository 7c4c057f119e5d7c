"""Celery's side of governance: one line each."""

from celery import shared_task

from governance.jobs import daily, follow


@shared_task
def follow_verdicts() -> None:
    follow.follow_verdicts()


@shared_task
def look_after_rules() -> None:
    daily.schedule()
