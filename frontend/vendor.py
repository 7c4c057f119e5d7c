"""Bring the front-end packages of `vendor.lock.json` into `static/vendor`.

    python frontend/vendor.py              fetch with `npm pack`, verify, write
    python frontend/vendor.py --from DIR   take the tarballs from DIR instead
    python frontend/vendor.py --check      only compare static/vendor with its checksums

A tarball whose sha512 differs from the lock is refused before anything is written.
"""

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parent.parent
LOCK = HOUSE / "frontend" / "vendor.lock.json"
VENDOR = HOUSE / "static" / "vendor"
SUMS = VENDOR / "SHA512SUMS"

# The maps are not shipped, and Django's manifest storage fails on a reference to a missing file.
SOURCE_MAP = re.compile(rb"\n?(/\*# sourceMappingURL=\S+ \*/|//# sourceMappingURL=\S+)\s*$")
ICON_BODY = re.compile(r"<svg[^>]*>(.*?)</svg>", re.DOTALL)

Package = dict[str, Any]


class VendorError(Exception):
    """What is wrong with a package, in a sentence for the person at the terminal."""


def packages() -> list[Package]:
    locked: list[Package] = json.loads(LOCK.read_text())["packages"]
    return locked


def tarball_name(package: Package) -> str:
    return f"{package['name'].lstrip('@').replace('/', '-')}-{package['version']}.tgz"


def fetch(package: Package, folder: Path) -> Path:
    """`npm pack` writes the tarball into the folder under the name used here."""
    path = folder / tarball_name(package)
    if not path.exists():
        wanted = f"{package['name']}@{package['version']}"
        subprocess.run(  # noqa: S603 -- fixed program, arguments from the lock file
            ["npm", "pack", "--silent", wanted],  # noqa: S607 -- npm is found on PATH
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return path


def verified(package: Package, path: Path) -> Path:
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != package["integrity"]:
        raise VendorError(f"{path.name}: sha512 differs from {LOCK.name}; nothing was written.")
    return path


def member(tarball: tarfile.TarFile, name: str) -> bytes:
    handle = tarball.extractfile(f"package/{name}")
    if handle is None:
        raise VendorError(f"{name} is not a file of the package.")
    return handle.read()


def sprite(tarball: tarfile.TarFile, icons: list[str]) -> bytes:
    symbols = []
    for icon in icons:
        svg = member(tarball, f"icons/outline/{icon}.svg").decode()
        found = ICON_BODY.search(svg)
        if found is None:
            raise VendorError(f"{icon}.svg has no drawing.")
        body = re.sub(r"\s*\n\s*", "", found[1]).strip()
        symbols.append(f'<symbol id="{icon}" viewBox="0 0 24 24">{body}</symbol>')
    inside = "\n".join(symbols)
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{inside}\n</svg>\n'.encode()


def unpack(package: Package, path: Path) -> None:
    target = VENDOR / package["folder"]
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path) as tarball:
        for source, name in package["files"].items():
            (target / name).write_bytes(SOURCE_MAP.sub(b"\n", member(tarball, source)))
        if icons := package.get("sprite"):
            (target / "sprite.svg").write_bytes(sprite(tarball, icons))
    for source in package.get("license_files", []):
        (target / "LICENSE").write_bytes((HOUSE / source).read_bytes())


def checksums() -> dict[str, str]:
    """sha512 of every vendored file, by its path below static/vendor."""
    files = sorted(path for path in VENDOR.rglob("*") if path.is_file() and path.parent != VENDOR)
    return {
        path.relative_to(VENDOR).as_posix(): hashlib.sha512(path.read_bytes()).hexdigest()
        for path in files
    }


def recorded() -> dict[str, str]:
    lines = SUMS.read_text().splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def check() -> list[str]:
    """One sentence per file that is missing, unknown or changed."""
    found, wanted = checksums(), recorded()
    return [
        f"{name}: {'missing' if name not in found else 'changed or not recorded'}"
        for name in sorted(found.keys() | wanted.keys())
        if found.get(name) != wanted.get(name)
    ]


def write(tarballs: Path) -> None:
    paths = [(package, verified(package, fetch(package, tarballs))) for package in packages()]
    for package, path in paths:
        unpack(package, path)
    SUMS.write_text("".join(f"{digest}  {name}\n" for name, digest in checksums().items()))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--from", dest="tarballs", type=Path, help="folder with the npm tarballs")
    parser.add_argument("--check", action="store_true", help="only verify static/vendor")
    return parser.parse_args()


def main() -> int:
    wanted = arguments()
    if not wanted.check:
        with tempfile.TemporaryDirectory() as scratch:
            write(wanted.tarballs or Path(scratch))
    problems = check()
    sys.stdout.write("".join(f"{line}\n" for line in problems))
    sys.stdout.write(f"{len(recorded())} vendored files checked, {len(problems)} problems.\n")
    return 1 if problems or not recorded() else 0


if __name__ == "__main__":
    sys.exit(main())
