"""Investigate: when an incident opens, what may have caused it, and which rows are worst.

Numbers first, then one transaction. A second time gives the same.
"""

from dataclasses import asdict
from typing import Any

from django.db import transaction

from ledger import claims
from monitoring.jobs import causes
from monitoring.jobs.samples import labelled_rows, reference_rows
from monitoring.jobs.windows import Window
from monitoring.metrics import LABELLED
from monitoring.models import Incident, Investigation, Monitor, Run
from monitoring.reads.baselines import Baseline, baseline_of
from monitoring.reads.references import against
from monitoring.reads.windows import merged
from monitoring.stats.columns import Batch
from monitoring.stats.evidence import VERSION
from monitoring.stats.reference import Role
from monitoring.stats.root_cause import Cause, ranked
from monitoring.stats.worst_segments import Search, worst_segments
from registry.models import Version

MOST_ROWS = 50_000
MOST_CAUSES = 20
SEED = 0
LOSS = "(loss)"


def investigate(claim: claims.Claim) -> None:
    """Find causes and worst segments for the run that opened an incident."""
    run_id = int(claim.key.split(":")[1])
    run = Run.objects.select_related("monitor__model", "version__schema").get(pk=run_id)
    version = Version.objects.select_related("model", "schema", "reference").get(pk=run.version_id)
    baseline = baseline_of(version.pk)
    found = _found(run.monitor, version, baseline, run) if baseline else ([], {})
    _store(claim, run, *found)


@transaction.atomic
def _store(
    claim: claims.Claim, run: Run, found: list[dict[str, Any]], segments: dict[str, Any]
) -> None:
    claims.finish(claim=claim)
    if not Incident.objects.filter(pk=claim.subject_id).exists():
        return
    Investigation.objects.update_or_create(
        incident_id=claim.subject_id,
        defaults={
            "run": run,
            "causes": found,
            "segments": segments,
            "seed": SEED,
            "library_version": VERSION,
        },
    )


def _found(
    monitor: Monitor, version: Version, baseline: Baseline, run: Run
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    window = Window(run.window_start, run.window_end)
    names = causes.segment_names(version.pk, window)
    seen = merged(
        baseline.bins,
        version_id=version.pk,
        start=window.start,
        end=window.end,
        segments=names,
        outcomes=True,
    ).by_segment
    usual = against(monitor, version, baseline, window.start, window.end)
    whole = usual.by_segment.get("", baseline.profile)
    found = causes.of_features(baseline.bins, whole, seen[""], version, seed=SEED)
    if monitor.kind not in LABELLED:
        return _told(found), {}
    parts = causes.reference_parts(version, baseline, names)
    found += causes.of_segments(baseline.bins, parts, {name: seen[name] for name in names})
    rows = _with_loss(baseline, labelled_rows(version, window.start, window.end, most=MOST_ROWS))
    before = _with_loss(baseline, reference_rows(version, most=MOST_ROWS))
    found += causes.of_faults(baseline.bins, before, rows, LOSS)
    return _told(found), _searched(baseline, rows)


def _with_loss(baseline: Baseline, rows: Batch) -> Batch:
    return rows.append_column(LOSS, causes.losses(baseline.bins, rows))


def _searched(baseline: Baseline, rows: Batch) -> dict[str, Any]:
    """The rows on which the model does worst, found on one half and confirmed on the other."""
    roles = (Role.FEATURE, Role.GROUP, Role.SEGMENT)
    fields = [one.name for one in baseline.bins.schema.fields if one.role in roles]
    present = [name for name in fields if name in rows.schema.names]
    return _plain(worst_segments(rows, loss=LOSS, fields=present, seed=SEED))


def _plain(search: Search) -> dict[str, Any]:
    segments = [{"name": one.name, **one.finding.as_dict()} for one in search.segments]
    kept = {
        "rows": search.rows,
        "searched": search.searched,
        "tested": search.tested,
        "alpha": search.alpha,
        "reason": search.reason,
    }
    return {"segments": segments, **kept}


def _told(found: list[Cause]) -> list[dict[str, Any]]:
    kept = [one for one in ranked(found) if one.contribution is not None][:MOST_CAUSES]
    return [{**asdict(one), "evidence": dict(one.evidence)} for one in kept]
