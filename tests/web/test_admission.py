from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from seetell.web.admission import SLOW_SECONDS, Admission
from seetell.web.errors import ApiError


async def endless() -> None:
    await asyncio.Event().wait()


async def upload(admission: Admission, client: str, body: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    with admission.counted(client):
        return await admission.read(client, body(), seconds=60)


async def begin(admission: Admission, clients: str) -> list[asyncio.Task[Any]]:
    uploads = [asyncio.ensure_future(upload(admission, client, endless)) for client in clients]
    for _ in range(5):
        await asyncio.sleep(0)
    return uploads


def test_uploads_of_one_client_give_way_to_others():
    async def run() -> None:
        admission = Admission(4, clock=lambda: 0.0)
        slow = await begin(admission, "aaaa")
        for client in "bc":
            assert await upload(admission, client, lambda: asyncio.sleep(0, "answer")) == "answer"
        with pytest.raises(ApiError, match="others wait"):
            await slow[0]
        assert [each.done() for each in slow] == [True, False, False, False]
        for each in slow[1:]:
            each.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        assert admission.in_flight == 0

    asyncio.run(run())


def test_the_oldest_of_the_client_with_most_gives_way_until_each_has_its_share():
    async def run() -> None:
        admission = Admission(4, clock=lambda: 0.0)
        uploads = await begin(admission, "abbb")
        uploads += await begin(admission, "a")  # for the first of b, which now has as many
        refused = await begin(admission, "a")
        with pytest.raises(ApiError, match="4 requests are in flight"):
            await refused[0]
        assert [each.done() for each in uploads] == [False, True, False, False, False]
        for each in uploads:
            each.cancel()
        await asyncio.gather(*uploads, return_exceptions=True)

    asyncio.run(run())


def test_slow_uploads_give_way_to_anybody():
    async def run() -> None:
        now = 0.0
        admission = Admission(1, clock=lambda: now)
        (slow,) = await begin(admission, "a")
        with pytest.raises(ApiError) as refused:
            await upload(admission, "a", endless)
        assert (refused.value.status, refused.value.code) == (503, "busy")
        now = SLOW_SECONDS + 1
        assert await upload(admission, "a", lambda: asyncio.sleep(0, "answer")) == "answer"
        with pytest.raises(ApiError, match="others wait"):
            await slow

    asyncio.run(run())


def test_requests_that_are_processed_give_way_to_none():
    async def run() -> None:
        admission = Admission(1, clock=lambda: 0.0)
        with admission.counted("a"), pytest.raises(ApiError, match="in flight"), admission.counted("b"):
            pass
        with admission.counted("b"):
            assert admission.in_flight == 1

    asyncio.run(run())
