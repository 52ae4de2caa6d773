"""Run the application with uvicorn, on a socket that is bound first."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Collection
from types import FrameType

import uvicorn
from fastapi import FastAPI

from seetell.errors import UsageError
from seetell.web.connection import Connection

KEEP_ALIVE_SECONDS = 15
BACKLOG = 256
GRACE_SECONDS = 1.0
"""Time for the requests in flight when the server is told to end."""
END_SECONDS = 1.8
"""Time from then on after which the process ends in any case."""

LIMITED_LOGGERS = ("asyncio", "uvicorn.error", "seetell.web")

WARNINGS_PER_SECOND = 5
"""Warnings and errors that a logger writes per second; when descriptors run out there are hundreds."""


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


def server(app: FastAPI, *, grace: float, ready: Callable[[], None], proxies: Collection[str] = ()) -> uvicorn.Server:
    """Return a server that runs until it is interrupted or terminated, and then finishes the requests in flight.

    Args:
        app: the application.
        grace: timeout for the requests in flight, in seconds.
        ready: called once requests are accepted.
        proxies: addresses and networks of proxies, which say in ``X-Forwarded-For`` for whom they ask.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        http=Connection,
        ws="none",
        backlog=BACKLOG,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=grace,  # type: ignore[arg-type]  # a float serves as well
    )
    return _Server(config, ready)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._log_limits = {logging.getLogger(name): LogLimit() for name in LIMITED_LOGGERS}

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; whatever hangs, it has ended ``END_SECONDS`` later."""
        super().handle_exit(sig, frame)
        last = threading.Timer(END_SECONDS, os._exit, (128 + sig,))
        last.daemon = True
        last.start()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        for logger, limit in self._log_limits.items():
            logger.addFilter(limit)
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for logger, limit in self._log_limits.items():
            logger.removeFilter(limit)


class LogLimit(logging.Filter):
    """Drops the warnings and errors above a number per second, and counts them in the next that is written.

    Args:
        per_second: number of records.
        clock: monotonic seconds.
    """

    def __init__(self, per_second: int = WARNINGS_PER_SECOND, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._per_second = per_second
        self._clock = clock
        self._second, self._written, self._dropped = 0, 0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written."""
        if record.levelno < logging.WARNING:
            return True
        second = int(self._clock())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= self._per_second:
            self._dropped += 1
            return False
        self._written += 1
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):  # asyncio's take six lines each
            record.msg, record.args = f"{record.getMessage().partition(chr(10))[0]}: {error.strerror}", ()
            record.exc_info = record.exc_text = None
        if self._dropped:
            record.msg = f"{record.getMessage()} ({self._dropped} further messages were not written)"
            record.args, self._dropped = (), 0
        return True
