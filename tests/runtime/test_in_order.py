from __future__ import annotations

import _thread
import itertools
import signal
import threading
import time

import pytest

from seetell.runtime.in_order import in_order


def test_results_come_in_order_whichever_call_ends_first():
    def wait(number: int) -> int:
        time.sleep(0.002 * (number % 3 == 0))
        return number

    assert list(in_order(wait, range(50), threads=4)) == list(range(50))
    assert list(in_order(wait, [], threads=4)) == []


def test_no_more_calls_at_once_than_threads_and_little_is_read_ahead():
    running, most, read = set(), [], itertools.count()

    def call(number: int) -> int:
        running.add(number)
        most.append(len(running))
        time.sleep(0.001)
        running.discard(number)
        return number

    results = in_order(call, read, threads=3)
    assert [next(results) for _ in range(20)] == list(range(20))
    assert max(most) <= 3
    results.close()
    assert next(read) <= 20 + 2 * 3


def test_a_slow_call_holds_no_other_back():
    first, others = threading.Event(), []

    def call(number: int) -> int:
        if number == 0:
            assert first.wait(10)
        else:
            others.append(number)
            if len(others) == 3:
                first.set()
        return number

    assert list(in_order(call, range(4), threads=2)) == [0, 1, 2, 3]


def test_an_error_ends_the_iteration_and_no_further_call_begins():
    begun, go = [], threading.Event()

    def call(number: int) -> int:
        begun.append(number)
        if number == 0:
            raise KeyError(number)
        go.wait(10)
        return number

    with pytest.raises(KeyError):
        list(in_order(call, range(100), threads=2))
    go.set()
    time.sleep(0.01)
    assert set(begun) <= {0, 1, 2}


def test_closing_waits_for_no_call():
    go = threading.Event()
    results = in_order(lambda number: go.wait(30) if number else number, range(9), threads=2)
    assert next(results) == 0
    begin = time.monotonic()
    results.close()
    assert time.monotonic() - begin < 5
    go.set()


def test_an_interrupt_is_heeded_that_does_not_wake_the_thread_that_waits(request: pytest.FixtureRequest):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    go, ended = threading.Event(), threading.Event()

    def call(number: int) -> None:
        time.sleep(0.05)  # until it is waited for
        _thread.interrupt_main()  # only sets a flag, as a signal does that comes just before a sleep
        go.wait(10)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        list(in_order(call, [0], threads=1))
    assert not ended.is_set()
    go.set()
