"""Celery's side of monitoring: wake-ups of jobs that look for work themselves."""

from celery import shared_task

from monitoring.jobs import erasing, experiments, outlooks, parked, rollouts, schedule, sweep
from monitoring.jobs.explaining import drawing
from monitoring.jobs.retraining import starting


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


@shared_task
def resume_erasures() -> None:
    erasing.resume_waiting()


@shared_task
def follow_rollouts() -> None:
    rollouts.schedule_rollouts()


@shared_task
def look_after_retraining() -> None:
    starting.look_after()


@shared_task
def look_after_explanations() -> None:
    drawing.look_after()
