"""How versions behave: batches, profiles, monitors, runs, measurements, alerts and incidents."""

from monitoring.models.batches import Batch, BatchKind, OutcomeKind, ParkedOutcome, Profile
from monitoring.models.erasures import (
    ErasedFile,
    ErasedId,
    Erasure,
    ErasureSalt,
    ErasureState,
)
from monitoring.models.experiments import Experiment, ExperimentKind, ExperimentLook
from monitoring.models.explanations import (
    Explanation,
    ExplanationDraw,
    ExplanationOrigin,
    ExplanationPolicy,
    ExplanationState,
    Importance,
)
from monitoring.models.incidents import (
    Alert,
    Incident,
    IncidentEntry,
    Investigation,
    Resolution,
)
from monitoring.models.monitors import AlarmBudget, Monitor, MonitorKind, ReferenceMode, Severity
from monitoring.models.references import ReferencePart, ReferenceStudy
from monitoring.models.retraining import (
    DataSuite,
    Retraining,
    RetrainingEpisode,
    RetrainingLine,
    RetrainingPolicy,
    RetrainingRefusal,
    RetrainingStep,
    RunnerDelivery,
)
from monitoring.models.rollouts import Rollout, RolloutLook, RolloutStep
from monitoring.models.runs import VERDICTS, Health, Measurement, Outlook, Run

__all__ = [
    "VERDICTS",
    "AlarmBudget",
    "Alert",
    "Batch",
    "BatchKind",
    "DataSuite",
    "ErasedFile",
    "ErasedId",
    "Erasure",
    "ErasureSalt",
    "ErasureState",
    "Experiment",
    "ExperimentKind",
    "ExperimentLook",
    "Explanation",
    "ExplanationDraw",
    "ExplanationOrigin",
    "ExplanationPolicy",
    "ExplanationState",
    "Health",
    "Importance",
    "Incident",
    "IncidentEntry",
    "Investigation",
    "Measurement",
    "Monitor",
    "MonitorKind",
    "OutcomeKind",
    "Outlook",
    "ParkedOutcome",
    "Profile",
    "ReferenceMode",
    "ReferencePart",
    "ReferenceStudy",
    "Resolution",
    "Retraining",
    "RetrainingEpisode",
    "RetrainingLine",
    "RetrainingPolicy",
    "RetrainingRefusal",
    "RetrainingStep",
    "Rollout",
    "RolloutLook",
    "RolloutStep",
    "Run",
    "RunnerDelivery",
    "Severity",
]
