"""Which monitors suit a model: a working set with the reason for each. No database here.

What is stable is looked at weekly, how a service runs every hour. A metric that consists of several
measures takes the practical minima that the null and power suites were run with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from monitoring.models import MonitorKind, ReferenceMode, Severity
from monitoring.reads.baselines import Baseline
from monitoring.stats.performance import performance
from registry.models import Model, TaskType
from registry.schemas import PredictionSchema

HOUR, DAY = 1, 24
WEEK = 24 * 7
FOUR_WEEKS = 4 * WEEK
TWELVE_WEEKS = 12 * WEEK
QUARTER = 13 * WEEK


@dataclass(frozen=True)
class Spec:
    """One suggested monitor: the fields of `Monitor`."""

    name: str
    kind: MonitorKind
    metric: str
    why: str
    warning: float | None = None
    breach: float | None = None
    relative: float | None = None
    relative_warning: float | None = None
    fields: list[str] = field(default_factory=list)
    severity: Severity = Severity.WARNING
    reference: ReferenceMode = ReferenceMode.REGISTERED
    window_hours: int = WEEK
    every_hours: int = WEEK
    lateness_hours: int = 1
    open_after: int = 1
    open_of: int = 1


def specs_for(model: Model, schema: PredictionSchema, baseline: Baseline) -> list[Spec]:
    """Which monitors suit a model, with thresholds and the reason for each."""
    return [
        *_data(schema),
        *_labelled(model, schema, baseline),
        *_fairness(model, schema),
        *_service(schema),
    ]


def _data(schema: PredictionSchema) -> Iterator[Spec]:
    answers = [schema.prediction.name, *(score.name for score in schema.scores)]
    yield Spec(
        "Drift of inputs",
        MonitorKind.DRIFT,
        "psi",
        "The usual practical minima of PSI: 0.1 is a shift, 0.2 a different population.",
        0.1,
        0.2,
    )
    yield Spec(
        "Small shifts of inputs",
        MonitorKind.DRIFT,
        "shift",
        "A mean that moves a tenth of a deviation, or a rare category that halves, moves no PSI.",
    )
    yield Spec(
        "Drift of predictions",
        MonitorKind.DRIFT,
        "psi",
        "Answers that move without outcomes are the earliest sign that something changed.",
        0.1,
        0.2,
        fields=answers,
    )
    yield Spec(
        "Faulty values",
        MonitorKind.QUALITY,
        "faults",
        "Missing, out of range, unseen, or one value such as −999: looked at before any distance.",
    )
    yield Spec(
        "Volume",
        MonitorKind.QUALITY,
        "volume",
        "Half the usual rows of earlier windows, or none at all, points at the sender.",
        0.5,
        0.8,
    )
    yield Spec(
        "New values",
        MonitorKind.NOVELTY,
        "novel_share",
        "Rows with a category or a value that the reference never had: the model extrapolates.",
        0.02,
        0.05,
    )


def _labelled(model: Model, schema: PredictionSchema, baseline: Baseline) -> Iterator[Spec]:
    if schema.outcome is None:
        return
    known = performance(baseline.bins, baseline.profile)
    usual = {name: finding.value for name, finding in known.items() if finding.value is not None}
    horizon = model.outcome_horizon_hours
    yield Spec(
        "Drift of outcomes",
        MonitorKind.DRIFT,
        "psi",
        "The world may change while inputs and answers stay: then outcomes move alone.",
        0.1,
        0.2,
        fields=[schema.outcome.name],
        window_hours=FOUR_WEEKS,
        lateness_hours=horizon,
    )
    if model.task == TaskType.REGRESSION:
        yield from _of_regression(usual, horizon)
    elif model.task == TaskType.BINARY and schema.scores and "roc_auc" in usual:
        yield from _of_scores(usual, horizon)
    else:
        yield _main("accuracy", "Accuracy", horizon)
        yield _concept("error_rate_change", horizon, 0.02, 0.05)
    if model.components:
        yield _by_stage(horizon)


def _main(metric: str, label: str, horizon: int) -> Spec:
    return Spec(
        label,
        MonitorKind.PERFORMANCE,
        metric,
        f"{label} over four weeks, against the reference: four points fewer are not luck.",
        0.015,
        0.04,
        severity=Severity.CRITICAL,
        window_hours=FOUR_WEEKS,
        lateness_hours=horizon,
    )


def _of_scores(usual: dict[str, float], horizon: int) -> Iterator[Spec]:
    yield _main("roc_auc", "ROC AUC", horizon)
    yield from _above("log_loss", "Log loss", usual, horizon)
    yield Spec(
        "Estimated ROC AUC",
        MonitorKind.ESTIMATE,
        "roc_auc",
        "What the scores promise before outcomes arrive; never enough for a sign-off.",
        0.02,
        0.04,
        window_hours=FOUR_WEEKS,
    )
    yield Spec(
        "Calibration",
        MonitorKind.CALIBRATION,
        "ece",
        "A score of 0.3 should come true three times in ten: people and thresholds rely on it.",
        0.02,
        0.05,
        window_hours=FOUR_WEEKS,
        lateness_hours=horizon,
    )
    yield _concept("error_rate_change", horizon, 0.02, 0.05)


def _of_regression(usual: dict[str, float], horizon: int) -> Iterator[Spec]:
    error = usual.get("mae") or 1.0
    yield from _above("mae", "Mean absolute error", usual, horizon, (0.5, 1.0), Severity.CRITICAL)
    yield from _above("rmse", "Root mean squared error", usual, horizon, (0.5, 1.0))
    yield Spec(
        "Bias",
        MonitorKind.PERFORMANCE,
        "bias",
        "A model that errs to one side by its usual error has lost its level.",
        round(0.5 * error, 6),
        round(error, 6),
        window_hours=FOUR_WEEKS,
        lateness_hours=horizon,
    )
    yield Spec(
        "Estimated mean absolute error",
        MonitorKind.ESTIMATE,
        "mae",
        "What the inputs let expect before outcomes arrive; never enough for a sign-off.",
        round(0.5 * error, 6),
        round(error, 6),
        window_hours=FOUR_WEEKS,
    )
    yield _concept("error_size_change", horizon, round(0.25 * error, 6), round(0.5 * error, 6))


def _concept(metric: str, horizon: int, warning: float, breach: float) -> Spec:
    return Spec(
        "Concept drift",
        MonitorKind.CONCEPT,
        metric,
        "Finds the day from which errors are others, where a window of four weeks blurs it.",
        warning,
        breach,
        window_hours=TWELVE_WEEKS,
        every_hours=FOUR_WEEKS,
        lateness_hours=horizon,
    )


def _by_stage(horizon: int) -> Spec:
    return Spec(
        "Errors by stage",
        MonitorKind.PERFORMANCE,
        "component_errors",
        "Which stage of the pipeline fails decides who has to mend it.",
        0.02,
        0.05,
        window_hours=FOUR_WEEKS,
        lateness_hours=horizon,
    )


def _above(
    metric: str,
    label: str,
    usual: dict[str, float],
    horizon: int,
    limits: tuple[float, float] = (0.1, 0.2),
    severity: Severity = Severity.WARNING,
) -> Iterator[Spec]:
    """A monitor whose thresholds are shares of the reference's own value."""
    if not usual.get(metric):
        return
    warning, breach = (round(share * usual[metric], 6) for share in limits)
    yield Spec(
        label,
        MonitorKind.PERFORMANCE,
        metric,
        f"{limits[0]:.0%} and {limits[1]:.0%} above the reference's {usual[metric]:.4g}.",
        warning,
        breach,
        severity=severity,
        window_hours=FOUR_WEEKS,
        lateness_hours=horizon,
    )


def _fairness(model: Model, schema: PredictionSchema) -> Iterator[Spec]:
    if not schema.groups:
        return
    if model.task == TaskType.BINARY:
        yield _gap(
            "Selection rates of groups",
            "demographic_parity_difference",
            "Decisions that differ by a tenth between groups have to be explained.",
        )
    if schema.outcome is None:
        return
    metric, why = GAPS[TaskType(model.task)]
    yield _gap("Errors of groups", metric, why, model.outcome_horizon_hours)


def _gap(name: str, metric: str, why: str, lateness: int = 1) -> Spec:
    in_answers = metric == "mae_difference"
    return Spec(
        name,
        MonitorKind.FAIRNESS,
        metric,
        f"{why} Over a quarter, because groups are small.",
        warning=None if in_answers else 0.05,
        breach=None if in_answers else 0.1,
        relative=0.5 if in_answers else None,
        relative_warning=0.25 if in_answers else None,
        window_hours=QUARTER,
        lateness_hours=lateness,
    )


GAPS = {
    TaskType.BINARY: (
        "equal_opportunity_difference",
        "Those who deserve a yes should get it equally often in every group.",
    ),
    TaskType.MULTICLASS: ("accuracy_difference", "Every group should be served equally well."),
    TaskType.REGRESSION: ("mae_difference", "Every group should be served equally well."),
}


def _service(schema: PredictionSchema) -> Iterator[Spec]:
    """Every hour, against the same hours of earlier weeks: a service has its daily rhythm."""
    if schema.error is not None:
        yield _hourly(
            "Error rate",
            "error_rate",
            "A percent of failing answers is an outage.",
            warning=0.01,
            breach=0.05,
        )
    if schema.latency is not None:
        yield _hourly(
            "Latency",
            "latency_p95",
            "One answer in twenty slower than usual is felt.",
            relative_warning=0.25,
            relative=0.5,
        )
    if schema.error is not None or schema.latency is not None:
        yield _hourly(
            "Throughput",
            "throughput",
            "A service that nobody reaches gives no errors.",
            relative_warning=0.5,
            relative=0.8,
        )
    if schema.value is not None:
        yield Spec(
            "Value per decision",
            MonitorKind.BUSINESS,
            "value_per_decision",
            "What decisions are worth is why the model exists.",
            relative_warning=0.1,
            relative=0.2,
            window_hours=FOUR_WEEKS,
        )


def _hourly(
    name: str,
    metric: str,
    why: str,
    *,
    warning: float | None = None,
    breach: float | None = None,
    relative_warning: float | None = None,
    relative: float | None = None,
) -> Spec:
    return Spec(
        name,
        MonitorKind.OPERATIONS,
        metric,
        why,
        warning,
        breach,
        relative,
        relative_warning,
        reference=ReferenceMode.PHASE,
        window_hours=HOUR,
        every_hours=HOUR,
        open_after=2,
        open_of=3,
    )
