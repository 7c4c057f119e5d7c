"""Lists of hashed files and what they tell: one digest for all, and which formats are unsafe. Pure.

A file is never opened as what it claims to be: MLmodel is read as plain YAML, everything else is
judged by its name and its first bytes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from audit.chain import sha256_of

MAX_MLMODEL_BYTES = 1024 * 1024
PICKLED_NAMES = re.compile(r"\.(pkl|pickle|cloudpickle|joblib|pt|pth|dill)(\.\w{2,4})?$", re.I)
# Opcodes that begin every pickle of protocol 2 to 5.
PICKLE_MAGIC = re.compile(rb"\x80[\x02-\x05]")
PICKLE_FORMATS = frozenset({"pickle", "cloudpickle", "joblib", "dill"})
ENVIRONMENT_FILES = ("conda.yaml", "python_env.yaml", "requirements.txt")


@dataclass(frozen=True)
class HashedFile:
    """One file: its path below the version's root, bytes, SHA-256 in hex."""

    path: str
    size: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "size": self.size, "sha256": self.sha256}


def digest_of(files: Iterable[HashedFile]) -> str:
    """SHA-256 over the canonical list of files in order of their paths."""
    listed = [file.as_json() for file in sorted(files, key=lambda file: file.path)]
    return sha256_of({"files": listed})


class _NoAliases(yaml.SafeLoader):
    """Plain YAML: an alias could make a small file a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not accepted")
        return super().compose_node(parent, index)


def read_mlmodel(raw: bytes) -> dict[str, Any]:
    """What MLmodel says, as plain data; empty when it is too large or no plain YAML."""
    if len(raw) > MAX_MLMODEL_BYTES:
        return {}
    try:
        found = yaml.load(raw, Loader=_NoAliases)  # noqa: S506 - a SafeLoader, stricter
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def flavors_of(mlmodel: Mapping[str, Any]) -> dict[str, str]:
    """Flavor -> how it is serialised ("" if it does not say)."""
    flavors = mlmodel.get("flavors")
    if not isinstance(flavors, dict):
        return {}
    return {
        str(name)[:80]: str(about.get("serialization_format") or "")[:40]
        for name, about in list(flavors.items())[:50]
        if isinstance(about, dict)
    }


def pickled(heads: Mapping[str, bytes], mlmodel: Mapping[str, Any]) -> list[str]:
    """Paths (and flavors) that run code when loaded, found without loading them.

    A tripwire, no boundary: an empty list means "no known pattern", never "safe".
    """
    by_name = [path for path in heads if PICKLED_NAMES.search(path)]
    by_bytes = [path for path, head in heads.items() if PICKLE_MAGIC.match(head)]
    by_flavor = [
        f"flavor {name}: {how}"
        for name, how in flavors_of(mlmodel).items()
        if how in PICKLE_FORMATS
    ]
    return sorted({*by_name, *by_bytes, *by_flavor})


def environment_files(paths: Iterable[str]) -> list[str]:
    return sorted(path for path in paths if path in ENVIRONMENT_FILES)
