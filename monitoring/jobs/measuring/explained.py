"""Drift of explanations: the answers that a policy drew, against explained reference rows."""

from collections.abc import Iterator
from dataclasses import replace

from monitoring.jobs.measuring.context import Context, Counted, Raw
from monitoring.reads.explained import Explained, reference_explained, window_explained
from monitoring.stats import explanations
from monitoring.stats.findings import Finding, undefined

NO_REFERENCE = "the importance of this version has not been computed"


def of_explanations(context: Context, _rows: Counted) -> Iterator[Raw]:
    """The shift of importance or ranks, and beside it each feature's share of importance."""
    usual = reference_explained(context.version)
    if usual is None:
        yield Raw(undefined(context.metric, n=0, reason=NO_REFERENCE))
        return
    window = context.window
    drawn = window_explained(context.version, window.start, window.end, usual.features)
    found = explanations.shift(context.metric, usual.values, drawn.values, seed=context.seed)
    more = {"explanations": drawn.digest, "reference_explanations": usual.digest}
    yield Raw(replace(found, parameters={**found.parameters, **more}))
    if found.value is not None:
        yield from _shares(usual, drawn)


def _shares(usual: Explained, drawn: Explained) -> Iterator[Raw]:
    before, now = explanations.shares(usual.values), explanations.shares(drawn.values)
    for place, name in enumerate(usual.features):
        share, baseline = float(now[place]), float(before[place])
        finding = Finding(
            "importance_share",
            share,
            len(drawn.values),
            baseline=baseline,
            effect=share - baseline,
            parameters={"reference_n": len(usual.values)},
        )
        yield Raw(finding, name, judged=False)
