"""Jobs as rows: the database is the ledger, a Celery message is only the wake-up call."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class JobState(models.TextChoices):
    DUE = "due", "due"
    RUNNING = "running", "running"
    DONE = "done", "done"
    DEAD = "dead", "dead"


class Job(models.Model):
    """A piece of work, unique by what it computes (`kind`, `key`), claimed with a fenced lease."""

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    queue = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.DUE)
    subject_id = models.BigIntegerField(help_text="Row the job is about; the kind says where")
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    token = models.BigIntegerField(default=0, help_text="Fencing token: raised by every claim")
    lease_until = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="job_unique_by_what_it_computes"),
            models.CheckConstraint(
                condition=Q(state__in=JobState.values), name="job_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False),
                name="job_running_has_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="job_due", condition=Q(state="due")),
            models.Index(fields=["lease_until"], name="job_leased", condition=Q(state="running")),
            models.Index(fields=["state"], name="job_unfinished", condition=~Q(state="done")),
            models.Index(fields=["state", "-finished_at"], name="job_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
