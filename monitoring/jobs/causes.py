"""What may have caused a change: features that drifted, segments, faults of the data."""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.jobs.windows import Window
from monitoring.models import Profile as Row
from monitoring.models import ReferencePart
from monitoring.reads.baselines import Baseline
from monitoring.stats import columns, stability, storage
from monitoring.stats.columns import Batch, Floats
from monitoring.stats.faults import faults
from monitoring.stats.performance import confusion_of
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, Role, Task
from monitoring.stats.root_cause import Cause, Part, fault_cause, feature_causes, segment_causes
from registry.models import Version
from registry.reads.lineage import importances

MOST_SEGMENTS = 200
FEWEST_FAULTS = 30


def of_features(
    bins: Bins, reference: Profile, current: Profile, version: Version, *, seed: int
) -> list[Cause]:
    """Drift of each feature times its importance, as the training run logged it.

    A run says how important a feature is by a metric named importance.<feature>.
    """
    names = [spec.name for spec in bins.schema.fields if spec.role is Role.FEATURE]
    drifts = {
        name: stability.drift(bins, reference, current, name, measures=("psi",), seed=seed)["psi"]
        for name in names
    }
    return feature_causes(drifts, importances(version.lineage))


def segment_names(version_id: int, window: Window) -> list[str]:
    """The segments that have profiles in a window."""
    rows = Row.objects.filter(
        version_id=version_id, hour__gte=window.start, hour__lt=window.end, segment__contains="="
    )
    found = rows.order_by("segment").values_list("segment", flat=True).distinct()
    return list(found[:MOST_SEGMENTS])


def reference_parts(
    version: Version, baseline: Baseline, names: Iterable[str]
) -> dict[str, Profile]:
    """The reference's counts of these segments."""
    rows = ReferencePart.objects.filter(
        version=version, reference_digest=baseline.digest, part__in=list(names)
    )
    return {part: storage.from_bytes(counts) for part, counts in rows.values_list("part", "counts")}


def of_segments(
    bins: Bins, before: Mapping[str, Profile], after: Mapping[str, Profile]
) -> list[Cause]:
    """Each segment's part in the change of the mean loss, field by field."""
    fields = sorted({name.partition("=")[0] for name in after})
    found: list[Cause] = []
    for name in fields:
        sides = [
            {one: _part(bins, profile) for one, profile in side.items() if _is_of(one, name)}
            for side in (before, after)
        ]
        if all(any(part.n for part in side.values()) for side in sides):
            found += segment_causes(*sides)
    return found


def _is_of(segment: str, name: str) -> bool:
    return segment.partition("=")[0] == name


def _part(bins: Bins, profile: Profile) -> Part:
    """Labelled rows of a segment and their loss: errors, or the sum of absolute errors."""
    if bins.schema.task is Task.REGRESSION:
        absolute = profile.sums.get("labelled/absolute")
        squared = profile.sums.get("labelled/squared")
        n = int(profile.counts["residual"].sum()) if "residual" in profile.counts else 0
        return Part(n, float(absolute or 0), float(squared or 0))
    table = confusion_of(bins, profile)
    n, wrong = int(table.sum()), int(table.sum() - np.trace(table))
    return Part(n, float(wrong), float(wrong))


def losses(bins: Bins, rows: Batch) -> pa.Array:
    """The loss of each row: 1 for a wrong class, or the absolute error; null without outcome."""
    answer, truth = (bins.schema.name_of(role) for role in (Role.PREDICTION, Role.OUTCOME))
    missing = pa.nulls(rows.num_rows, pa.float64())
    if answer is None or truth is None or truth not in rows.schema.names:
        return missing
    if bins.schema.task is Task.REGRESSION:
        gap = columns.with_nan(rows, answer) - columns.with_nan(rows, truth)
        return pa.array(np.abs(gap), from_pandas=True)
    wrong = pc.not_equal(columns.labels(rows, answer), columns.labels(rows, truth))
    return pc.cast(pc.cast(wrong, pa.int8()), pa.float64())


def of_faults(bins: Bins, before: Batch, after: Batch, loss: str) -> list[Cause]:
    """For each fault of each feature, what the rows that have it add to the change of the loss."""
    losses_of = [columns.with_nan(side, loss) for side in (before, after)]
    found = []
    for spec in bins.schema.fields:
        if spec.role is not Role.FEATURE or spec.name not in after.schema.names:
            continue
        for fault in faults(spec, before, after):
            if fault.now.sum() < FEWEST_FAULTS:
                continue
            parts = [
                (_of_rows(values[flags]), _of_rows(values[~flags]))
                for values, flags in zip(losses_of, (fault.before, fault.now), strict=True)
            ]
            faulty, others = zip(*parts, strict=True)
            name = f"{spec.name} {fault.name}"
            found.append(fault_cause(name, faulty=faulty, others=others))
    return found


def _of_rows(values: Floats) -> Part:
    values = values[np.isfinite(values)]
    return Part(int(values.size), float(values.sum()), float(np.square(values).sum()))
