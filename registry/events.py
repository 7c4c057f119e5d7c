from enum import StrEnum


class RegistryEvent(StrEnum):
    MODEL_REGISTERED = "registry.model.registered"
    MODEL_CHANGED = "registry.model.changed"
    VERSION_REGISTERED = "registry.version.registered"
    VERSION_HASHED = "registry.version.hashed"
    VERSION_NOT_HASHED = "registry.version.not_hashed"
    VERSION_APPROVED = "registry.version.approved"
    VERSION_RETIRED = "registry.version.retired"
    SCHEMA_SET = "registry.schema.set"
    REFERENCE_SET = "registry.reference.set"
    DEPLOYMENT_STARTED = "registry.deployment.started"
    DEPLOYMENT_ENDED = "registry.deployment.ended"
    ARCHIVE_REQUESTED = "registry.archive.requested"
    ARCHIVE_SEALED = "registry.archive.sealed"
    ARCHIVE_FAILED = "registry.archive.failed"
    RESTORE_REQUESTED = "registry.restore.requested"
    ARCHIVE_RESTORED = "registry.archive.restored"
    RESTORE_FAILED = "registry.restore.failed"
    MLFLOW_PUSHED = "registry.mlflow.pushed"
    MLFLOW_SEEN = "registry.mlflow.seen"
    MLFLOW_DRIFTED = "registry.mlflow.drifted"
