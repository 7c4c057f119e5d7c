"""A watched model, made of rows: the pages only read what jobs have stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from monitoring.models import (
    Alert,
    Health,
    Incident,
    IncidentEntry,
    Measurement,
    Monitor,
    Profile,
    Run,
)
from monitoring.reads import baselines
from monitoring.stats import building, storage
from registry.models import Deployment, Model, Version
from tests.monitoring import world

END = datetime(2026, 3, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: Any) -> None:
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)
    baselines._load.cache_clear()


@pytest.fixture
def model(team: Any, olga: Any) -> Model:
    return world.make_model(team, olga)


@pytest.fixture
def version(model: Model) -> Version:
    version = world.make_version(model)
    Deployment.objects.create(
        version=version, model=model, role="champion", started_at=END - 20 * WEEK
    )
    return version


@pytest.fixture
def monitor(model: Model) -> Monitor:
    return make_monitor(model, "Drift of inputs", "drift", "psi", warning=0.1, breach=0.2)


def make_monitor(model: Model, name: str, kind: str, metric: str, **more: Any) -> Monitor:
    return Monitor.objects.create(model=model, name=name, kind=kind, metric=metric, **more)


def make_run(
    monitor: Monitor,
    version: Version,
    *,
    weeks_ago: int = 0,
    values: dict[str, float],
    verdict: str = "ok",
    **more: Any,
) -> Run:
    """One evaluated week with a judged measurement per field."""
    end = END - weeks_ago * WEEK
    run = Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=end - WEEK,
        window_end=end,
        config_digest="c" * 16,
        verdict=verdict,
        reason=f"{monitor.name}: {verdict}",
        rows=1000,
        labelled=900 if monitor.kind == "performance" else 0,
        profile_digest="p" * 64,
        library_version="1",
        **more,
    )
    for field, value in values.items():
        Measurement.objects.create(
            run=run,
            monitor=monitor,
            version=version,
            window_end=end,
            metric="missing_share" if monitor.metric == "faults" else monitor.metric,
            field=field,
            value=value,
            low=value - 0.01,
            high=value + 0.01,
            reference_value=0.0 if monitor.kind == "drift" else 0.7,
            n=1000,
            reference_n=4000,
            p_value=1e-9,
            warning=monitor.warning,
            breach=monitor.breach,
            verdict=verdict,
            parameters={"effect": value},
            latest=run.latest,
        )
    return run


def make_health(version: Version, kind: str, verdict: str) -> None:
    Health.objects.create(
        version=version, kind=kind, verdict=verdict, summary=f"{kind}: {verdict}", as_of=END
    )


def make_incident(run: Run, *, state: str = "open", kind: str = "drift", n: int = 1) -> Incident:
    incident = Incident.objects.create(
        model=run.version.model,
        version=run.version,
        kind=kind,
        title=f"{run.version}: temperature has moved ({n})",
        severity="critical",
        state=state,
        began_at=run.window_start,
    )
    for measurement in run.measurements.filter(alert__isnull=True):
        Alert.objects.create(
            run=run,
            measurement=measurement,
            incident=incident,
            severity="critical",
            message=f"PSI of {measurement.field} is {measurement.value}",
        )
    IncidentEntry.objects.create(incident=incident, text="Opened in the window to 30 March. PSI.")
    return incident


def count_window(version: Version, *, warmer: float) -> None:
    """Real hourly profiles of the last week."""
    baseline = baselines.baseline_of(version.pk)
    assert baseline is not None
    for day in range(7):
        start = END - WEEK + timedelta(days=day)
        table = pa.Table.from_pylist(world.rows(120, start=start, warmer=warmer, seed=day))
        Profile.objects.create(
            version=version,
            hour=start,
            rows=120,
            counts=storage.to_bytes(building.profile_predictions(baseline.bins, table)),
        )
