"""S3's object lock: sealed files cannot be removed or replaced before their day, by nobody.

Optional (`OMBUD_STORE_LOCK`, `governance` or `compliance`), and only where the bucket was made with
object lock. In mode `compliance` not even the owner of the bucket can shorten it.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

from django.conf import settings

from registry.gateways import store

MODES = {"governance": "GOVERNANCE", "compliance": "COMPLIANCE"}


def wanted() -> bool:
    """Whether sealed archives are locked in the store."""
    return settings.STORE_LOCK in MODES and settings.STORE_URL.startswith("s3://")


def lock(names: Iterable[str], until: date) -> None:
    """Lock these files until the end of that day; a lock that is there is only lengthened."""
    fs, place = store.filesystem()
    moment = datetime.combine(until, time.max, UTC).replace(microsecond=0)
    for name in names:
        bucket, _, key = place(name).partition("/")
        fs.call_s3(
            "put_object_retention",
            Bucket=bucket,
            Key=key,
            Retention={"Mode": MODES[settings.STORE_LOCK], "RetainUntilDate": moment},
        )


def versions(folder: str) -> list[dict[str, Any]]:
    """Every version, and every mark of a deletion, of what was below a folder."""
    fs, place = store.filesystem()
    bucket, _, prefix = place(folder).partition("/")
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        told = fs.call_s3("list_object_versions", Bucket=bucket, Prefix=f"{prefix}/", **more)
        found += [*told.get("Versions", []), *told.get("DeleteMarkers", [])]
        if not told.get("IsTruncated"):
            return found
        more = {
            "KeyMarker": told["NextKeyMarker"],
            "VersionIdMarker": told["NextVersionIdMarker"],
        }


def remove_versions(folder: str) -> None:
    """Remove every version below a folder; a store refuses those whose lock lasts."""
    fs, place = store.filesystem()
    bucket = place(folder).partition("/")[0]
    for one in versions(folder):
        fs.call_s3("delete_object", Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
