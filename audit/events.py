from enum import StrEnum


class AuditEvent(StrEnum):
    SEALED = "audit.seal.made"
    KEY_ROTATED = "audit.key.rotated"
    EXPORTED = "audit.trail.exported"
