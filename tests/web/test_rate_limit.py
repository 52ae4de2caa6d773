from __future__ import annotations

import pytest

from seetell.web import middleware
from seetell.web.middleware import RateLimit


def test_a_minutes_requests_may_come_at_once_and_then_one_at_a_time():
    now = 100.0
    limit = RateLimit(6, clock=lambda: now)
    assert [limit.seconds_to_wait("a") for _ in range(6)] == [0] * 6
    assert limit.seconds_to_wait("a") == pytest.approx(10)
    assert limit.seconds_to_wait("b") == 0
    now += 9
    assert limit.seconds_to_wait("a") == pytest.approx(1)
    now += 1.001
    assert limit.seconds_to_wait("a") == 0
    assert limit.seconds_to_wait("a") == pytest.approx(10, abs=0.1)


def test_quiet_clients_are_forgotten_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(middleware, "MAX_CLIENTS", 2)
    limit = RateLimit(1, clock=lambda: 0.0)
    for client in ("quiet", "a", "a", "b"):
        limit.seconds_to_wait(client)
    assert limit.seconds_to_wait("a") > 0
    assert limit.seconds_to_wait("quiet") == 0
