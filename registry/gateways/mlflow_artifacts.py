"""Artifact bytes of model versions, through MLflow's artifact proxy only.

A server that hands out `s3://…` or `file:` locations instead of proxying them is refused: reading
those would need credentials and paths that MLflow, not we, would choose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote, unquote, urlsplit

import requests

from registry.gateways.mlflow_http import (
    TRANSFER_SECONDS,
    MlflowRefused,
    MlflowUnavailable,
    base,
    call,
    number,
    records,
    send,
    text,
)

PROXY = "/mlflow-artifacts/artifacts"
MAX_FILES = 10_000
MAX_DEPTH = 20
MAX_FILE_BYTES = 20 * 1024**3
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class ArtifactFile:
    """One file of a version, its path relative to the version's artifacts."""

    path: str
    size: int


class UnsafeArtifactPath(ValueError):
    """A path that would lead out of the version's artifacts."""


def safe_path(path: str) -> str:
    """The path itself if it stays below its root; used for both directions of trust."""
    parts = path.split("/")
    spoilt = "\\" in path or any(ord(sign) < 32 or ord(sign) == 127 for sign in path)
    if spoilt or len(path) > 1000 or any(part in {"", ".", ".."} for part in parts):
        raise UnsafeArtifactPath(f"Not a plain relative artifact path: {path[:200]!r}.")
    # MLflow decodes percent signs more than once, so a coded `..` must not pass either.
    if "%" in path and unquote(unquote(path)) != path:
        raise UnsafeArtifactPath(f"Artifact path with percent codes: {path[:200]!r}.")
    if path.count(":") and ":" in parts[0]:
        raise UnsafeArtifactPath(f"Artifact path with a scheme or drive: {path[:200]!r}.")
    return path


def proxied_root(artifact_uri: str, *, base_url: str | None = None) -> str:
    """The folder below MLflow's artifact root that an `mlflow-artifacts:` address names."""
    parts = urlsplit(artifact_uri)
    ours = urlsplit(base(base_url))
    if parts.scheme != "mlflow-artifacts":
        raise MlflowRefused(
            422,
            f"The artifacts are kept under `{parts.scheme or 'a local path'}` and are not served "
            "by MLflow; start the server with --serve-artifacts and --artifacts-destination.",
            "ARTIFACTS_NOT_PROXIED",
        )
    if parts.netloc and parts.netloc not in {ours.netloc, ours.netloc.rpartition("@")[2]}:
        raise MlflowRefused(
            422, "The artifacts are served by another MLflow server.", "ARTIFACTS_ELSEWHERE"
        )
    return safe_path(parts.path.strip("/"))


def list_files(artifact_uri: str, *, base_url: str | None = None) -> tuple[ArtifactFile, ...]:
    """Every file below the address, sorted by path; too many or too deep is refused."""
    root = proxied_root(artifact_uri, base_url=base_url)
    found: list[ArtifactFile] = []
    waiting = [("", 0)]
    while waiting:
        folder, depth = waiting.pop()
        for path, size, is_folder in _entries(root, folder, base_url):
            if is_folder:
                waiting.append((path, depth + 1))
            else:
                found.append(ArtifactFile(path, size))
        if depth > MAX_DEPTH or len(found) + len(waiting) > MAX_FILES:
            raise MlflowRefused(422, "More than 10,000 artifact files or 20 folders deep.")
    return tuple(sorted(found, key=lambda file: file.path))


def read_file(
    artifact_uri: str,
    path: str,
    *,
    max_bytes: int = MAX_FILE_BYTES,
    base_url: str | None = None,
) -> Iterator[bytes]:
    """The bytes of one file in pieces; a file longer than `max_bytes` is broken off."""
    root = proxied_root(artifact_uri, base_url=base_url)
    address = f"{PROXY}/{quote(f'{root}/{safe_path(path)}')}"
    response = send("GET", address, base_url=base_url, silence=TRANSFER_SECONDS)
    return _pieces(response, path, max_bytes)


def write_file(
    artifact_uri: str, path: str, content: IO[bytes] | bytes, *, base_url: str | None = None
) -> None:
    root = proxied_root(artifact_uri, base_url=base_url)
    address = f"{PROXY}/{quote(f'{root}/{safe_path(path)}')}"
    response = send("PUT", address, base_url=base_url, data=content, silence=TRANSFER_SECONDS)
    response.close()


def _entries(root: str, folder: str, base_url: str | None) -> Iterator[tuple[str, int, bool]]:
    place = f"{root}/{folder}".rstrip("/")
    answer = call("GET", PROXY, base_url=base_url, query={"path": place})
    for entry in records(answer, "files"):
        name = text(entry, "path", most=1000, required=True)
        if "/" in name:
            raise MlflowUnavailable("MLflow listed an artifact outside of the folder asked for.")
        path = safe_path(f"{folder}/{name}" if folder else name)
        yield path, number(entry, "file_size"), entry.get("is_dir") is True


def _pieces(response: requests.Response, path: str, max_bytes: int) -> Iterator[bytes]:
    promised = response.headers.get("Content-Length", "")
    size = 0
    with response:
        try:
            for piece in response.iter_content(CHUNK):
                size += len(piece)
                if size > max_bytes:
                    raise MlflowRefused(413, f"Artifact {path} is larger than {max_bytes} bytes.")
                yield piece
        except requests.RequestException:
            raise MlflowUnavailable(f"MLflow broke off the download of {path}.") from None
    if promised.isdigit() and int(promised) != size:
        raise MlflowUnavailable(f"MLflow sent {size} of {promised} bytes of {path}.")
