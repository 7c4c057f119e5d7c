"""How versions behave: batches, profiles, monitors, runs, measurements, alerts and incidents."""

from monitoring.models.batches import Batch, BatchKind, OutcomeKind, ParkedOutcome, Profile
from monitoring.models.experiments import Experiment, ExperimentKind, ExperimentLook
from monitoring.models.incidents import (
    Alert,
    Incident,
    IncidentEntry,
    Investigation,
    Resolution,
)
from monitoring.models.monitors import AlarmBudget, Monitor, MonitorKind, ReferenceMode, Severity
from monitoring.models.references import ReferencePart, ReferenceStudy
from monitoring.models.runs import VERDICTS, Health, Measurement, Outlook, Run

__all__ = [
    "VERDICTS",
    "AlarmBudget",
    "Alert",
    "Batch",
    "BatchKind",
    "Experiment",
    "ExperimentKind",
    "ExperimentLook",
    "Health",
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
    "Run",
    "Severity",
]
