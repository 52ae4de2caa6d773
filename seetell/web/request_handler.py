"""From a request to its answer: read, prepared on a thread, run in a batch on the models' thread, written as JSON."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from starlette.requests import ClientDisconnect, Request

from seetell.errors import ModelServerError, NoAnswerError, PhotoError, UsageError, VideoError
from seetell.web.access import client_address
from seetell.web.admission import Admission
from seetell.web.batching import Batcher
from seetell.web.errors import ApiError, unavailable
from seetell.web.limits import Limits
from seetell.web.photo_workers import PhotoWorkers
from seetell.web.served_task import ServedTask
from seetell.web.uploads import IMAGE_FIELD, Upload, read_upload, unusable
from seetell.web.videos import Sent

log = logging.getLogger("seetell.web")

Result = TypeVar("Result")

SLOW_REQUESTS = 2
"""Requests that are answered piece by piece at once; further ones wait."""

WORK = "work"
"""Name of the jobs that are pieces of such a request."""


class RequestHandler:
    """Answers requests within the limits.

    Args:
        batchers: run the models, by the names of their jobs; those of a task have its command's.
        limits: of requests.
        threads: images opened at once.

    Attributes:
        workers: the processes that open images.
    """

    def __init__(self, batchers: Mapping[str, Batcher], limits: Limits, *, threads: int) -> None:
        self._batchers = batchers
        self._limits = limits
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="seetell-photos")
        self._slow_pool = ThreadPoolExecutor(SLOW_REQUESTS, thread_name_prefix="seetell-slow")
        self.workers = PhotoWorkers()
        self._admission = Admission(limits.queue)

    @property
    def in_flight(self) -> int:
        """The number of requests being read, waiting or processed."""
        return self._admission.in_flight

    async def predict(self, request: Request, served: ServedTask, options: Mapping[str, Any]) -> dict[str, Any]:
        """Run a task on the image of a request.

        Args:
            request: with a form.
            served: the task.
            options: of the predictor.

        Raises:
            ApiError: the request cannot be answered, or not now.
            ClientDisconnect: the client went away.
        """

        def check() -> None:
            served.predictor.check(**options)

        def work(upload: Upload) -> Awaitable[dict[str, Any]]:
            return self._predicted(upload, served, options)

        return await self.answer(request, work, check=check, field=served.task.input)

    async def answer(
        self,
        request: Request,
        work: Callable[[Upload], Awaitable[Result]],
        *,
        check: Callable[[], object],
        field: str = IMAGE_FIELD,
    ) -> Result:
        """Read the image, or the video, of a request and do some work on it.

        Args:
            request: with a form.
            work: what is done with the image.
            check: raises a ``UsageError`` where the request asks for what cannot be done; called before it is read.
            field: of the form, which has it.

        Raises:
            ApiError: the request cannot be answered, or not now.
            ClientDisconnect: the client went away.
        """
        client = client_address(request.scope)
        with self._admission.counted(client):
            try:
                check()
                body = read_upload(request, self._limits, field)
                upload = await self._admission.read(client, body, seconds=self._limits.seconds)
            except UsageError as error:
                raise ApiError(422, "invalid", str(error)) from error
            except asyncio.TimeoutError:
                raise ApiError(
                    408, "too_slow", f"the upload took longer than {self._limits.seconds:g} seconds"
                ) from None
            return await self._in_time(request, work(upload))

    async def run_job(self, request: Request, name: str, item: Any) -> Any:
        """Run a job that needs no image.

        Raises:
            ApiError: see :meth:`predict`.
        """
        with self._admission.counted(client_address(request.scope)):
            return await self._in_time(request, self._run(name, item))

    async def run_on_upload(
        self, upload: Upload, work: Callable[[np.ndarray, Callable[[Callable[[], Any]], Any]], Result], name: str
    ) -> Result:
        """Open an upload at its own size and do work on it on a thread, piece by piece in turn with other requests.

        Args:
            upload: with the image.
            work: takes the image's pixels, ``(H, W, 3)`` uint8, and what does a piece of work on the models' thread. It
                ends at the next piece once nobody waits for it.
            name: of the job whose batcher has the model.

        Raises:
            ApiError: see :meth:`predict`.
        """
        batcher, left = self._batchers[name], threading.Event()

        def run(piece: Callable[[], Any]) -> Any:
            if left.is_set():
                raise CancelledError
            return self._submit(batcher, WORK, piece).result()

        def worked() -> Result:
            opened = self.workers.open(upload.content, max_pixels=self._limits.max_pixels)
            return work(opened.pixels, run)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._slow_pool, worked)
        finally:
            left.set()

    async def run_in_thread(self, request: Request, work: Callable[[], Result]) -> Result:
        """Run what needs no model on a thread.

        Raises:
            ApiError: see :meth:`predict`.
        """
        with self._admission.counted(client_address(request.scope)):
            return await self._in_time(request, asyncio.get_running_loop().run_in_executor(self._pool, work))

    def close(self) -> None:
        """End the processes that open images, and the threads that wait for them."""
        self.workers.close()
        for pool in (self._pool, self._slow_pool):
            pool.shutdown(cancel_futures=True)

    async def _predicted(self, upload: Upload, served: ServedTask, options: Mapping[str, Any]) -> dict[str, Any]:
        def prepared() -> tuple[tuple[int, int], Any]:
            return served.prepare(upload, self.workers, self._limits.max_pixels)

        size, item = await asyncio.get_running_loop().run_in_executor(self._pool, prepared)
        upload = replace(upload, content=b"")  # its memory is for others while the model works
        try:
            return served.row(upload, size, await self._run(served.task.command, item, options))
        finally:
            if isinstance(item, Sent):
                item.left.set()

    async def _run(self, name: str, item: Any, options: Mapping[str, Any] | None = None) -> Any:
        return await asyncio.wrap_future(self._submit(self._batchers[name], name, item, options))

    def _submit(self, batcher: Batcher, name: str, item: Any, options: Mapping[str, Any] | None = None) -> Future[Any]:
        try:
            return batcher.submit(name, item, options)
        except RuntimeError as error:
            raise unavailable(batcher.state, str(error)) from error

    async def _in_time(self, request: Request, work: Awaitable[Result]) -> Result:
        """Wait for work while the client waits and the timeout allows; then cancel it, if it has not begun."""
        working = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait({working, leaving}, timeout=self._limits.seconds, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            if leaving.done():
                raise ClientDisconnect
            raise unavailable("timed_out", f"no answer within {self._limits.seconds:g} seconds; try again later")
        except (NoAnswerError, ModelServerError) as error:
            log.warning("a model on a server: %s", error)
            message = "the server that runs the model gave no answer; try again later"
            raise unavailable("no_answer", message) from error
        except PhotoError as error:
            raise unusable(error) from error
        except VideoError as error:
            raise ApiError(422, "unusable_video", str(error)) from error
        except UsageError as error:
            raise ApiError(422, "invalid", str(error)) from error
        finally:
            working.cancel()
            leaving.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    """Return when the client has gone away; whatever else it sends is ignored."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
