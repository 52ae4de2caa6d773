"""Run the application with uvicorn, on a socket that is bound first."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from seetell.errors import UsageError
from seetell.web.connection import Connection

MAX_HEADER_BYTES = 16 * 2**10
KEEP_ALIVE_SECONDS = 15
BACKLOG = 256


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Args:
        host: an address of this machine, or a name of one.
        port: 0 for any free port.

    Raises:
        UsageError: the address cannot be bound.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot serve on {host} port {port}: {reason}; name others with --host and --port") from error
    return listening


def server(app: FastAPI, *, grace: float, ready: Callable[[], None]) -> uvicorn.Server:
    """Return a server that runs until it is interrupted or terminated, and then finishes the requests in flight.

    Args:
        app: the application.
        grace: timeout for the requests in flight, in seconds.
        ready: called once requests are accepted.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        http=Connection,
        ws="none",
        backlog=BACKLOG,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(grace)),
    )
    return _Server(config, ready)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
