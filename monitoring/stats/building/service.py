"""How the service ran, and what its decisions were worth."""

import numpy as np
import pyarrow as pa

from monitoring.stats import columns
from monitoring.stats.building.decisions import decided
from monitoring.stats.building.fields import total, total_of_squares
from monitoring.stats.columns import Batch, Counts, Floats
from monitoring.stats.exact import Exact
from monitoring.stats.profiles import GAP_EDGES, LATENCY_EDGES, Profile, merge, value_key
from monitoring.stats.reference import RESOURCES, Bins, Role, Task

MICROSECONDS = 1e6


def service(bins: Bins, batch: Batch) -> Profile:
    """Count rows, errors, latencies, gaps between rows, and what the server reports of itself."""
    schema = bins.schema
    error, latency = schema.name_of(Role.ERROR), schema.name_of(Role.LATENCY)
    errors = columns.flags(batch, error) if error else 0
    times = columns.numbers(batch, latency).values if latency else np.empty(0)
    times = times[np.isfinite(times)]
    histogram = np.histogram(times, bins=LATENCY_EDGES)[0]
    head = [batch.num_rows, errors, times.size]
    counts: dict[str, Counts] = {"operations": np.concatenate([head, histogram]).astype(np.int64)}
    sums = {"latency": total(times), "latency^2": total_of_squares(times)} if times.size else {}
    resources = [_resource(bins, batch, role) for role in RESOURCES]
    return merge([Profile(bins.digest, counts, sums), _gaps(bins, batch), *resources])


def value(bins: Bins, batch: Batch) -> Profile:
    """Sum the declared business value of all rows by prediction; "" for a regression."""
    name = bins.schema.name_of(Role.VALUE)
    if name is None:
        return Profile(bins.digest)
    worth = columns.with_nan(batch, name)
    known = np.isfinite(worth)
    counts = {"value": np.array([int(known.sum())], np.int64)}
    if bins.schema.task is Task.REGRESSION:
        return Profile(bins.digest, counts, worth_of(value_key(""), worth[known]))
    made = decided(bins, batch)[known]
    sums: dict[str, Exact] = {}
    for place, label in enumerate([*bins.schema.classes, "(none)"]):
        sums |= worth_of(value_key(label), worth[known][made == place])
    return Profile(bins.digest, counts, sums)


def worth_of(key: str, values: Floats) -> dict[str, Exact]:
    """Return the exact sums of values and of their squares, and how many there are."""
    if not values.size:
        return {}
    return {
        key: total(values),
        f"{key}^2": total_of_squares(values),
        f"{key}#": Exact(1, 0) if values.size == 1 else total(np.ones(values.size)),
    }


def _gaps(bins: Bins, batch: Batch) -> Profile:
    """Count seconds between rows that follow each other; rows come in order of time."""
    name = bins.schema.name_of(Role.TIMESTAMP)
    if name is None or batch.num_rows < 2:
        return Profile(bins.digest)
    times = columns.column(batch, name).drop_null()
    if not pa.types.is_timestamp(times.type) or len(times) < 2:
        return Profile(bins.digest)
    micros = np.sort(times.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy())
    seconds = np.diff(micros) / MICROSECONDS
    counts = np.histogram(seconds, bins=GAP_EDGES)[0].astype(np.int64)
    extremes = {"gap": (float(seconds.min()), float(seconds.max()))}
    return Profile(bins.digest, {"gaps": counts}, extremes=extremes)


def _resource(bins: Bins, batch: Batch, role: Role) -> Profile:
    name = bins.schema.name_of(role)
    if name is None:
        return Profile(bins.digest)
    column = columns.numbers(batch, name)
    values = column.values[np.isfinite(column.values)]
    key = f"resource/{role.value}"
    counts = {key: np.array([values.size, batch.num_rows - values.size], np.int64)}
    if not values.size:
        return Profile(bins.digest, counts)
    sums = {key: total(values), f"{key}^2": total_of_squares(values)}
    extremes = {key: (float(values.min()), float(values.max()))}
    return Profile(bins.digest, counts, sums, extremes)
