from __future__ import annotations

from collections.abc import Iterator

import pytest
from runtime.backends.chat_server import ChatServer, serving

from seetell.runtime.backends import http_client


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving() as fake:
        yield fake


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a client would have waited."""
    waited: list[float] = []
    monkeypatch.setattr(http_client, "sleep", waited.append)
    return waited


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "SEETELL_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
