"""Who may use the API: the names of the server, the sites whose pages may call it, and the key."""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers

from seetell.web.errors import ApiError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

OPEN_PATHS = ("/healthz", "/openapi.json", "/page/")
"""Paths open to all, besides the page itself: they reveal nothing of a photo or an index."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Access:
    """Who may use the API.

    Attributes:
        hosts: names that a request's ``Host`` may have, against DNS rebinding; ``None`` for any.
        addresses: whether ``Host`` may be any IP address besides: no DNS is involved in those, so none can be rebound.
        origins: sites, such as ``https://example.org``, whose pages may call the API, besides the server's own page.
        key: what clients must send as ``Authorization: Bearer KEY``; ``None`` for no key.
    """

    hosts: frozenset[str] | None = LOOPBACK
    addresses: bool = False
    origins: Collection[str] = ()
    key: str | None = None

    def check(self, path: str, headers: Headers) -> None:
        """Check that a request is allowed.

        Raises:
            ApiError: the request is for another host, from another site or without the key.
        """
        host = _host_name(headers.get("host", ""))
        if not self._is_known(host):
            raise ApiError(421, "unknown_host", f"this server is not known as {host!r}; it can be: --allow-host {host}")
        if path == "/" or path.startswith(OPEN_PATHS):
            return
        if self._is_foreign(headers):
            raise ApiError(403, "cross_origin", "pages of other sites may not call the API; see --allow-origin")
        if self.key is not None and not self._has_key(headers.get("authorization", "")):
            challenge = {"WWW-Authenticate": "Bearer"}
            raise ApiError(
                401, "unauthorized", "expected the header 'Authorization: Bearer KEY' with the key", challenge
            )

    def _is_known(self, host: str) -> bool:
        return self.hosts is None or host in self.hosts or (self.addresses and _is_address(host))

    def _is_foreign(self, headers: Headers) -> bool:
        """Return whether a browser sends the request for a page of another origin, another port included."""
        origin = headers.get("origin")
        if origin in self.origins:
            return False
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return True
        return origin is not None and not _is_origin_of(origin, headers.get("host", ""))

    def _has_key(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        sent, key = given.strip().encode("latin-1"), str(self.key)
        allowed = [key.encode("utf-8", "surrogateescape")]
        with suppress(UnicodeEncodeError):  # clients send letters beyond ASCII in UTF-8, or in Latin-1 where they can
            allowed.append(key.encode("latin-1"))
        return scheme.lower() == "bearer" and any(hmac.compare_digest(sent, each) for each in allowed)


def own_names(host: str) -> frozenset[str]:
    """Return the names under which other machines may reach this one.

    Args:
        host: the name or address that is served on.
    """
    name = socket.gethostname().lower()
    return LOOPBACK | {host.lower(), name, name.partition(".")[0], f"{name.partition('.')[0]}.local"}


def client_address(scope: Mapping[str, Any]) -> str:
    """Return the address that a request counts for: the client's, of IPv6 the network that one client usually has."""
    host: str = (scope.get("client") or ("",))[0]
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def _host_name(host: str) -> str:
    """Return a Host header without its port; an empty string if it is not a name or an address."""
    split = _split(f"//{host}")
    return "" if split is None else (split.hostname or "").removesuffix(".")


def _is_origin_of(origin: str, host: str) -> bool:
    page = _split(origin)
    if page is None or page.scheme not in _PORTS:
        return False
    server = _split(f"{page.scheme}://{host}")
    return server is not None and _place(page) == _place(server)


def _place(split: SplitResult) -> tuple[str | None, int]:
    return split.hostname, split.port or _PORTS[split.scheme]


def _split(address: str) -> SplitResult | None:
    """Split a URL of no more than a scheme, a host and a port."""
    try:
        split = urlsplit(address)
        split.port  # noqa: B018  # raises what is wrong with it
    except ValueError:
        return None
    return None if "@" in split.netloc or split.path or split.query or split.fragment else split


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
