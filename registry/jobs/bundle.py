"""What makes an archive explain itself: its README and the lock of the model's environment."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from registry.gateways import wheels
from registry.manifests import read_mlmodel
from registry.models import Version

README_FILE = "README.txt"
LOCK_FILE = "environment/lock.json"
PINNED = re.compile(r"^([A-Za-z0-9][\w.\-]*)(?:\[[^\]]*\])?\s*={2,3}\s*([^\s;#\\]+)")
NAMED = re.compile(r"^([A-Za-z0-9][\w.\-]*)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")
PYTHON = re.compile(r"^python\s*={1,2}\s*([\w.]+)$")

README = """\
{model}, version {number}
{line}

This folder is an archive of one version of a model, as it was when its life ended. It can be read
without Ombud.

manifest.json          every other file here with its size and SHA-256
artifacts/             the files of the model, byte for byte as they were registered
environment/           the files that describe its Python environment, as they came with the model
environment/lock.json  the same as one list: Python, every package, its version, its wheels' hashes
                       ("missing" says what is not known), and what was installed where this
                       archive was written
golden/                rows that the version was asked and what it answered, to be compared with
                       what it answers when it is brought back; or none.json, which says why not
metadata/version.json  who made it, from what, when it served; metadata/schema.json says what it
                       takes and answers
reference/             the data that it was compared with, if it had any
card/                  its card in every format; formats.json says what each format cannot hold
approvals/             every change that was asked for, with its evidence and its signatures
evidence/              findings, waivers, and what people attached to controls of the model
audit/                 the events about it (events.jsonl), the proof that each stands in the signed
                       trail (proofs), that the trail only grew (consistency.json), and in
                       about.json which events no checkpoint covered yet
documents/             the card and the requests as they were when the archive was asked for
verify/                the two programs that check all this

A folder or a file that is not here was not there when the version was archived.

To see whether every byte is what was sealed, compare the SHA-256 of each file with manifest.json.
This does it, with Python alone:

    python verify/ombud_archive.py . --manifest DIGEST

DIGEST is the SHA-256 of manifest.json. It is in Ombud's audit trail and on the archive's page;
without it you see that the files fit the manifest, not that it is the sealed one.

To see that the events stand in the trail that Ombud signed, and that it only grew (needs the
package cryptography):

    python verify/ombud_verify.py audit --key PUBLIC-KEY

Instead of the folder it takes one proof too: audit/proofs/NUMBER.json or audit/consistency.json.

Model files may run code when they are loaded. Load them only where that can do no harm.
"""


def readme(version: Version) -> bytes:
    """What lies in the archive and how to check it, in plain words."""
    title = f"{version.model.name}, version {version.number}"
    text = README.format(model=version.model.name, number=version.number, line="=" * len(title))
    return text.encode()


def lock_of(texts: Mapping[str, bytes]) -> dict[str, Any]:
    """The environment that these files (name -> bytes) declare, and what they leave open.

    Where they give no hash, those of the wheels that are known here stand, and where they are from.
    `installed` is what the same packages and all that they need are in the environment that wrote
    the archive: golden answers were computed with it where its versions are the declared ones.
    """
    python, lines = _declared(texts)
    packages = [_package(line) for line in lines]
    found = {one["name"]: _hashed(one) for one in packages if one is not None}
    listed = [found[name] for name in sorted(found)]
    missing = [] if python else ["The version of Python is not declared."]
    missing += [f"{p['name']}: no exact version." for p in listed if not p["version"]]
    missing += [f"{p['name']}: no hash of a wheel is known." for p in listed if not p["hashes"]]
    missing += [f"Not read: {line[:200]}" for line in lines if _package(line) is None]
    about = {"python": python, "packages": listed, "from": sorted(texts), "missing": missing}
    return about | {"installed": _installed(found)}


def _hashed(package: dict[str, Any]) -> dict[str, Any]:
    """With the hashes that are known here, if the files gave none; and where they are from."""
    if package["hashes"] or not package["version"]:
        return package | {"hashes_from": "declared" if package["hashes"] else ""}
    known = wheels.hashes_of(package["name"], package["version"])
    return package | {"hashes": list(known.sha256), "hashes_from": known.source}


def _installed(names: Iterable[str]) -> dict[str, Any]:
    there = [
        {"name": name, "version": version, "hashes": []}
        for name, version in wheels.installed(names)
    ]
    packages = [_hashed(one) for one in there]
    unknown = [f"{one['name']} {one['version']}" for one in packages if not one["hashes"]]
    return wheels.here() | {"packages": packages, "no_hash_known": unknown}


def _declared(texts: Mapping[str, bytes]) -> tuple[str, list[str]]:
    """The version of Python and every requirement; requirements.txt, with hashes, last."""
    python, lines = "", list[str]()
    for name in ("conda.yaml", "python_env.yaml"):
        about = read_mlmodel(texts.get(name, b""))
        python = str(about.get("python") or "") or python
        wanted = about.get("dependencies")
        for said in wanted if isinstance(wanted, list) else []:
            inside = said.get("pip") if isinstance(said, dict) else [said]
            lines += [str(one) for one in inside or [] if not str(one).startswith("-r")]
    for line in list(lines):
        if match := PYTHON.match(line.strip()):
            python = match[1] or python
            lines.remove(line)
    return python, lines + _requirements(texts.get("requirements.txt", b""))


def _requirements(raw: bytes) -> list[str]:
    joined = raw.decode("utf-8", "replace").replace("\\\n", " ").replace("\\\r\n", " ")
    lines = (line.strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _package(line: str) -> dict[str, Any] | None:
    """Name, version and hashes of one requirement; None if it is not one by name."""
    named = NAMED.match(line)
    if named is None:
        return None
    # Conda pins with one sign of equality, pip with two.
    pinned = PINNED.match(re.sub(r"^([\w.\-]+)=(?=[\w.])", r"\1==", line))
    name = re.sub(r"[-_.]+", "-", named[1]).lower()
    return {"name": name, "version": pinned[2] if pinned else "", "hashes": HASH.findall(line)}
