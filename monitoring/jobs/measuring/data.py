"""Measures of the rows themselves, without outcomes: quality, drift and novelty."""

from collections.abc import Iterator
from dataclasses import replace

from monitoring.jobs.measuring.context import Context, Counted, Raw
from monitoring.jobs.samples import reference_rows, rows_between
from monitoring.models import ReferenceMode
from monitoring.reads.arrivals import arrivals_between
from monitoring.reads.windows import usual_rows
from monitoring.stats import moments, novelty, quality, shifts, stability, structure
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.moments import Moments
from monitoring.stats.multivariate import domain_classifier
from monitoring.stats.profiles import Profile
from monitoring.stats.quality import share_change
from monitoring.stats.reference import Role

SHIFT = ("level_shift", "spread_shift", "cell_shift")
VALUE = ("value_shift",)
SUSPICIOUS = 0.05
NO_TRAINING_ROWS = "the reference of this monitor has counts, but no rows to tell apart"


def of_drift(context: Context, rows: Counted) -> Iterator[Raw]:
    """Distances and tests of every field, or one number about all of them together."""
    if context.metric in TOGETHER:
        yield Raw(TOGETHER[context.metric](context, rows))
        return
    measures = SHIFT if context.metric == "shift" else (context.metric,)
    for name in context.fields(Role.FEATURE):
        found = stability.drift(
            context.bins, rows.reference, rows.profile, name, measures=measures, seed=context.seed
        )
        found |= shifts.drift(context.bins, rows.reference, rows.profile, name, measures=measures)
        yield from (Raw(finding, name) for finding in found.values())


def of_quality(context: Context, rows: Counted) -> Iterator[Raw]:
    """Faults of fields, or of how rows arrive."""
    if context.metric in ARRIVAL:
        yield Raw(ARRIVAL[context.metric](context, rows))
        return
    for name in context.fields(Role.FEATURE, Role.SCORE, Role.GROUP):
        yield from (Raw(finding, name) for finding in FAULTS[context.metric](context, rows, name))


def of_novelty(context: Context, rows: Counted) -> Iterator[Raw]:
    found = novelty.novelty(rows.reference, rows.profile)
    for name, finding in found.items():
        yield Raw(finding, judged=name == context.metric)


def _correlation(context: Context, rows: Counted) -> Finding:
    space = context.bins.joint
    if space is None:
        return undefined("correlation_change", n=0, reason="fewer than two numeric features")
    before, now = _moments(rows.reference), _moments(rows.profile)
    if before is None or now is None:
        return undefined("correlation_change", n=rows.profile.rows, reason="no rows on one side")
    return moments.correlation_change(before, now, space.names)


def _reconstruction(_context: Context, rows: Counted) -> Finding:
    before, now = _moments(rows.reference), _moments(rows.profile)
    if before is None or now is None:
        reason = "fewer than two numeric features, or no rows on one side"
        return undefined("pca_error", n=rows.profile.rows, reason=reason)
    return moments.pca_error(before, now)


def _moments(profile: Profile) -> Moments | None:
    parts = [profile.counts.get(f"moments/{name}") for name in ("sum", "product", "pairs")]
    if any(part is None for part in parts):
        return None
    total, product, pairs = (part for part in parts if part is not None)
    return Moments(total, product, pairs)


def _told_apart(context: Context, rows: Counted) -> Finding:
    """Rows themselves: a bounded sample of the window and of the reference file."""
    if context.monitor.reference != ReferenceMode.REGISTERED or context.monitor.segments:
        return undefined("domain_classifier", n=rows.profile.rows, reason=NO_TRAINING_ROWS)
    window = context.window
    wanted = context.fields(Role.FEATURE)
    numeric = [name for name in wanted if name in context.bins.numeric]
    labels = [name for name in wanted if name in context.bins.categorical]
    return domain_classifier(
        reference_rows(context.version),
        rows_between(context.version, window.start, window.end),
        numeric=numeric,
        categorical=labels,
        seed=context.seed,
    )


def _faults(context: Context, rows: Counted, name: str) -> Iterator[Finding]:
    yield from quality.quality(context.bins, rows.reference, rows.profile, name).values()
    yield from _sentinels(context, rows, name)


def _sentinels(context: Context, rows: Counted, name: str) -> Iterator[Finding]:
    """A value that stands out is looked at over time, which costs a query, before it is told."""
    if name not in context.bins.numeric:
        return
    sides = (context.bins, rows.reference, rows.profile, name)
    found = shifts.drift(*sides, measures=VALUE)
    if any((one.p_value or 0.0) < SUSPICIOUS for one in found.values()):
        found = shifts.drift(*sides, measures=VALUE, parts=context.parts(rows.segment))
    yield from found.values()


def _off_pattern(_context: Context, rows: Counted, name: str) -> Iterator[Finding]:
    key = f"pattern/{name}"
    if key not in rows.reference.counts and key not in rows.profile.counts:
        return
    (n, misses), (usual_n, usual_misses) = (
        side.counts[key].tolist() if key in side.counts else (0, 0)
        for side in (rows.profile, rows.reference)
    )
    yield share_change("pattern", misses, n, usual_misses, usual_n)


def _emptied(context: Context, rows: Counted, name: str) -> Iterator[Finding]:
    """A field that nobody fills any more, or that came back."""
    views = [
        quality.missing_of(context.bins, side, name) for side in (rows.reference, rows.profile)
    ]
    (usual_missing, usual), (missing, n) = views
    if not n:
        yield undefined("schema_change", n=0, reason="no rows")
        return
    changed = (missing == n) != (usual_missing == usual)
    yield replace(
        share_change("schema_change", missing if changed else 0, n, 0, usual),
        value=float(changed),
        low=None,
        high=None,
    )


def _volume(context: Context, rows: Counted) -> Finding:
    window = context.window
    usual = usual_rows(
        version_id=context.version.pk, start=window.start, length=window.end - window.start
    )
    return quality.volume(rows.profile.rows, usual)


def _repeated(context: Context, _rows: Counted) -> Finding:
    """Repeated rows of the window's batches, against those of the four weeks before."""
    now = arrivals_between(context.version.pk, context.window.start, context.window.end)
    before = arrivals_between(context.version.pk, None, context.window.start)
    return share_change("uniqueness", now.duplicates, now.rows, before.duplicates, before.rows)


def _age(context: Context, rows: Counted) -> Finding:
    """Hours between the newest row and the end of the window."""
    now = arrivals_between(context.version.pk, context.window.start, context.window.end)
    age = (context.window.end - now.last_at).total_seconds() if now.last_at else None
    if age is None:
        age = (context.window.end - context.window.start).total_seconds()
    return structure.freshness(age, usual_gap=now.usual_gap, n=rows.profile.rows)


TOGETHER = {
    "correlation_change": _correlation,
    "pca_error": _reconstruction,
    "domain_classifier": _told_apart,
}
ARRIVAL = {"volume": _volume, "uniqueness": _repeated, "freshness": _age}
FAULTS = {
    "faults": _faults,
    "mass_points": _sentinels,
    "pattern": _off_pattern,
    "schema_change": _emptied,
}
