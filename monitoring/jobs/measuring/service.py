"""How the service ran, and what its decisions were worth."""

from collections.abc import Iterator

from monitoring.jobs.measuring.context import Context, Counted, Raw
from monitoring.models import ReferenceMode
from monitoring.reads.windows import rows_by_hour, rows_in_phase, usual_rows
from monitoring.stats.business import business, by_decision
from monitoring.stats.operations import Traffic, operations


def of_operations(context: Context, rows: Counted) -> Iterator[Raw]:
    """Every operational number; the monitor's metric is judged."""
    found = operations(context.bins, rows.reference, rows.profile, _traffic(context))
    for name, finding in found.items():
        if name == context.metric or finding.value is not None:
            yield Raw(finding, judged=name == context.metric)


def of_business(context: Context, rows: Counted) -> Iterator[Raw]:
    """Value against the declared target, else against the reference; by decision beside it."""
    target = context.monitor.options.get("target")
    for name, finding in business(rows.reference, rows.profile, target=target).items():
        yield Raw(finding, judged=name == context.metric)
    for name, finding in by_decision(rows.profile, reference=rows.reference).items():
        yield Raw(finding, f"decision {name}"[:120], judged=False)


def _traffic(context: Context) -> Traffic:
    version_id, window = context.version.pk, context.window
    by_hour = rows_by_hour(version_id=version_id, start=window.start, end=window.end)
    if context.monitor.reference == ReferenceMode.PHASE:
        usual = rows_in_phase(version_id=version_id, start=window.start, end=window.end)
    else:
        length = window.end - window.start
        usual = usual_rows(version_id=version_id, start=window.start, length=length)
    return Traffic(by_hour, usual)
