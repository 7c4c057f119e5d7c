"""Schedule: which windows are due, past ones included. Any number of schedulers may run this.

A window is due when it has closed (end + lateness) and no run has seen the profiles as they are
now. While a batch that touches it waits to be folded, it is left alone, so that a stream of late
outcomes gives one new revision and not hundreds.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TypeAlias

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from ledger import claims
from ledger.models import Job, JobState
from monitoring.jobs.baselines import count_new_references
from monitoring.jobs.defaults import ensure_defaults
from monitoring.jobs.first_window import adopt_first_windows
from monitoring.jobs.windows import COVERED, Window, windows_between
from monitoring.models import Batch, Monitor, MonitorKind, Profile, Run
from monitoring.reads.baselines import baseline_of
from monitoring.reads.settings import config_digest, needs_outcomes
from registry.models import Deployment, Version

HOUR = timedelta(hours=1)
AT_ONCE = 2_000
DAILY = 24
FINE_BACK = timedelta(days=7)
KIND = "monitoring.evaluate"
Basis: TypeAlias = tuple[str, str, int]  # settings, reference, revisions of the profiles


@dataclass(frozen=True)
class Evaluation:
    """What an evaluate job computes; its text is the ledger key."""

    monitor_id: int
    version_id: int
    window: Window
    digest: str
    revision: int

    @property
    def key(self) -> str:
        start, end = (f"{moment:%Y%m%d%H}" for moment in (self.window.start, self.window.end))
        return f"{self.monitor_id}:{self.version_id}:{start}:{end}:{self.digest}:{self.revision}"


class History:
    """A version's profiles by hour, summed from the first on: any window costs two look-ups."""

    def __init__(self, hours: list[tuple[datetime, int, int]]) -> None:
        self.hours = [hour for hour, _, _ in hours]
        self.first, self.last = self.hours[0], self.hours[-1]
        self.rows = [0, *accumulate(rows for _, rows, _ in hours)]
        self.labels = [0, *accumulate(labels for _, _, labels in hours)]

    def state(self, window: Window, *, with_outcomes: bool) -> int:
        """Sum of the revisions in a window: it grows with everything that is added."""
        start, end = (bisect_left(self.hours, at) for at in (window.start, window.end))
        rows = self.rows[end] - self.rows[start]
        return rows + (self.labels[end] - self.labels[start] if with_outcomes else 0)


def schedule_windows() -> int:
    """Count new references, set up default monitors, enqueue due windows; returns how many."""
    adopt_first_windows()
    count_new_references()
    ensure_defaults()
    monitors: dict[int, list[Monitor]] = defaultdict(list)
    for monitor in Monitor.objects.filter(enabled=True):
        monitors[monitor.model_id].append(monitor)
    made = 0
    counted = Profile.objects.filter(version=OuterRef("pk"))
    watched = Version.objects.filter(
        Exists(counted), model_id__in=monitors, reference__frozen_at__isnull=False
    ).select_related("reference")
    for version in watched.defer("reference__edges", "reference__profile").order_by("pk"):
        due = _due(version, monitors[version.model_id], timezone.now())
        made += sum(_enqueue(evaluation) for evaluation in due)
    return made


@transaction.atomic
def _enqueue(evaluation: Evaluation) -> bool:
    key, monitor_id = evaluation.key, evaluation.monitor_id
    if claims.enqueue(kind=KIND, key=key, subject_id=monitor_id) is not None:
        return True
    # A job may have ended without a run, because settings had changed; now they are back.
    void = Job.objects.filter(kind=KIND, key=key, state=JobState.DONE).exists()
    if void:
        claims.again(kind=KIND, key=key, subject_id=monitor_id)
    return void


def _due(version: Version, monitors: Iterable[Monitor], now: datetime) -> Iterator[Evaluation]:
    history = _history(version)
    baseline = baseline_of(version.pk)
    if history is None or baseline is None:
        return
    waiting = _waiting(version)
    seen = _seen(version)
    last = now if _serves(version) else history.last + HOUR
    for monitor in monitors:
        digest = config_digest(monitor)
        labelled = needs_outcomes(monitor, baseline.bins.schema)
        closed = now - timedelta(hours=monitor.lateness_hours)
        until = min(closed, _ceiling(last, monitor))
        for window in windows_between(
            _earliest(history, monitor, now),
            until,
            window_hours=monitor.window_hours,
            every_hours=monitor.every_hours,
        ):
            state = history.state(window, with_outcomes=labelled)
            basis, revision = seen.get((monitor.pk, window), (None, 0))
            if basis == (digest, version.reference.digest, state):
                continue
            if not any(window.meets(first, last) for first, last in waiting):
                yield Evaluation(monitor.pk, version.pk, window, digest, revision + 1)


def _earliest(history: History, monitor: Monitor, now: datetime) -> datetime:
    """How a service ran long ago helps nobody: its hours are looked at for a week back."""
    if monitor.kind != MonitorKind.OPERATIONS or monitor.every_hours >= DAILY:
        return history.first
    return max(history.first, now - FINE_BACK)


def _ceiling(last: datetime, monitor: Monitor) -> datetime:
    """The last window of a version that serves no more is the last that its log covers."""
    return last + (1 - COVERED) * timedelta(hours=monitor.window_hours)


def _history(version: Version) -> History | None:
    rows = Profile.objects.filter(version=version, segment="")
    hours = list(rows.order_by("hour").values_list("hour", "revision", "outcomes_revision"))
    return History(hours) if hours else None


def _waiting(version: Version) -> list[tuple[datetime, datetime]]:
    """The times of batches of this model that are not folded yet."""
    found = Batch.objects.filter(model_id=version.model_id, folded_at__isnull=True)
    mine = found.filter(version=version) | found.filter(version__isnull=True)
    return list(mine.values_list("first_at", "last_at")[:AT_ONCE])


def _seen(version: Version) -> dict[tuple[int, Window], tuple[Basis, int]]:
    """(monitor, window) -> what its latest run was computed from, and its revision."""
    runs = Run.objects.filter(version=version, latest=True).values_list(
        "monitor_id",
        "window_start",
        "window_end",
        "config_digest",
        "reference_digest",
        "data_revision",
        "revision",
    )
    return {
        (monitor_id, Window(start, end)): ((digest, reference, state), revision)
        for monitor_id, start, end, digest, reference, state, revision in runs
    }


def _serves(version: Version) -> bool:
    return Deployment.objects.filter(version=version, ended_at__isnull=True).exists()


def parse_key(key: str) -> Evaluation:
    """The evaluation whose key this is."""
    monitor, version, start, end, digest, revision = key.split(":")
    moments = (datetime.strptime(text, "%Y%m%d%H").replace(tzinfo=UTC) for text in (start, end))
    return Evaluation(int(monitor), int(version), Window(*moments), digest, int(revision))
