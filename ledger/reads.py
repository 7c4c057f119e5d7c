"""How much work waits: counted over partial indexes, so it stays cheap however long the past."""

from django.db.models import Count, Q

from ledger.models import Job, JobState


def waiting() -> dict[str, int]:
    """Jobs that are due, running and dead; one query."""
    unfinished = Job.objects.exclude(state=JobState.DONE)
    return unfinished.aggregate(
        due=Count("pk", filter=Q(state=JobState.DUE)),
        running=Count("pk", filter=Q(state=JobState.RUNNING)),
        dead=Count("pk", filter=Q(state=JobState.DEAD)),
    )
