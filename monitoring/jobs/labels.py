"""Outcomes counted at the hours of their predictions: true ones, and others beside them.

True outcomes add to every segment of a prediction's hour. Natural and proxy outcomes are counted
apart, in a segment of their own; where a prediction has a true one too, their agreement is counted.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from monitoring.gateways import duckdb
from monitoring.jobs import logs
from monitoring.jobs.counting import Cell, by_hour
from monitoring.models import OutcomeKind
from monitoring.reads.windows import segment_of_kind
from monitoring.stats.building import FAILED_COMPONENT, profile_agreement, profile_outcomes
from monitoring.stats.profiles import Profile, merge
from monitoring.stats.reference import Bins

ID = "prediction_id"
OTHER = "other_outcome"
Counted = Mapping[Cell, Profile]


def labelled_counts(
    log: logs.Log, rows: pa.Table, kind: str, outcomes: Sequence[logs.Neighbour]
) -> Counted:
    """All that rows with an outcome of one kind add, beside outcomes that are there already."""
    return together(_counted(log, rows, kind), _agreements(log, rows, kind, outcomes))


def with_outcomes(rows: pa.Table, places: list[int], outcome: str, sent: pa.Table) -> pa.Table:
    """The rows at these places with their outcome and, where it is named, the failed stage."""
    labelled = rows.take(pa.array(places, pa.int64())).append_column(outcome, sent["outcome"])
    if FAILED_COMPONENT in sent.column_names:
        labelled = labelled.append_column(FAILED_COMPONENT, sent[FAILED_COMPONENT])
    return labelled


def _counted(log: logs.Log, rows: pa.Table, kind: str) -> Counted:
    """Labelled rows (columns of the log and the outcome, of one kind) by hour and segment."""
    if not rows.num_rows:
        return {}
    segments = log.segments(rows) if kind == OutcomeKind.TRUE else {}
    found = by_hour(rows, log.at, segments, profile_outcomes, log.baseline.bins)
    return _apart(found, kind)


def _agreements(
    log: logs.Log, rows: pa.Table, kind: str, outcomes: Sequence[logs.Neighbour]
) -> Counted:
    """How labelled rows of one kind agree with outcomes of other kinds that are there already."""
    found: dict[Cell, Profile] = {}
    for other in OutcomeKind.values:
        if (kind == OutcomeKind.TRUE) == (other == OutcomeKind.TRUE):
            continue
        paths = [one.path for one in outcomes if one.outcome_kind == other]
        pairs = _pairs(log, rows, paths, swapped=kind != OutcomeKind.TRUE)
        less_true = other if kind == OutcomeKind.TRUE else kind
        counts = by_hour(pairs, log.at, {}, _agreeing, log.baseline.bins) if pairs else {}
        found |= _apart(counts, less_true)
    return found


def together(*parts: Counted) -> Counted:
    """Counts of the same cells added."""
    total: dict[Cell, Profile] = {}
    for part in parts:
        for cell, profile in part.items():
            total[cell] = merge([total[cell], profile]) if cell in total else profile
    return total


def places(ids: pa.ChunkedArray) -> pa.Table:
    """Ids with the number of their row, as joins want them."""
    return pa.table({"place": pa.array(range(len(ids)), pa.int64()), "id": ids})


def _apart(found: Counted, kind: str) -> Counted:
    if kind == OutcomeKind.TRUE:
        return found
    return {(hour, segment_of_kind(kind)): profile for (hour, _), profile in found.items()}


def _pairs(
    log: logs.Log, rows: pa.Table, paths: Sequence[str], *, swapped: bool
) -> pa.Table | None:
    """Rows with a true outcome under the outcome's name, and the other beside it."""
    outcome = log.outcome
    if outcome is None or not paths or not rows.num_rows:
        return None
    ids = places(rows.column(log.schema.id.name))
    found, others = duckdb.joined(ids, paths, ID, ["outcome"])
    if not found:
        return None
    both = rows.take(pa.array(found, pa.int64()))
    own, other = both.column(outcome), others.column("outcome")
    true, less_true = (other, own) if swapped else (own, other)
    place = both.schema.get_field_index(outcome)
    return both.set_column(place, outcome, true).append_column(OTHER, less_true)


def _agreeing(bins: Bins, rows: pa.Table) -> Profile:
    return profile_agreement(bins, rows, OTHER)
