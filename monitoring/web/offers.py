"""Which measures fit a model: by its task, and by what its version sends. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.metrics import METRICS
from monitoring.metrics.metric import Metric
from monitoring.models import MonitorKind

ABOUT = {
    MonitorKind.DRIFT: "Whether inputs, answers or outcomes are spread as they were.",
    MonitorKind.QUALITY: "Missing, faulty or late data: the sender's mistakes, not the world's.",
    MonitorKind.NOVELTY: "Rows unlike any that the model has learnt from.",
    MonitorKind.PERFORMANCE: "How often answers are right, once outcomes have arrived.",
    MonitorKind.ESTIMATE: "What performance is to be expected before outcomes arrive.",
    MonitorKind.CALIBRATION: "Whether a score of 0.3 comes true three times in ten.",
    MonitorKind.CONCEPT: "The day from which errors are others than before.",
    MonitorKind.FAIRNESS: "Gaps between groups of people.",
    MonitorKind.OPERATIONS: "Errors, latency and traffic of the service.",
    MonitorKind.BUSINESS: "What decisions are worth.",
    MonitorKind.EXPLANATION: "Whether answers rest on the same features as before.",
}
OUTCOME, SCORE, GROUP, VALUE = "outcome", "score", "group", "value"
ROLE_WORDS = {
    OUTCOME: "an outcome",
    SCORE: "a score",
    GROUP: "a group",
    VALUE: "a value of the decision",
    "latency": "a latency",
    "error": "an error field",
    "bytes": "the size of requests",
    "cpu": "CPU use",
    "memory": "memory use",
    "disk": "disk use",
}
# What every measure of a kind needs, and what some need beside it.
OF_KIND: dict[str, tuple[str, ...]] = {
    MonitorKind.PERFORMANCE: (OUTCOME,),
    MonitorKind.CALIBRATION: (OUTCOME, SCORE),
    MonitorKind.CONCEPT: (OUTCOME,),
    MonitorKind.FAIRNESS: (GROUP,),
    MonitorKind.BUSINESS: (VALUE,),
}
SCORED = ("roc_auc", "gini", "pr_auc", "ks", "lift", "log_loss", "brier", "macro_roc_auc")
WITHOUT_OUTCOME = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "impact_ratio",
    "scored_impact_ratio",
)
LATENCIES = ("latency_mean", "latency_p50", "latency_p95", "latency_p99")
RESOURCES = ("bytes", "cpu", "memory", "disk")
OF_METRIC: dict[tuple[str, str], tuple[str, ...]] = {
    **{(MonitorKind.PERFORMANCE, name): (SCORE,) for name in SCORED},
    **{(MonitorKind.OPERATIONS, name): ("latency",) for name in LATENCIES},
    **{(MonitorKind.OPERATIONS, f"{name}_mean"): (name,) for name in RESOURCES},
    (MonitorKind.OPERATIONS, "error_rate"): ("error",),
    (MonitorKind.FAIRNESS, "scored_impact_ratio"): (SCORE,),
    **{
        (MonitorKind.FAIRNESS, one.name): (OUTCOME,)
        for one in METRICS["fairness"]
        if one.name not in WITHOUT_OUTCOME
    },
}
PAIRED = frozenset({"correlation_change", "pca_error"})
NUMERIC = frozenset({"ks", "wasserstein", "cramer_von_mises", "energy", "mass_points"})
ROLES_OF = {
    MonitorKind.DRIFT: ("feature", "prediction", "score", "group", "outcome"),
    MonitorKind.QUALITY: ("feature", "score", "group"),
    MonitorKind.FAIRNESS: ("group",),
}


@dataclass(frozen=True)
class Offer:
    """A measure, and why it does not fit; it does where there is no reason."""

    kind: str
    metric: Metric
    reason: str

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.metric.name}"

    @property
    def title(self) -> str:
        return self.metric.words[:1].upper() + self.metric.words[1:]


@dataclass(frozen=True)
class KindOffer:
    """The measures of one kind."""

    kind: MonitorKind
    offers: tuple[Offer, ...]

    @property
    def title(self) -> str:
        return str(self.kind.label).capitalize()

    @property
    def about(self) -> str:
        return ABOUT[self.kind]

    @property
    def fitting(self) -> tuple[Offer, ...]:
        return tuple(one for one in self.offers if not one.reason)

    @property
    def others(self) -> tuple[Offer, ...]:
        return tuple(one for one in self.offers if one.reason)

    @property
    def reasons(self) -> str:
        """Why nothing of the kind fits."""
        return " ".join(dict.fromkeys(one.reason for one in self.others))


def offers_of(task: str, schema: Any, components: Sequence[str]) -> tuple[KindOffer, ...]:
    """Every kind with its measures; without a schema only the task can speak against one."""
    fields = schema.fields if schema else None
    return tuple(
        KindOffer(
            kind,
            tuple(
                Offer(kind, metric, _against(kind, metric, task, fields, components))
                for metric in METRICS[kind]
            ),
        )
        for kind in ABOUT
    )


def names_for(kind: str, schema: Any) -> list[str]:
    """The fields that a monitor of this kind can be restricted to; none if it takes no fields."""
    roles = ROLES_OF.get(MonitorKind(kind), ())
    fields = schema.fields if schema else []
    return [field["name"] for field in fields if field.get("role") in roles]


def _against(
    kind: str,
    metric: Metric,
    task: str,
    fields: Sequence[Mapping[str, Any]] | None,
    components: Sequence[str],
) -> str:
    if task not in metric.tasks:
        return f"It is of {' and '.join(metric.tasks)} models."
    if metric.name == "component_errors" and not components:
        return "The model declares no stages of a pipeline."
    return _unsent(kind, metric.name, task, fields) if fields is not None else ""


def _unsent(kind: str, name: str, task: str, fields: Sequence[Mapping[str, Any]]) -> str:
    sent = {field.get("role") for field in fields}
    needed = [*OF_KIND.get(kind, ()), *OF_METRIC.get((kind, name), ())]
    if kind == MonitorKind.ESTIMATE and task != "regression":
        needed.append(SCORE)
    missing = [ROLE_WORDS[role] for role in dict.fromkeys(needed) if role not in sent]
    if missing:
        return f"The model does not send {' or '.join(missing)}."
    return _unlike(kind, name, fields)


def _unlike(kind: str, name: str, fields: Sequence[Mapping[str, Any]]) -> str:
    """What a measure wants of the features themselves."""
    numbers = sum(
        field.get("role") == "feature"
        and field.get("dtype") in ("number", "integer")
        and not field.get("categories")
        for field in fields
    )
    if kind == MonitorKind.DRIFT and name in PAIRED and numbers < 2:
        return "It needs two numeric features."
    if kind in (MonitorKind.DRIFT, MonitorKind.QUALITY) and name in NUMERIC and not numbers:
        return "It needs a numeric feature."
    if name == "pattern" and not any(field.get("pattern") for field in fields):
        return "No field declares a pattern."
    return ""
