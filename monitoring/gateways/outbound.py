"""Requests to addresses that operators or people wrote down: resolved once, checked, pinned.

Every address that the name resolves to must be public, unless an operator says that this one lies
inside; the connection goes to the address that was checked, so a name cannot change its mind in
between. No redirects, no proxies, five seconds, 64 kB.
"""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

SECONDS = 5.0
LARGEST = 64 * 1024
Method = Literal["GET", "POST", "PATCH"]


class OutboundRefused(Exception):
    """The address is none that may be asked."""


class OutboundFailed(Exception):
    """It was asked, and did not answer in time or in an acceptable form."""


@dataclass(frozen=True)
class Answer:
    """A status and at most 64 kB."""

    status: int
    body: bytes


def ask(
    method: Method,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    inside: bool = False,
) -> Answer:
    """One request.

    Raises:
        OutboundRefused: the address is not http(s), names a user, or is not public.
        OutboundFailed: no answer in time, a redirect, or more than 64 kB.
    """
    parts = _checked(url)
    address = _resolved(parts, inside=inside)
    connection = _connection(parts, address)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        connection.request(method, path, body=body or None, headers=_headers(headers, body))
        response = connection.getresponse()
        found = response.read(LARGEST + 1)
    except (OSError, http.client.HTTPException) as error:
        raise OutboundFailed(f"no answer: {type(error).__name__}") from None
    finally:
        connection.close()
    if len(found) > LARGEST:
        raise OutboundFailed("the answer is larger than 64 kB")
    if 300 <= response.status < 400:
        raise OutboundFailed("it answered with a redirect, which is not followed")
    return Answer(response.status, found)


def _headers(given: Mapping[str, str] | None, body: bytes) -> dict[str, str]:
    kind = {"Content-Type": "application/json"} if body else {}
    return {**kind, "Accept": "application/json", "Connection": "close", **(given or {})}


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise OutboundRefused("this is no address") from error
    plain = url.isascii() and url.isprintable() and "\\" not in url and " " not in url
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain or port == 0:
        raise OutboundRefused("an address begins with http:// or https://")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise OutboundRefused("an address holds no user and no password")
    return parts


def _resolved(parts: SplitResult, *, inside: bool) -> tuple[str, int]:
    """The first address of the name, if every one of them is allowed; it fails closed."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OutboundFailed("its name is not known") from error
    addresses = [str(one[4][0]) for one in found]
    if not addresses:
        raise OutboundFailed("its name is not known")
    if not inside and not all(is_public(one) for one in addresses):
        raise OutboundRefused("the address is not public")
    return addresses[0], port


def is_public(address: str) -> bool:
    """Neither ours, nor the machine's, nor a neighbour's, in whichever form it is written."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    plain = mapped or found
    return plain.is_global and not plain.is_multicast and not plain.is_reserved


def _connection(parts: SplitResult, address: tuple[str, int]) -> http.client.HTTPConnection:
    if parts.scheme == "http":
        return _Pinned(parts.hostname or "", address)
    return _PinnedTls(parts.hostname or "", address)


class _Pinned(http.client.HTTPConnection):
    """Goes to the checked address, and asks for the name."""

    def __init__(self, name: str, address: tuple[str, int]) -> None:
        super().__init__(name, address[1], timeout=SECONDS)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection(self._address, timeout=SECONDS)


class _PinnedTls(http.client.HTTPSConnection):
    """The same with TLS: the certificate has to be the name's."""

    def __init__(self, name: str, address: tuple[str, int]) -> None:
        self._trusted = ssl.create_default_context()
        super().__init__(name, address[1], timeout=SECONDS, context=self._trusted)
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection(self._address, timeout=SECONDS)
        self.sock = self._trusted.wrap_socket(plain, server_hostname=self.host)
