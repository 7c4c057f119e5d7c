"""The bytes of one version read now and held against their digest, before it serves again."""

from dataclasses import dataclass

from registry.gateways.mlflow import MlflowRefused, MlflowUnavailable, UnsafeArtifactPath
from registry.jobs.inspection import hash_files
from registry.manifests import digest_of
from registry.models import Version

SAME, DIFFER, UNREAD, NONE = "same", "differ", "unread", "none"


@dataclass(frozen=True)
class BytesNow:
    """`state`: same, differ, unread (MLflow did not answer), none (no files are known)."""

    state: str
    said: str


def read_bytes(version: Version) -> BytesNow:
    """Read every file again and compare; nothing is stored and nothing is raised for MLflow."""
    if not version.artifact_uri:
        return BytesNow(NONE, "Ombud knows no place that its files could be read from.")
    try:
        files, _ = hash_files(version.artifact_uri)
    except UnsafeArtifactPath as strange:
        return BytesNow(DIFFER, f"Its files are not as they were hashed: {strange}"[:300])
    except MlflowRefused as refusal:
        if refusal.status in {404, 413, 422}:
            return BytesNow(DIFFER, f"Its files are not as they were hashed: {refusal}"[:300])
        return BytesNow(UNREAD, f"MLflow does not let its files be read: {refusal}"[:300])
    except MlflowUnavailable as away:
        return BytesNow(UNREAD, f"MLflow did not answer, so its files were not read: {away}"[:300])
    if digest_of(tuple(files)) != version.artifact_digest:
        return BytesNow(DIFFER, "Its files are not those that were hashed and approved.")
    n = len(files)
    return BytesNow(SAME, f"{n} file{'' if n == 1 else 's'} read and found as approved.")
