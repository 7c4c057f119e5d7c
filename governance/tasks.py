"""Celery's side of governance: one line each."""

from celery import shared_task

from governance.jobs import daily, follow, retirements


@shared_task
def follow_verdicts() -> None:
    follow.follow_verdicts()


@shared_task
def look_after_rules() -> None:
    daily.schedule()


@shared_task
def look_for_retirements() -> None:
    retirements.schedule()


@shared_task
def advance_endings() -> None:
    retirements.advance_endings()
