"""What must hold in the end: every row counted, and counted once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pyarrow as pa
from django.db import connection
from django.db.models import Sum

from ledger.models import Job, JobState
from monitoring.models import Batch, Profile
from monitoring.reads.baselines import baseline_of
from monitoring.reads.windows import merged
from monitoring.stats.building import profile_predictions
from registry.models import Version
from tests.faults.processes import House, database_url, until
from tests.monitoring import world
from tests.monitoring.world import START

# Folding needs the model's row before it stores; an upload needs it when it commits.
MODELS: LiteralString = "SELECT 1 FROM registry_model FOR UPDATE"
# An upload inserts its row here after its file was written.
BATCHES: LiteralString = "LOCK TABLE monitoring_batch IN SHARE MODE"
Rows = list[dict[str, Any]]


def lots(count: int, *, rows: int = 40, prefix: str = "b") -> list[Rows]:
    """Batches that fall into the same hours, so that each job changes what others change."""
    return [
        world.rows(
            rows, start=START + timedelta(minutes=place), prefix=f"{prefix}{place}-", seed=place
        )
        for place in range(count)
    ]


def send_all(actor: Any, version: Version, batches: Iterable[Rows]) -> int:
    return sum(world.send(actor, version, batch).answer["rows"] for batch in batches)


def states() -> dict[str, int]:
    found = Job.objects.values_list("state", flat=True)
    return {state: list(found).count(state) for state in JobState.values}


def errors() -> list[str]:
    """The last line of what went wrong with jobs that are not done."""
    found = Job.objects.exclude(state=JobState.DONE).exclude(error="")
    return [error.strip().splitlines()[-1] for error in found.values_list("error", flat=True)]


def wait_for_all(house: House, *, seconds: float = 120.0) -> None:
    """Until no job is due or running; the last words of the processes if it does not happen."""

    def at_rest() -> bool:
        return not Job.objects.filter(state__in=[JobState.DUE, JobState.RUNNING]).exists()

    def why() -> str:
        words = "\n".join(started.tail() for started in house.started[-3:])
        return f"every job has ended: {states()} {errors()}\n{words}"

    until(at_rest, why, seconds=seconds)


def assert_folded_once(version: Version, batches: Sequence[Rows], about: str) -> None:
    """The profiles hold what counting all rows at once gives, and each hour was raised by every
    batch that touches it, once."""
    sent = [row for batch in batches for row in batch]
    profiles = Profile.objects.filter(version=version, segment="")
    raised = sum(len({row["at"].replace(minute=0) for row in _cut(batch)}) for batch in batches)
    assert Batch.objects.filter(folded_at__isnull=False).count() == len(batches), about
    assert profiles.aggregate(n=Sum("rows"))["n"] == len(sent), about
    assert profiles.aggregate(n=Sum("revision"))["n"] == raised, about
    baseline = baseline_of(version.pk)
    assert baseline is not None
    bins = baseline.bins
    window = merged(
        bins,
        version_id=version.pk,
        start=START - timedelta(days=1),
        end=START + timedelta(days=30),
        outcomes=False,
    )
    expected = profile_predictions(bins, pa.Table.from_pylist(world.predictions(sent)))
    for name, counts in expected.counts.items():
        assert (window.by_segment[""].counts[name] == counts).all(), f"{name}; {about}"


def _cut(batch: Rows) -> Rows:
    return [{"at": row["at"].replace(second=0, microsecond=0)} for row in batch]


@contextmanager
def held(lock: LiteralString) -> Iterator[Callable[[], list[int]]]:
    """Hold a lock that others need, so that they stop inside their transactions.

    Gives what waits: the backends (process ids of the database) that want the lock.
    """
    with psycopg.connect(database_url(connection.settings_dict)) as holder:
        holder.execute(lock)
        yield lambda: blocked_by(holder.info.backend_pid)


def blocked_by(backend: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND %s = ANY(pg_blocking_pids(pid))",
            [backend],
        )
        return [row[0] for row in cursor.fetchall()]
