"""The profiles of a window, merged: what runs are computed from and charts are drawn from."""

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from django.db.models import Count, Sum

from monitoring.models import Profile as Row
from monitoring.models import Run
from monitoring.stats import storage
from monitoring.stats.profiles import Profile, empty, merge
from monitoring.stats.reference import Bins, Role, Schema

USUAL_WINDOWS = 12
USUAL_PHASES = 8
KEPT_BYTES = 64 * 1024 * 1024
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
ALL_ROWS = ""


OTHER_KINDS = ("natural", "proxy")


def exploration_segment(schema: Schema) -> str:
    """Where rows that were decided at random are counted; "" where no field says which."""
    name = schema.name_of(Role.EXPLORATION)
    return f"{name}=1" if name else ""


def segment_of_kind(outcome_kind: str) -> str:
    """Where labels of outcomes that are not true ones are counted."""
    return f"@{outcome_kind}"


@dataclass(frozen=True)
class Merged:
    """Counts of a window by segment; `revision` says how the profiles were when it was read."""

    by_segment: dict[str, Profile]
    revision: int
    outcomes_revision: int


def merged(
    bins: Bins,
    *,
    version_id: int,
    start: datetime,
    end: datetime,
    segments: Sequence[str] = (),
    outcomes: bool,
) -> Merged:
    """Merge a version's profiles from start (included) to end (not). One query, or two.

    Several monitors look at the same window: what was merged is kept while nothing is added to it.
    """
    wanted = (ALL_ROWS, *segments)
    rows = Row.objects.filter(
        version_id=version_id, hour__gte=start, hour__lt=end, segment__in=wanted
    )
    state = rows.aggregate(n=Count("pk"), rows=Sum("revision"), labels=Sum("outcomes_revision"))
    key = (version_id, start, end, wanted, outcomes, bins.digest, *state.values())
    known = _kept.get(key)
    if known is None:
        known = _merge(bins, rows, wanted, outcomes=outcomes)
        _kept.put(key, known)
    return known


def _merge(bins: Bins, rows: Any, wanted: Sequence[str], *, outcomes: bool) -> Merged:
    needed = ["segment", "revision", "outcomes_revision", "counts"]
    found = rows.values_list(*needed, *(["outcomes"] if outcomes else []))
    parts: dict[str, list[Profile]] = defaultdict(list)
    revision = labels = 0
    for segment, counted, labelled, *contents in found:
        parts[segment] += [storage.from_bytes(content) for content in contents if content]
        if segment == ALL_ROWS:
            revision, labels = revision + counted, labels + labelled
    by_segment = {name: merge([empty(bins), *parts[name]]) for name in wanted}
    return Merged(by_segment, revision, labels)


def parts_of(
    bins: Bins,
    *,
    version_id: int,
    start: datetime,
    end: datetime,
    parts: int,
    segment: str = ALL_ROWS,
) -> list[Profile]:
    """The counts of a window without outcomes, cut into so many times of whole hours. One query."""
    hours = max(1, -(-((end - start) // HOUR) // parts))
    rows = Row.objects.filter(
        version_id=version_id, segment=segment, hour__gte=start, hour__lt=end
    ).order_by("hour")
    found: dict[int, list[Profile]] = defaultdict(list)
    for hour, counts in rows.values_list("hour", "counts"):
        found[(hour - start) // (hours * HOUR)].append(storage.from_bytes(counts))
    return [merge([empty(bins), *found[place]]) for place in sorted(found)]


class Kept:
    """The windows merged last, as many as fit; one for each process, shared by its threads."""

    def __init__(self, most_bytes: int) -> None:
        self.most = most_bytes
        self.size = 0
        self.windows: OrderedDict[tuple[object, ...], tuple[Merged, int]] = OrderedDict()
        self.lock = Lock()

    def get(self, key: tuple[object, ...]) -> Merged | None:
        with self.lock:
            if key not in self.windows:
                return None
            self.windows.move_to_end(key)
            return self.windows[key][0]

    def put(self, key: tuple[object, ...], window: Merged) -> None:
        size = sum(
            array.nbytes for one in window.by_segment.values() for array in one.counts.values()
        )
        with self.lock:
            if size > self.most or key in self.windows:
                return
            self.windows[key] = (window, size)
            self.size += size
            while self.size > self.most:
                _, (_, gone) = self.windows.popitem(last=False)
                self.size -= gone


_kept = Kept(KEPT_BYTES)


def usual_rows(*, version_id: int, start: datetime, length: timedelta) -> list[int]:
    """Rows of up to twelve earlier windows of this length that lie in the log as a whole."""
    since = start - USUAL_WINDOWS * length
    rows = Row.objects.filter(version_id=version_id, segment=ALL_ROWS)
    first = rows.order_by("hour").values_list("hour", flat=True).first()
    if first is None:
        return []
    tallies: dict[int, int] = defaultdict(int)
    for hour, count in rows.filter(hour__gte=since, hour__lt=start).values_list("hour", "rows"):
        tallies[(start - hour - timedelta(seconds=1)) // length] += count
    whole = min(USUAL_WINDOWS, (start - first) // length)
    return [tallies[place] for place in range(whole)]


def labelled_by_hour(
    *, version_id: int, start: datetime, end: datetime, segment: str = ALL_ROWS
) -> list[Profile | None]:
    """The labelled counts of every hour from start to end; None for an hour without any."""
    rows = Row.objects.filter(
        version_id=version_id,
        segment=segment,
        hour__gte=start,
        hour__lt=end,
        outcomes__isnull=False,
    )
    found = {
        hour: storage.from_bytes(counts)
        for hour, counts in rows.values_list("hour", "outcomes")
        if counts is not None
    }
    return [found.get(start + place * HOUR) for place in range(int((end - start) / HOUR))]


def rows_by_hour(*, version_id: int, start: datetime, end: datetime) -> list[int]:
    """Rows of every hour from start to end, hours without any included."""
    rows = Row.objects.filter(version_id=version_id, segment=ALL_ROWS)
    counted = dict(rows.filter(hour__gte=start, hour__lt=end).values_list("hour", "rows"))
    hours = int((end - start) / HOUR)
    return [counted.get(start + place * HOUR, 0) for place in range(hours)]


def rows_in_phase(*, version_id: int, start: datetime, end: datetime) -> list[int]:
    """Rows of the same hours of up to eight earlier weeks that lie in the log."""
    rows = Row.objects.filter(version_id=version_id, segment=ALL_ROWS)
    first = rows.order_by("hour").values_list("hour", flat=True).first()
    shifts = [WEEK * back for back in range(1, USUAL_PHASES + 1)]
    spans = [(start - by, end - by) for by in shifts if first is not None and start - by >= first]
    return [
        rows.filter(hour__gte=one, hour__lt=other).aggregate(n=Sum("rows"))["n"] or 0
        for one, other in spans
    ]


def latest_run_of(run: Run) -> Run | None:
    """The latest run of the same monitor, version and window, whatever its settings were."""
    return Run.objects.filter(
        monitor_id=run.monitor_id,
        version_id=run.version_id,
        window_start=run.window_start,
        window_end=run.window_end,
        latest=True,
    ).first()
