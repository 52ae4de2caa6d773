"""What every request passes: who may ask, and what each answer carries and counts as."""

from __future__ import annotations

import hmac
import logging
import math
import re
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seetell.web.errors import RefusalError
from seetell.web.limits import Limits
from seetell.web.rate import RateLimit
from seetell.web.request_body import Incoming
from seetell.web.uploads import too_many_bytes

log = logging.getLogger("seetell.web")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

OPEN_PATHS = ("/healthz", "/openapi.json", "/page/")
"""What needs no key, besides the page itself: nothing of it comes from a photo or an index."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Count = Callable[[str, str, int, float], None]
"""Told of each answer its route, its method, its status and its seconds."""


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        hosts: the names under which the server may be spoken to, so that no other site's name can be made to lead
            here; ``None`` for any.
        origins: sites, such as ``https://example.org``, whose pages may ask from a browser, besides its own page.
        key: what clients must send, as ``Authorization: Bearer KEY``; ``None`` if they need none.
    """

    hosts: frozenset[str] | None = LOOPBACK
    origins: Collection[str] = ()
    key: str | None = None

    def check(self, path: str, headers: Headers) -> None:
        """Refuse who may not ask.

        Raises:
            RefusalError: the request is for another host, from another site or without the key.
        """
        host = _host_name(headers.get("host", ""))
        if self.hosts is not None and host not in self.hosts:
            raise RefusalError(
                421, "unknown_host", f"this server is not known as {host!r}; it can be: --allow-host {host}"
            )
        if not path.startswith("/v1/"):
            needs_key = path != "/" and not path.startswith(OPEN_PATHS)
        else:
            needs_key = True
            if headers.get("sec-fetch-site") == "cross-site" and headers.get("origin") not in self.origins:
                raise RefusalError(403, "other_site", "pages of other sites may not ask; see --allow-origin")
        if needs_key and self.key is not None and not self._has_key(headers.get("authorization", "")):
            challenge = {"WWW-Authenticate": "Bearer"}
            raise RefusalError(
                401, "key_needed", "expected the header 'Authorization: Bearer KEY' with the key", challenge
            )

    def _has_key(self, authorization: str) -> bool:
        scheme, _, key = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.strip().encode(), str(self.key).encode())


class Gate:
    """ASGI middleware around everything.

    Args:
        app: what is behind it.
        access: who may ask.
        limits: how much.
        count: told of each answer.
    """

    def __init__(self, app: ASGIApp, *, access: Access, limits: Limits, count: Count) -> None:
        self._app = app
        self._access = access
        self._limits = limits
        self._rate = RateLimit(limits.per_minute) if limits.per_minute else None
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        incoming = Incoming(headers, receive, max_bytes=self._limits.max_bytes)
        outgoing = _Outgoing(send, incoming, _request_id(headers))
        scope.setdefault("state", {})["request_id"] = outgoing.request_id
        begun = time.perf_counter()
        try:
            self._check(scope, headers)
            await self._app(scope, incoming, outgoing)
        except RefusalError as refusal:
            await refusal.response(outgoing.request_id)(scope, incoming, outgoing)
        except Exception:
            log.exception("request %s failed", outgoing.request_id)
            if not outgoing.status:
                failure = RefusalError(500, "failed", "something went wrong in the server; its log tells what")
                await failure.response(outgoing.request_id)(scope, incoming, outgoing)
        finally:
            self._note(scope, outgoing, time.perf_counter() - begun)

    def _check(self, scope: Scope, headers: Headers) -> None:
        path: str = scope["path"]
        if self._rate is not None and path.startswith("/v1/") and not path.startswith("/v1/photos/"):
            seconds = self._rate.seconds_to_wait((scope.get("client") or ("",))[0])
            if seconds:
                message = f"more than {self._limits.per_minute} requests a minute; come back in {seconds:.0f} seconds"
                raise RefusalError(429, "too_many_requests", message, {"Retry-After": str(math.ceil(seconds))})
        self._access.check(path, headers)
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._limits.max_bytes:
            raise too_many_bytes(self._limits)

    def _note(self, scope: Mapping[str, Any], outgoing: _Outgoing, seconds: float) -> None:
        route = _route(scope)
        method = scope["method"] if route != "other" else "other"
        status = outgoing.status or 499  # nobody was there to be answered
        self._count(route, method, status, seconds)
        log.info("%s %s %d %.0f ms %s", method, route, status, 1000 * seconds, outgoing.request_id)


class _Outgoing:
    """Sends an answer with what all answers carry, once the request has come in."""

    def __init__(self, send: Send, incoming: Incoming, request_id: str) -> None:
        self._send = send
        self._incoming = incoming
        self.request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            headers["X-Request-ID"] = self.request_id
            await self._incoming.finish()
        await self._send(message)


def _host_name(host: str) -> str:
    """Return a Host header without its port; nothing for one that is no name or address."""
    try:
        return "" if "@" in host else urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _route(scope: Mapping[str, Any]) -> str:
    """Return the route of a request, even of one that did not get as far; other paths are all counted as one."""
    if "route" in scope:
        return str(scope["route"].path)
    return next((route.path for route in scope["app"].routes if route.path == scope["path"]), "other")


def _request_id(headers: Headers) -> str:
    """Return the client's or proxy's own id for the request if it is a harmless one, else a new one."""
    given = headers.get("x-request-id", "")
    return given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else uuid.uuid4().hex
