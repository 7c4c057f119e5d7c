"""The monitors that a model gets by itself as soon as one of its versions has a reference."""

from dataclasses import dataclass, field

from django.db import transaction

from audit.record import SYSTEM, record
from monitoring.events import MonitoringEvent
from monitoring.models import Monitor, MonitorKind, Severity
from monitoring.reads.baselines import Baseline, baseline_of, schema_of
from monitoring.stats.performance import performance
from registry.models import Model, Version
from registry.schemas import PredictionSchema

WEEK = 24 * 7
FOUR_WEEKS = 4 * WEEK
REGRESSION = "regression"


@dataclass(frozen=True)
class Spec:
    """One default monitor."""

    name: str
    kind: MonitorKind
    metric: str
    warning: float
    breach: float
    why: str
    fields: list[str] = field(default_factory=list)
    severity: Severity = Severity.WARNING
    window_hours: int = WEEK
    lateness_hours: int = 1


def ensure_defaults() -> int:
    """Set up every model that has a counted reference and no monitor yet; returns how many."""
    bare = Model.objects.filter(
        versions__reference__frozen_at__isnull=False, monitors__isnull=True
    ).distinct()
    return sum(default_monitors(model_id=model.pk) for model in bare)


@transaction.atomic
def default_monitors(*, model_id: int) -> bool:
    """Create the default monitors of a model, unless it has monitors; twice is once."""
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    version = (
        Version.objects.filter(model=model, reference__frozen_at__isnull=False)
        .select_related("model", "schema")
        .order_by("number")
        .first()
    )
    if version is None or Monitor.objects.filter(model=model).exists():
        return False
    schema, baseline = schema_of(version), baseline_of(version.pk)
    if schema is None or baseline is None:
        return False
    made = [_create(model, spec) for spec in specs_for(model, schema, baseline)]
    for monitor in made:
        record(SYSTEM, MonitoringEvent.MONITOR_CREATED, monitor, why=monitor.why)
    return True


def specs_for(model: Model, schema: PredictionSchema, baseline: Baseline) -> list[Spec]:
    """Which monitors suit a model, with thresholds and the reason for each."""
    answers = [schema.prediction.name, *([schema.score.name] if schema.score else [])]
    found = [
        Spec(
            "Drift of inputs",
            MonitorKind.DRIFT,
            "psi",
            0.1,
            0.2,
            "The usual practical minima of PSI: 0.1 is a shift, 0.2 a different population.",
        ),
        Spec(
            "Drift of predictions",
            MonitorKind.DRIFT,
            "psi",
            0.1,
            0.2,
            "Answers that move without outcomes are the earliest sign that something changed.",
            fields=answers,
        ),
        Spec(
            "Faulty values",
            MonitorKind.QUALITY,
            "faults",
            0.02,
            0.05,
            "Missing, out of range or unseen: 2 % more rows than in the reference is worth a look.",
        ),
        Spec(
            "Volume",
            MonitorKind.QUALITY,
            "volume",
            0.5,
            0.8,
            "Half the usual rows of earlier windows, or none at all, points at the sender.",
        ),
    ]
    return [*found, *_performance(model, schema, baseline)]


def _performance(model: Model, schema: PredictionSchema, baseline: Baseline) -> list[Spec]:
    if schema.outcome is None:
        return []
    known = performance(baseline.bins, baseline.profile)
    usual = {name: finding.value for name, finding in known.items() if finding.value is not None}
    if model.task == REGRESSION:
        return _of_regression(model, usual)
    if schema.score is not None and "roc_auc" in usual:
        return [
            _main(model, "roc_auc", "ROC AUC"),
            *_relative(model, "log_loss", "Log loss", usual),
        ]
    return [_main(model, "accuracy", "Accuracy")]


def _main(model: Model, metric: str, label: str) -> Spec:
    return Spec(
        label,
        MonitorKind.PERFORMANCE,
        metric,
        0.02,
        0.04,
        f"{label} over four weeks, against the reference: four points fewer are not luck.",
        severity=Severity.CRITICAL,
        window_hours=FOUR_WEEKS,
        lateness_hours=model.outcome_horizon_hours,
    )


def _of_regression(model: Model, usual: dict[str, float]) -> list[Spec]:
    error = usual.get("mae", 1.0)
    found = _relative(model, "mae", "Mean absolute error", usual, Severity.CRITICAL, (0.5, 1.0))
    found += _relative(model, "rmse", "Root mean squared error", usual, limits=(0.5, 1.0))
    bias = Spec(
        "Bias",
        MonitorKind.PERFORMANCE,
        "bias",
        0.5 * error,
        error,
        "A model that errs to one side by its usual error has lost its level.",
        window_hours=FOUR_WEEKS,
        lateness_hours=model.outcome_horizon_hours,
    )
    return [*found, bias]


def _relative(
    model: Model,
    metric: str,
    label: str,
    usual: dict[str, float],
    severity: Severity = Severity.WARNING,
    limits: tuple[float, float] = (0.1, 0.2),
) -> list[Spec]:
    """A monitor whose thresholds are shares of the reference's own value."""
    if not usual.get(metric):
        return []
    warning, breach = (round(share * usual[metric], 6) for share in limits)
    return [
        Spec(
            label,
            MonitorKind.PERFORMANCE,
            metric,
            warning,
            breach,
            f"{limits[0]:.0%} and {limits[1]:.0%} above the reference's {usual[metric]:.4g}.",
            severity=severity,
            window_hours=FOUR_WEEKS,
            lateness_hours=model.outcome_horizon_hours,
        )
    ]


def _create(model: Model, spec: Spec) -> Monitor:
    return Monitor.objects.create(
        model=model,
        name=spec.name,
        kind=spec.kind,
        metric=spec.metric,
        fields=spec.fields,
        window_hours=spec.window_hours,
        every_hours=WEEK,
        lateness_hours=spec.lateness_hours,
        warning=spec.warning,
        breach=spec.breach,
        alpha=0.05,
        severity=spec.severity,
        why=spec.why,
    )
