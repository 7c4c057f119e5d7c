"""The stages of a pipeline in words, as bars, and as groups of a heat map. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from monitoring.metrics.metric import SHARE
from monitoring.reads.dashboards.lines import Line
from monitoring.reads.dashboards.stages import FAILED, Failures, Stage
from monitoring.web.board_charts import line_chart
from monitoring.web.charts import link
from monitoring.web.words import shown, window_text

NO_STAGE = "of no stage"


def stage_table(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Each stage with its fields, its failures and the drift of its fields."""
    return [
        {
            "name": stage.name,
            "fields": ", ".join(stage.fields),
            "verdict": stage.verdict,
            "grave": ", ".join(stage.grave),
            "failures": _failures(stage.failures) if stage.failures else None,
        }
        for stage in stages
    ]


def failures_chart(stages: Sequence[Stage]) -> dict[str, Any] | None:
    """The share of rows in which each stage failed, beside the reference; with n in its label."""
    known = [(stage.name, stage.failures) for stage in stages if stage.failures]
    if not known:
        return None
    series: list[dict[str, Any]] = [
        {
            "name": "This window",
            "y": [found.share for _, found in known],
            "n": [found.n for _, found in known],
            "links": [link(found.run_id) for _, found in known],
        }
    ]
    if any(found.usual is not None for _, found in known):
        usual = {"name": "Reference", "muted": True, "y": [found.usual for _, found in known]}
        series.insert(0, usual)
    return {
        "kind": "bar",
        "x": [f"{name} (n = {found.n:,})" for name, found in known],
        "x_label": "Stage",
        "y_label": "Rows in which it failed",
        "unit": SHARE,
        "horizontal": True,
        "series": series,
    }


def failures_over_time(lines: Sequence[Line]) -> dict[str, Any] | None:
    """Every stage's share of failures by window."""
    own = [line for line in lines if line.metric == FAILED]
    return line_chart(own) if any(len(line.points) > 1 for line in own) else None


def grouped(
    rows: Sequence[Mapping[str, Any]], by_stage: Mapping[str, Sequence[str]]
) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The rows of a heat map under their stages, in the order of the pipeline."""
    if not by_stage:
        return [("", list(rows))]
    stage_of = {field: name for name, fields in by_stage.items() for field in fields}
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in (*by_stage, NO_STAGE)}
    for row in rows:
        found[stage_of.get(row["field"], NO_STAGE)].append(row)
    return [(name, own) for name, own in found.items() if own]


def _failures(found: Failures) -> dict[str, Any]:
    known = found.low is not None and found.high is not None
    return {
        "share": shown(found.share, SHARE),
        "interval": f"{shown(found.low, SHARE)} to {shown(found.high, SHARE)}" if known else "",
        "usual": shown(found.usual, SHARE),
        "n": found.n,
        "verdict": found.verdict,
        "run_id": found.run_id,
        "monitor_id": found.monitor_id,
        "window": window_text(found.window_start, found.window_end),
    }
