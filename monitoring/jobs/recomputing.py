"""A stored measurement computed again, from the counts and settings that it names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring.jobs.evaluate import compute
from monitoring.jobs.judging import Measured
from monitoring.jobs.windows import Window
from monitoring.models import Measurement, Monitor, Run
from monitoring.reads.baselines import baseline_of
from monitoring.reads.erased import rows_erased
from monitoring.reads.windows import ALL_ROWS
from monitoring.stats import storage
from monitoring.stats.evidence import VERSION
from registry.models import Version

COMPARED = ("value", "low", "high", "n", "reference_value", "p_value", "verdict")


class CannotRecompute(Exception):
    """What the measurement was computed from is not there as it was; the text says what."""


@dataclass(frozen=True)
class Line:
    """One number as it was stored and as it is now."""

    name: str
    stored: Any
    again: Any

    @property
    def same(self) -> bool:
        return bool(self.stored == self.again)


def recompute(measurement: Measurement) -> list[Line]:
    """Every number of a measurement beside the same computed again.

    Raises:
        CannotRecompute: rows, outcomes, reference or library have changed since.
    """
    run = measurement.run
    monitor = _as_it_was(run)
    version = Version.objects.select_related("model", "schema").get(pk=run.version_id)
    baseline = baseline_of(version.pk)
    if baseline is None:
        raise CannotRecompute(f"The reference of {version} is not counted any more.")
    window = Window(run.window_start, run.window_end)
    again = compute(monitor, version, baseline, window, alpha=run.settings["run_alpha"])
    profile = storage.digest(again.context.merged.by_segment[ALL_ROWS])
    _same("rows or outcomes of the window", run.profile_digest, profile)
    _same("the reference", run.reference_digest, again.context.against.digest)
    _same("the version of the statistics", run.library_version, VERSION)
    lines = _lines(measurement, _found(measurement, again.found))
    gone = rows_erased(run.version_id, run.window_start, run.window_end)
    if gone and not all(line.same for line in lines):
        raise CannotRecompute(
            f"{gone} row{'' if gone == 1 else 's'} erased since at a data subject's request. The "
            "counts and the reference are as they were; a number that needs the rows themselves "
            "cannot be proved any more."
        )
    return lines


def _as_it_was(run: Run) -> Monitor:
    """The monitor with the settings that the run had."""
    known = {field.name for field in Monitor._meta.get_fields()}
    said = {name: value for name, value in run.settings.items() if name in known}
    for name in ("reference_start", "reference_end"):
        said[name] = datetime.fromisoformat(said[name]) if said.get(name) else None
    if not said:
        raise CannotRecompute("The run was made before settings were kept with it.")
    return Monitor(model=run.monitor.model, name=run.monitor.name, **said)


def _same(what: str, stored: str, now: str) -> None:
    if stored != now:
        raise CannotRecompute(
            f"It cannot be proved: {what} changed since ({stored[:12]} then, {now[:12]} now). "
            "The latest revision of the window can."
        )


def _found(measurement: Measurement, found: list[Measured]) -> Measured:
    for one in found:
        key = (one.finding.measure, one.field, one.segment)
        if key == (measurement.metric, measurement.field, measurement.segment):
            return one
    raise CannotRecompute(f"{measurement} is not measured by these settings.")


def _lines(measurement: Measurement, one: Measured) -> list[Line]:
    finding = one.finding
    again = {
        "value": finding.value,
        "low": finding.low,
        "high": finding.high,
        "n": finding.n,
        "reference_value": finding.baseline,
        "p_value": finding.p_value,
        "verdict": str(one.verdict),
    }
    return [Line(name, getattr(measurement, name), again[name]) for name in COMPARED]
