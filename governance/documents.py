"""Which documents are kept as evidence: told by their bytes, never by their name. Pure."""

import json

SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
JSON = "application/json"
TEXT = "text/plain"
ENDINGS = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    JSON: "json",
    TEXT: "txt",
}


def media_type_of(raw: bytes) -> str | None:
    """The media type of a document that may be kept; None for anything else."""
    for sign, kind in SIGNS:
        if raw.startswith(sign):
            return kind
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not text.strip() or any(_is_control(one) for one in text):
        return None
    return JSON if _is_json(text) else TEXT


def _is_control(sign: str) -> bool:
    return (ord(sign) < 32 and sign not in "\t\r\n\f") or ord(sign) == 127


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in {"{", "["}:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
