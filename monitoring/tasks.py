"""Celery's side of monitoring: wake-ups of jobs that look for work themselves."""

from celery import shared_task

from monitoring.jobs import experiments, outlooks, parked, schedule, sweep


@shared_task
def schedule_windows() -> None:
    schedule.schedule_windows()


@shared_task
def retry_parked() -> None:
    parked.retry_parked()


@shared_task
def sweep_orphans() -> None:
    sweep.sweep_orphans()


@shared_task
def look_ahead() -> None:
    outlooks.look_ahead()


@shared_task
def look_at_experiments() -> None:
    experiments.schedule_looks()
