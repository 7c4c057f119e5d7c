"""Measures of the rows themselves, without outcomes: quality, drift and novelty."""

from collections.abc import Iterator

from monitoring.jobs.measuring.context import Context, Counted, Raw
from monitoring.reads.windows import usual_rows
from monitoring.stats import quality, stability
from monitoring.stats.reference import Role


def of_drift(context: Context, rows: Counted) -> Iterator[Raw]:
    for name in context.fields(Role.FEATURE):
        found = stability.drift(
            context.bins,
            rows.reference,
            rows.profile,
            name,
            measures=(context.metric,),
            seed=context.seed,
        )
        yield from (Raw(finding, name) for finding in found.values())


def of_quality(context: Context, rows: Counted) -> Iterator[Raw]:
    if context.metric == "volume":
        window = context.window
        usual = usual_rows(
            version_id=context.version.pk, start=window.start, length=window.end - window.start
        )
        yield Raw(quality.volume(rows.profile.rows, usual))
        return
    for name in context.fields(Role.FEATURE, Role.SCORE, Role.GROUP):
        found = quality.quality(context.bins, rows.reference, rows.profile, name)
        yield from (Raw(finding, name) for finding in found.values())
