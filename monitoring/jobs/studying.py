"""A reference file studied: its bins and counts, by segment and by phase, and its season.

No writing here. Every version's windows are counted over these bins, so this is done once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitoring.jobs.counting import values_apart
from monitoring.reads.baselines import schema_of, stats_schema
from monitoring.reads.references import phase_part
from monitoring.stats import building, columns, reference, stability
from monitoring.stats.loss_estimation import fit_losses
from monitoring.stats.phases import HOURS, Choice, Scheme, choose_scheme, phase_of_hour
from monitoring.stats.profiles import Profile, empty, merge
from monitoring.stats.reference import Bins, Role, Task
from registry.gateways import store
from registry.models import Reference, Version
from registry.schemas import FieldRole, PredictionSchema

DAY = timedelta(days=1)
ORIGIN_WEEKDAY = 3  # 1970-01-01 was a Thursday
MICROSECONDS = 3_600_000_000
APART = (FieldRole.SEGMENT, FieldRole.GROUP)


@dataclass(frozen=True)
class Studied:
    """What is learnt from a reference once."""

    bins: Bins
    profile: Profile
    parts: Mapping[str, Profile] = field(default_factory=dict)
    season: Mapping[str, Any] = field(default_factory=dict)
    loss: Mapping[str, Any] | None = None


def studied(version: Version, file: Reference) -> Studied:
    """Freeze the bins of a reference file and count it over them, whole and in parts.

    Raises:
        LookupError: the version has no schema yet.
    """
    declared = schema_of(version)
    if declared is None:
        raise LookupError(f"{version} has a reference but no schema.")
    with store.opened(file.path) as source:
        table = pq.read_table(pa.PythonFile(source, mode="r"))
    model = version.model
    bins = reference.freeze(stats_schema(declared, model.task, tuple(model.components)), table)
    choice, phases = _phases(bins, table, declared)
    return Studied(
        bins,
        counted(bins, table),
        dict(_segments(bins, table, declared)) | phases,
        _told(choice),
        _loss(bins, table),
    )


def counted(bins: Bins, table: pa.Table) -> Profile:
    """Rows of a reference, with their outcomes if it has them."""
    parts = [building.profile_predictions(bins, table)]
    outcome = bins.schema.name_of(Role.OUTCOME)
    if outcome is not None and outcome in table.column_names:
        parts.append(building.profile_outcomes(bins, table))
    return merge(parts)


def _segments(
    bins: Bins, table: pa.Table, declared: PredictionSchema
) -> Iterator[tuple[str, Profile]]:
    for one in declared.having(*APART):
        if one.name not in table.column_names:
            continue
        values = values_apart(table, one.name, one.categories, [])
        codes = columns.coded(table, one.name, values)
        for place in np.unique(codes[codes >= 0]).tolist():
            rows = table.take(pa.array(np.flatnonzero(codes == place)))
            yield f"{one.name}={values[place]}", counted(bins, rows)


def _phases(
    bins: Bins, table: pa.Table, declared: PredictionSchema
) -> tuple[Choice | None, dict[str, Profile]]:
    """The coarsest phases that explain the season of the reference, and its counts by them."""
    at = declared.timestamp.name
    if at not in table.column_names or table.column(at).null_count or not table.num_rows:
        return None, {}
    by_hour = _by_hour_of_week(bins, table, at)
    spread = pc.min_max(table.column(at))
    days = (spread["max"].as_py() - spread["min"].as_py()) / DAY
    choice = choose_scheme(_cells(bins, by_hour), days=days)
    if choice.scheme is Scheme.NONE:
        return choice, {}
    merged: dict[int, list[Profile]] = {}
    for hour, profile in by_hour.items():
        merged.setdefault(phase_of_hour(hour, choice.scheme), []).append(profile)
    parts = {phase_part(choice.scheme, phase): merge(some) for phase, some in merged.items()}
    return choice, parts


def _by_hour_of_week(bins: Bins, table: pa.Table, at: str) -> dict[int, Profile]:
    times = columns.column(table, at).cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    hours = (times // MICROSECONDS + ORIGIN_WEEKDAY * 24) % HOURS
    return {
        hour: counted(bins, table.take(pa.array(np.flatnonzero(hours == hour))))
        for hour in np.unique(hours).tolist()
    }


def _cells(bins: Bins, by_hour: Mapping[int, Profile]) -> dict[str, columns.Counts]:
    """field -> reference counts by hour of the week, shape (168, cells)."""
    whole = merge(by_hour.values())
    nothing = empty(bins)
    found = {}
    for spec in bins.schema.profiled:
        if spec.role in {Role.FEATURE, Role.SCORE}:
            found[spec.name] = np.stack(
                [
                    stability.cells_of(bins, whole, by_hour.get(hour, nothing), spec.name).current
                    for hour in range(HOURS)
                ]
            )
    return found


def _told(choice: Choice | None) -> dict[str, Any]:
    if choice is None:
        return {"scheme": Scheme.NONE, "reason": "The reference does not say when its rows were."}
    return {"scheme": choice.scheme, "reason": choice.reason}


def _loss(bins: Bins, table: pa.Table) -> Mapping[str, Any] | None:
    """What a regression's error is expected to be, for windows without outcomes."""
    outcome = bins.schema.name_of(Role.OUTCOME)
    if bins.schema.task is not Task.REGRESSION or outcome not in table.column_names:
        return None
    return fit_losses(bins, table).as_json()
