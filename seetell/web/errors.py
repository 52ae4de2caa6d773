"""What the server says when it does not do what it was asked: a status, a code for programs, a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

RETRY_SECONDS = 2
"""After which a busy server is worth asking again."""


class RefusalError(Exception):
    """A request that is not answered as asked.

    Args:
        status: of HTTP.
        code: one word that programs can rely on.
        message: what was expected, what came, what to do.
        headers: to be sent with it.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    def response(self, request_id: str) -> JSONResponse:
        """Return the answer that tells it."""
        content: dict[str, Any] = {"error": str(self), "code": self.code, "request_id": request_id}
        return JSONResponse(content, self.status, self.headers)


def busy(code: str, message: str) -> RefusalError:
    """Return the refusal of a server that can do it later."""
    return RefusalError(503, code, message, {"Retry-After": str(RETRY_SECONDS)})
