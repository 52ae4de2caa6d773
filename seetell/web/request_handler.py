"""From a request to its answer: read, made ready on a thread, run with others' on the models' thread, told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from seetell.errors import PhotoError, UsageError
from seetell.web.batching import Batcher
from seetell.web.errors import RefusalError, busy
from seetell.web.limits import Limits
from seetell.web.tasks import Task
from seetell.web.uploads import Upload, checked_size, read_upload, unusable

Result = TypeVar("Result")


class Answering:
    """Answers requests within the limits.

    Args:
        batcher: runs the models.
        limits: how much is taken.
        threads: that open photos.
    """

    def __init__(self, batcher: Batcher, limits: Limits, *, threads: int) -> None:
        self._batcher = batcher
        self._limits = limits
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="seetell-photos")
        self.inside = 0

    async def photo(self, request: Request, task: Task) -> dict[str, Any]:
        """Do a task with the photo that a request brings.

        Raises:
            RefusalError: the request cannot be answered, or not now.
            ClientDisconnect: the client went away.
        """
        with self._entered():
            try:
                upload = await asyncio.wait_for(read_upload(request, self._limits), self._limits.seconds)
            except asyncio.TimeoutError:
                raise RefusalError(
                    408, "too_slow", f"the upload took longer than {self._limits.seconds:g} seconds"
                ) from None
            return await self._in_time(request, self._done(upload, task))

    async def job(self, request: Request, name: str, item: Any) -> Any:
        """Run a job that needs no photo.

        Raises:
            RefusalError: see :meth:`photo`.
        """
        with self._entered():
            return await self._in_time(request, self._run(name, item))

    async def apart(self, request: Request, work: Callable[[], Result]) -> Result:
        """Do what needs no model on a thread.

        Raises:
            RefusalError: see :meth:`photo`.
        """
        with self._entered():
            return await self._in_time(request, asyncio.get_running_loop().run_in_executor(self._pool, work))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    @contextmanager
    def _entered(self) -> Iterator[None]:
        if self.inside >= self._limits.queue:
            raise busy("busy", f"{self.inside} requests are being answered already; ask again")
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    async def _done(self, upload: Upload, task: Task) -> dict[str, Any]:
        def prepared() -> tuple[tuple[int, int], Any]:
            return checked_size(upload.content, self._limits), task.prepare(upload)

        size, item = await asyncio.get_running_loop().run_in_executor(self._pool, prepared)
        return task.row(upload, size, await self._run(task.name, item))

    async def _run(self, name: str, item: Any) -> Any:
        try:
            future = self._batcher.submit(name, item)
        except RuntimeError as error:
            raise busy(self._batcher.state, str(error)) from error
        return await asyncio.wrap_future(future)

    async def _in_time(self, request: Request, work: Awaitable[Result]) -> Result:
        """Wait for work as long as the client does and the limit allows; then leave it undone, if it is not begun."""
        working = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({working, leaving}, timeout=self._limits.seconds, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            if leaving.done():
                raise ClientDisconnect
            raise busy("timed_out", f"no answer within {self._limits.seconds:g} seconds; ask again")
        except PhotoError as error:
            raise unusable(error) from error
        except UsageError as error:
            raise RefusalError(422, "invalid", str(error)) from error
        finally:
            working.cancel()
            leaving.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)


async def _gone(request: Request) -> None:
    """Return when the client has gone away; what it still sends is of no interest."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
