"""Middleware around every request: access, rate limit, security headers, request ids, metrics and the log."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seetell.web.access import Access, client_address
from seetell.web.errors import ApiError, unavailable
from seetell.web.limits import Limits
from seetell.web.request_body import DrainingReceive
from seetell.web.uploads import upload_too_large

log = logging.getLogger("seetell.web")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

CountRequest = Callable[[str, str, int, float], None]
"""Called after each answer with the route, the method, the status and the seconds it took."""

MAX_CLIENTS = 10_000
"""Addresses that a rate limit remembers; those idle longest are forgotten first."""


class AccessMiddleware:
    """ASGI middleware that checks every request before the application sees it.

    The application sees a path without a slash at its end, and ``GET`` for ``HEAD``, whose answer has no body.

    Args:
        app: the application.
        access: who may use it.
        limits: how much.
        count: called after each answer.
    """

    def __init__(self, app: ASGIApp, *, access: Access, limits: Limits, count: CountRequest) -> None:
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
        method, scope = scope["method"], _canonical(scope)
        headers = Headers(scope=scope)
        draining = DrainingReceive(headers, receive, max_bytes=self._limits.max_bytes)
        sending = _HeaderSend(send, draining, _request_id(headers), head=method == "HEAD")
        scope.setdefault("state", {})["request_id"] = sending.request_id
        start = time.perf_counter()
        try:
            self._check(scope, headers)
            await self._app(scope, draining, sending)
        except ApiError as error:
            await error.response(sending.request_id)(scope, draining, sending)
        except asyncio.CancelledError:  # the server ends
            if not sending.status:
                sending.status = 503
                await unavailable("stopping", "the server is about to end").response(sending.request_id)(
                    scope, receive, send
                )
        except Exception:
            log.exception("request %s failed", sending.request_id)
            if not sending.status:
                failure = ApiError(500, "failed", "something went wrong in the server; its log has the details")
                await failure.response(sending.request_id)(scope, draining, sending)
        finally:
            self._record(scope, method, sending, time.perf_counter() - start)

    def _check(self, scope: Scope, headers: Headers) -> None:
        path: str = scope["path"]
        if self._rate is not None and path.startswith("/v1/") and not path.startswith("/v1/photos/"):
            seconds = self._rate.seconds_to_wait(client_address(scope))
            if seconds:
                message = f"more than {self._limits.per_minute} requests a minute; try again in {seconds:.0f} seconds"
                raise ApiError(429, "too_many_requests", message, {"Retry-After": str(math.ceil(seconds))})
        self._access.check(path, headers)
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._limits.max_bytes:
            raise upload_too_large(self._limits)

    def _record(self, scope: Mapping[str, Any], method: str, sending: _HeaderSend, seconds: float) -> None:
        route = _route(scope)
        method = method if route != "other" else "other"
        status = sending.status or 499  # the client has gone
        self._count(route, method, status, seconds)
        log.info("%s %s %d %.0f ms %s", method, route, status, 1000 * seconds, sending.request_id)


class RateLimit:
    """A token bucket per client: so many requests per minute, and as many at once after an idle minute.

    Args:
        per_minute: requests.
        clock: monotonic seconds.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._clients: dict[str, tuple[float, float]] = {}  # tokens, and as of when; the latest client last

    def seconds_to_wait(self, client: str) -> float:
        """Count a request; return 0 if it is allowed, else the seconds until it will be."""
        now = self._clock()
        tokens, since = self._clients.pop(client, (float(self._per_minute), now))
        tokens = min(float(self._per_minute), tokens + (now - since) * self._per_minute / 60)
        allowed = tokens >= 1
        self._clients[client] = (tokens - allowed, now)
        if len(self._clients) > MAX_CLIENTS:
            del self._clients[next(iter(self._clients))]
        return 0.0 if allowed else (1 - tokens) * 60 / self._per_minute


class _HeaderSend:
    """Sends an answer with the common headers, once the body of the request is drained."""

    def __init__(self, send: Send, draining: DrainingReceive, request_id: str, *, head: bool) -> None:
        self._send = send
        self._draining = draining
        self._head = head
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
            await self._draining.drain()
        elif self._head:
            message = {**message, "body": b""}
        await self._send(message)


def _canonical(scope: Scope) -> Scope:
    path = scope["path"]
    return {
        **scope,
        "path": path[:-1] if path.endswith("/") and len(path) > 1 else path,
        "method": "GET" if scope["method"] == "HEAD" else scope["method"],
    }


def _route(scope: Mapping[str, Any]) -> str:
    """Return the route of a request, also of one that was rejected before routing; all unknown paths count as one."""
    if "route" in scope:
        return str(scope["route"].path)
    return next((route.path for route in scope["app"].routes if route.path == scope["path"]), "other")


def _request_id(headers: Headers) -> str:
    """Return the client's or proxy's own id of the request if it is harmless, else a new one."""
    given = headers.get("x-request-id", "")
    return given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else uuid.uuid4().hex
