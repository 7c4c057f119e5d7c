"""What cannot be done with what was sent: each says what is wrong and how to mend it. Pure."""


class Rejected(ValueError):
    """Understood, and cannot be accepted; `code` is stable, the text is for people."""

    code = "rejected"


class ModelInvalid(Rejected):
    code = "model_invalid"


class VersionInvalid(Rejected):
    code = "version_invalid"


class ReferenceInvalid(Rejected):
    code = "reference_invalid"


class BrokenFile(ReferenceInvalid):
    """It says that it is a Parquet file, and cannot be read as one."""

    code = "broken_file"


class ArchiveInvalid(Rejected):
    code = "archive_invalid"


class HoldInvalid(Rejected):
    code = "hold_invalid"


class NothingMoved(Rejected):
    """MLflow says what was approved."""

    code = "nothing_moved"


class AlreadyThere(Rejected):
    """Something with this name or number exists."""

    code = "already_there"


class SchemaFixed(Rejected):
    """The schema is in use: predictions or approvals rely on it."""

    code = "schema_fixed"


class ChangedSince(Exception):
    """Somebody else changed it after the caller had read it."""


class NotTaken(Exception):
    """The bytes are of a kind that is not taken here at all."""
