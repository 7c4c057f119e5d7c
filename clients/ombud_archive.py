"""Check one archive of Ombud: `python ombud_archive.py FOLDER [--manifest SHA256]`.

Needs Python 3.11 and nothing else; shares no code with the server. Every file must be the one that
manifest.json names, none may be missing and none too many. With --manifest, the manifest itself
must be the sealed one. Ends with 0 if all of this holds, with 1 and the bad files' names if not.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
FORMAT = "ombud-archive/1"
CHUNK = 1024 * 1024


def sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(CHUNK):
            found.update(piece)
    return found.hexdigest()


def faults(folder: Path, sealed: str = "") -> list[str]:
    """What is wrong with the archive in this folder; empty if nothing is."""
    manifest = folder / MANIFEST
    if not manifest.is_file() or manifest.is_symlink():
        return [f"{MANIFEST} is missing."]
    if sealed and sha256(manifest) != sealed.lower():
        return [f"{MANIFEST} is not the manifest that was sealed."]
    try:
        listed = named(json.loads(manifest.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return [f"{MANIFEST} cannot be read."]
    if not listed:
        return [f"{MANIFEST} names no files: nothing was checked."]
    return compared(folder, listed)


def named(said: dict[str, Any]) -> dict[str, tuple[int, str]]:
    """Path -> size and SHA-256, as the manifest says."""
    if said["format"] != FORMAT:
        raise ValueError(said["format"])
    return {file["path"]: (file["size"], file["sha256"]) for file in said["files"]}


def compared(folder: Path, listed: dict[str, tuple[int, str]]) -> list[str]:
    there = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    there.pop(MANIFEST, None)
    found = [f"{path} is not in the manifest." for path in there.keys() - listed.keys()]
    for path, (size, digest) in listed.items():
        at = there.get(path)
        if at is None:
            found.append(f"{path} is missing.")
        elif at.is_symlink() or not at.is_file():
            found.append(f"{path} is no plain file.")
        elif at.stat().st_size != size or sha256(at) != digest:
            found.append(f"{path} is not what was sealed: its bytes have changed.")
    return sorted(found)


def main() -> int:
    parser = argparse.ArgumentParser(description="Check one archive of Ombud.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--manifest", default="", help="SHA-256 of the sealed manifest")
    asked = parser.parse_args()
    wrong = faults(asked.folder, asked.manifest)
    for fault in wrong:
        sys.stdout.write(f"{fault}\n")
    if wrong:
        return 1
    sys.stdout.write("Every file is the one that the manifest names.\n")
    if not asked.manifest:
        sys.stdout.write("The manifest itself was not checked: give its digest by --manifest.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
