"""Errors of the HTTP API: a status, a code for programs, a message for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

RETRY_SECONDS = 2
"""``Retry-After`` of a busy server."""


class ApiError(Exception):
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        code: one word that programs can rely on.
        message: what was expected, what came, what to do.
        headers: further headers of the response.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    def response(self, request_id: str) -> JSONResponse:
        """Return the response to send."""
        content: dict[str, Any] = {"error": str(self), "code": self.code, "request_id": request_id}
        return JSONResponse(content, self.status, self.headers)


def unavailable(code: str, message: str) -> ApiError:
    """Return a 503 error that asks the client to try again later."""
    return ApiError(503, code, message, {"Retry-After": str(RETRY_SECONDS)})
