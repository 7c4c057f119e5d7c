"""Content-Encoding: gzip and zstd, unpacked piece by piece under a budget."""

import zlib
from collections.abc import Callable
from typing import Any

import zstandard

from monitoring.gateways.refusals import UploadRefused

LARGEST_BODY = 64 * 1024 * 1024
LARGEST_DECODED = 512 * 1024 * 1024
PIECE = 1024 * 1024
SIP = 2048  # of zstd input: four bytes may become a block of 128 KiB
LARGEST_WINDOW = 128 * 1024 * 1024
PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


def decoded(body: bytes, encoding: str, *, limit: int = LARGEST_DECODED) -> bytes:
    """The bytes behind a Content-Encoding.

    Raises:
        UploadRefused: 415 for an encoding not known, chained or doubled; 400 where the bytes are
            damaged or incomplete; 413 where they unpack to more than `limit`.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    if name not in DECODERS:
        raise UploadRefused(
            415, "encoding", f"Content-Encoding {encoding[:40]!r} is not taken: send gzip or zstd."
        )
    plain = DECODERS[name](body, limit)
    if plain.startswith(PACKED):
        raise UploadRefused(415, "encoding", "The body is compressed twice; compress it once.")
    return plain


def _gunzip(body: bytes, limit: int) -> bytes:
    parts, size = [], 0
    rest = body
    while rest:
        member = zlib.decompressobj(wbits=31)
        try:
            while not member.eof:
                piece = member.decompress(rest, PIECE)
                rest = member.unconsumed_tail
                size = _within(size + len(piece), limit)
                parts.append(piece)
                if not piece and not rest and not member.eof:
                    raise _damaged("gzip", "it stops before its end")
        except zlib.error as error:
            raise _damaged("gzip", str(error)) from error
        rest = member.unused_data
    return b"".join(parts)


def _unzstd(body: bytes, limit: int) -> bytes:
    parts, size, frame = [], 0, _zstd_frame()
    place = 0
    try:
        while place < len(body):
            piece = body[place : place + SIP]
            plain = frame.decompress(piece)
            place += len(piece)
            size = _within(size + len(plain), limit)
            parts.append(plain)
            if frame.eof and (place := place - len(frame.unused_data)) < len(body):
                frame = _zstd_frame()
    except zstandard.ZstdError as error:
        raise _damaged("zstd", str(error)) from error
    if not frame.eof:
        raise _damaged("zstd", "it stops before its end")
    return b"".join(parts)


def _zstd_frame() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).decompressobj()


def _within(size: int, limit: int) -> int:
    if size > limit:
        raise UploadRefused(
            413,
            "decoded_bytes",
            f"The body unpacks to more than {limit // 1024 // 1024} MiB; send smaller batches.",
        )
    return size


def _damaged(name: str, why: str) -> UploadRefused:
    return UploadRefused(400, "encoding", f"The body is no complete {name} data: {why[:100]}.")


DECODERS: dict[str, Callable[[bytes, int], bytes]] = {"gzip": _gunzip, "zstd": _unzstd}
