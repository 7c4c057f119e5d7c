"""Check a bundle of Ombud: `python verify/ombud_bundle.py [FOLDER-OR-ZIP] [--key PUBLIC-KEY]`.

Needs Python 3.11 and the package `cryptography`; shares no code with the server. It checks that
every file is the one that the manifest names, that every proof holds and is of the event that the
walkthroughs tell, that the trail is whole, and that the sample is the one that the seed draws.
"""

import argparse
import hashlib
import importlib.util
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

MANIFEST = "manifest.json"
LARGEST = 4 * 1024**3


class Wrong(Exception):
    """Something in the bundle does not hold."""


def beside(name: str) -> ModuleType:
    """The module of that name in this file's folder, without a search path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    if spec is None or spec.loader is None:
        raise Wrong(f"{name}.py is not beside this file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Wrong(f"{path.name} cannot be read ({error})") from error


def check_files(folder: Path) -> int:
    """Exactly the files of the manifest, each with its size and SHA-256."""
    told = read(folder / MANIFEST)["files"]
    there = {str(one.relative_to(folder).as_posix()) for one in folder.rglob("*") if one.is_file()}
    ignored = {name for name in there if "/__pycache__/" in f"/{name}"}
    if missing := sorted(set(told) - there):
        raise Wrong(f"{missing[0]} is missing")
    if added := sorted(there - set(told) - {MANIFEST} - ignored):
        raise Wrong(f"{added[0]} is not in the manifest")
    for name, expected in told.items():
        content = (folder / name).read_bytes()
        found = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        if found != expected:
            raise Wrong(f"{name} was changed after the bundle was made")
    return len(told)


def check_proofs(folder: Path, trusted: str) -> int:
    """Every proof holds, and is of the event that the walkthroughs tell."""
    verify = beside("ombud_verify")
    told = {
        event["sequence"]: event["digest"]
        for item in read(folder / "data/bundle.json")["items"]
        for event in item["walkthrough"]["events"]
        if event["proved"]
    }
    for sequence, digest in told.items():
        proof = read(folder / f"proofs/{sequence:09d}.json")
        try:
            verify.verify_proof(proof, trusted)
        except (verify.Broken, ValueError, KeyError, TypeError) as error:
            raise Wrong(f"the proof of event {sequence} fails: {error}") from error
        if (proof["event"]["sequence"], proof["event"]["digest"]) != (sequence, digest):
            raise Wrong(f"the proof of event {sequence} is of another event")
    return len(told)


def check_trail(folder: Path, trusted: str) -> int:
    """The trail as far as the newest checkpoint, if the bundle holds it."""
    if not (folder / "trail").is_dir():
        return 0
    verify = beside("ombud_verify")
    try:
        return int(verify.verify(verify.load(folder / "trail"), trusted).events)
    except (verify.Broken, verify.Unusable, OSError, ValueError, KeyError) as error:
        raise Wrong(f"the trail does not hold: {error}") from error


def check_sample(folder: Path) -> int:
    """The items are those that the seed draws from the population."""
    if not (folder / "data/sample.json").exists():
        return 0
    sample = read(folder / "data/sample.json")
    if wrong := beside("ombud_sample").differences(sample):
        raise Wrong(f"the sample is not what its seed draws: {'; '.join(wrong)}")
    return len(sample["items"])


def check(folder: Path, trusted: str) -> str:
    files = check_files(folder)
    proofs, events = check_proofs(folder, trusted), check_trail(folder, trusted)
    sampled = check_sample(folder)
    manifest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    told = f"{files} files, {proofs} proofs, {events} events of the trail, {sampled} sampled items"
    if not proofs and not events:
        raise Wrong(f"there is nothing that a signature covers: {told}")
    return (
        f"{told} checked: all hold.\nSHA-256 of the manifest: {manifest}\n"
        "Compare it with the one that Ombud shows for this bundle and keeps in its trail."
    )


def unpacked(path: Path, into: str) -> Path:
    """The bundle as a folder."""
    if path.is_dir():
        return path
    with zipfile.ZipFile(path) as archive:
        if sum(one.file_size for one in archive.infolist()) > LARGEST:
            raise Wrong("the file is too large to unpack")
        archive.extractall(into)
    return Path(into)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    here = Path(__file__).resolve().parent.parent
    parser.add_argument("bundle", type=Path, nargs="?", default=here)
    parser.add_argument("--key", action="append", default=[], help="a public key that you trust")
    options = parser.parse_args(arguments)
    sys.dont_write_bytecode = True
    try:
        with tempfile.TemporaryDirectory() as folder:
            told = check(unpacked(options.bundle, folder), "\n".join(options.key))
    except Wrong as error:
        return say(1, f"BROKEN: {error}.")
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ImportError) as error:
        return say(2, f"CANNOT BE CHECKED: {error}")
    return say(0, told)


def say(status: int, text: str) -> int:
    (sys.stderr if status else sys.stdout).write(f"{text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
