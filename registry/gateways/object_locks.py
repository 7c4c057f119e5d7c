"""S3's object lock: sealed files cannot be removed or replaced before their day, by nobody.

Optional (`OMBUD_STORE_LOCK`, `governance` or `compliance`), and only where the bucket was made with
object lock. In mode `compliance` not even the owner of the bucket can shorten it.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Any

from django.conf import settings

from registry.gateways import store

MODES = {"governance": "GOVERNANCE", "compliance": "COMPLIANCE"}


def wanted() -> bool:
    """Whether sealed archives are locked in the store."""
    return settings.STORE_LOCK in MODES and settings.STORE_URL.startswith("s3://")


def lock(names: Iterable[str], until: date) -> date:
    """Lock these files until the end of that day; a longer lock stays as it is.

    Returns the day until which all of them are locked.
    """
    moment = datetime.combine(until, time.max, UTC).replace(microsecond=0)
    return min((_lock(name, moment) for name in names), default=moment).date()


def _lock(name: str, moment: datetime) -> datetime:
    before = _locked_until(name)
    if before is not None and before >= moment:
        return before
    rule = {"Mode": MODES[settings.STORE_LOCK], "RetainUntilDate": moment}
    _ask("put_object_retention", name, Retention=rule)
    return moment


def any_locked(folder: str) -> bool:
    """Whether a file below a folder cannot be removed today."""
    now = datetime.now(UTC)
    days = (_locked_until(name) for name, _ in store.listed(folder))
    return any(day is not None and day > now for day in days)


def _locked_until(name: str) -> datetime | None:
    found: datetime | None = _ask("head_object", name).get("ObjectLockRetainUntilDate")
    return found


def _ask(what: str, name: str, **more: Any) -> dict[str, Any]:
    fs, place = store.filesystem()
    bucket, _, key = place(name).partition("/")
    answer: dict[str, Any] = fs.call_s3(what, Bucket=bucket, Key=key, **more)
    return answer


def versions(folder: str) -> list[dict[str, Any]]:
    """Every version, and every mark of a deletion, of what was below a folder."""
    return _versions(folder, "/")


def versions_of(name: str) -> list[dict[str, Any]]:
    """The same of one file."""
    _, place = store.filesystem()
    key = place(name).partition("/")[2]
    return [one for one in _versions(name, "") if one["Key"] == key]


def _versions(name: str, end: str) -> list[dict[str, Any]]:
    fs, place = store.filesystem()
    bucket, _, prefix = place(name).partition("/")
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        told = fs.call_s3("list_object_versions", Bucket=bucket, Prefix=f"{prefix}{end}", **more)
        found += [*told.get("Versions", []), *told.get("DeleteMarkers", [])]
        if not told.get("IsTruncated"):
            return found
        more = {
            "KeyMarker": told["NextKeyMarker"],
            "VersionIdMarker": told["NextVersionIdMarker"],
        }


def remove_versions(folder: str) -> None:
    """Remove every version below a folder.

    Raises:
        PermissionError: the store refuses one whose lock lasts.
    """
    for one in versions(folder):
        _remove(folder, one)


def remove_versions_of(name: str) -> None:
    """Remove every version of one file.

    Raises:
        PermissionError: the store refuses one whose lock lasts.
    """
    for one in versions_of(name):
        _remove(name, one)


def remove_unlocked(folder: str) -> None:
    """Remove every version below a folder that the store lets go."""
    for one in versions(folder):
        with suppress(PermissionError):
            _remove(folder, one)


def _remove(name: str, one: dict[str, Any]) -> None:
    fs, place = store.filesystem()
    bucket = place(name).partition("/")[0]
    fs.call_s3("delete_object", Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])


def kept_back(parent: str) -> Counter[str]:
    """How many files each folder directly below `parent` has in the store, hidden ones too."""
    _, place = store.filesystem()
    start = len(place(parent).partition("/")[2]) + 1
    found = [one["Key"][start:] for one in versions(parent) if "Size" in one]
    return Counter(key.partition("/")[0] for key in found)
