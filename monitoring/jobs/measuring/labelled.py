"""Measures of predictions held against their outcomes."""

from collections.abc import Iterator, Mapping

from monitoring.jobs.measuring.context import Context, Counted, Raw
from monitoring.reads.windows import OTHER_KINDS, segment_of_kind
from monitoring.stats import calibration, components, fairness, performance
from monitoring.stats.agreement import agreement
from monitoring.stats.findings import Finding
from monitoring.stats.performance.classes import by_class
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Task

COMPONENT_ERRORS = "component_errors"


def of_performance(context: Context, rows: Counted) -> Iterator[Raw]:
    """The monitor's metric is judged against the reference; the others are kept beside it."""
    if context.metric == COMPONENT_ERRORS:
        yield from _of_components(context, rows)
        return
    chosen = _chosen(context)
    usual = performance.performance(context.bins, rows.reference, **chosen)
    found = performance.performance(context.bins, rows.profile, **chosen)
    yield from _against(found, usual, judged={context.metric})
    if not rows.segment:
        yield from _apart(context)
    if context.bins.schema.task is Task.MULTICLASS:
        for (_, label), finding in by_class(context.bins, rows.profile).items():
            yield Raw(finding, f"class {label}", judged=False)


def _apart(context: Context) -> Iterator[Raw]:
    """Rows that shaped no outcome of theirs, and outcomes of other kinds, with their agreement."""
    segment = context.explored
    explored = context.merged.by_segment.get(segment) if segment else None
    if explored is not None and explored.labelled_rows:
        yield from _beside(context, explored, "exploration")
    for kind in OTHER_KINDS:
        said = context.merged.by_segment.get(segment_of_kind(kind))
        if said is None or not said.labelled_rows:
            continue
        yield from _beside(context, said, f"{kind} outcomes")
        for finding in agreement(said).values():
            yield Raw(finding, f"{kind} outcomes", judged=False)


def _beside(context: Context, profile: Profile, about: str) -> Iterator[Raw]:
    found = performance.performance(context.bins, profile, **_chosen(context))
    for name, finding in found.items():
        if name != "outcome_share" and finding.value is not None:
            yield Raw(finding, about, judged=False)


def of_calibration(context: Context, rows: Counted) -> Iterator[Raw]:
    """Against the reference where it has outcomes, else against what is ideal.

    A model that was signed off with a known error of calibration is not alarmed for it forever.
    """
    histogram, usual = (side.counts.get("score") for side in (rows.profile, rows.reference))
    if histogram is None or histogram.ndim != 2:
        reason = "no outcome with a score has arrived"
        yield Raw(Finding(context.metric, None, rows.profile.labelled_rows, reason=reason))
        return
    found = calibration.calibration(histogram, seed=context.seed)
    known = calibration.calibration(usual, seed=context.seed) if usual is not None else {}
    yield from _against(found, known, judged={context.metric})


def of_fairness(context: Context, rows: Counted) -> Iterator[Raw]:
    """Gaps between the groups of each group field, and of each pair of them."""
    for names in _groups(context):
        title = " and ".join(names)
        minimum_n = int(context.monitor.options.get("group_minimum", fairness.MINIMUM_N))
        gaps = fairness.fairness(
            context.bins, rows.profile, *names, minimum_n=minimum_n, seed=context.seed
        )
        for name, finding in gaps.items():
            yield Raw(finding, title, judged=name == context.metric)
        rates = fairness.by_group(
            context.bins, rows.profile, *names, minimum_n=minimum_n, seed=context.seed
        )
        for (_, group), finding in rates.items():
            yield Raw(finding, f"{title} = {group}"[:120], judged=False)


def _chosen(context: Context) -> dict[str, float]:
    options = context.monitor.options
    return {name: float(options[name]) for name in ("beta", "top") if name in options}


def _against(
    found: Mapping[str, Finding], usual: Mapping[str, Finding], *, judged: set[str]
) -> Iterator[Raw]:
    for name, finding in found.items():
        compared = performance.compare(finding, usual[name]) if name in usual else finding
        shown = compared if compared.value is not None else finding
        yield Raw(shown, judged=name in judged)


def _of_components(context: Context, rows: Counted) -> Iterator[Raw]:
    found = components.component_errors(context.bins, rows.reference, rows.profile)
    for stage, finding in found.items():
        yield Raw(finding, stage)


def _groups(context: Context) -> list[tuple[str, ...]]:
    schema = context.bins.schema
    wanted = set(context.monitor.fields)
    every = [*((name,) for name in schema.group_names), *schema.pairs]
    return [names for names in every if not wanted or wanted.issuperset(names)]
