"""Facts of the registry, and what the database holds them to."""

from registry.models.drills import DrillState, RestoreDrill
from registry.models.inventory import (
    Archive,
    ArtifactFile,
    Contribution,
    ContributionKind,
    Deployment,
    Deviation,
    Model,
    Reference,
    ReferenceKind,
    Restore,
    RestoreState,
    RiskTier,
    Schema,
    TaskType,
    Version,
    WebhookDelivery,
)
from registry.models.keeping import LegalHold, Purge, PurgeState, RetentionState, RetentionTable
from registry.models.sandbox_hosts import SandboxHost

__all__ = [
    "Archive",
    "ArtifactFile",
    "Contribution",
    "ContributionKind",
    "Deployment",
    "Deviation",
    "DrillState",
    "LegalHold",
    "Model",
    "Purge",
    "PurgeState",
    "Reference",
    "ReferenceKind",
    "Restore",
    "RestoreDrill",
    "RestoreState",
    "RetentionState",
    "RetentionTable",
    "RiskTier",
    "SandboxHost",
    "Schema",
    "TaskType",
    "Version",
    "WebhookDelivery",
]
