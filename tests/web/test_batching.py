from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

import pytest
from web.conftest import until

from seetell.web.batching import Batcher


class Slow:
    """Doubles numbers, once it is let; refuses batches with a 13 in them."""

    def __init__(self) -> None:
        self.let, self.busy = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []

    def run(self, items: Sequence[int]) -> list[Any]:
        self.batches.append(list(items))
        self.busy.set()
        assert self.let.wait(20)
        if 13 in items:
            raise ValueError("thirteen")
        return [KeyError("seven") if item == 7 else 2 * item for item in items]


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def observed() -> list[tuple[str, int]]:
    return []


@pytest.fixture
def batcher(slow: Slow, observed: list[tuple[str, int]]) -> Iterator[Batcher]:
    def observe(name: str, size: int, seconds: float) -> None:
        observed.append((name, size))

    batcher = Batcher({"double": slow.run, "same": list}, batch_size=3, observe=observe, timeout=20)
    yield batcher
    slow.let.set()
    batcher.close()


def occupy(batcher: Batcher, slow: Slow) -> None:
    """Give it a job to be busy with, so that what follows gathers."""
    batcher.submit("double", 0)
    assert slow.busy.wait(20)


def test_jobs_that_wait_are_run_together_with_those_of_their_name(batcher: Batcher, slow: Slow, observed: list[Any]):
    occupy(batcher, slow)
    named = [("double", 1), ("same", 2), ("double", 3), ("double", 4), ("double", 5), ("same", 6)]
    futures = [batcher.submit(name, item) for name, item in named]
    assert len(batcher) == 6
    slow.let.set()
    assert [future.result(20) for future in futures] == [2, 2, 6, 8, 10, 6]
    assert slow.batches == [[0], [1, 3, 4], [5]]
    assert observed == [("double", 1), ("double", 3), ("same", 2), ("double", 1)]


def test_an_error_that_is_one_jobs_own_is_that_jobs_alone(batcher: Batcher, slow: Slow):
    occupy(batcher, slow)
    good, bad = batcher.submit("double", 1), batcher.submit("double", 7)
    slow.let.set()
    assert good.result(20) == 2
    with pytest.raises(KeyError):
        bad.result(20)


def test_a_batch_that_fails_is_tried_one_by_one(batcher: Batcher, slow: Slow):
    occupy(batcher, slow)
    first, bad, last = (batcher.submit("double", item) for item in (1, 13, 3))
    slow.let.set()
    assert (first.result(20), last.result(20)) == (2, 6)
    with pytest.raises(ValueError, match="thirteen"):
        bad.result(20)
    assert batcher.state == "ok"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, MemoryError])
def test_whatever_a_model_raises_is_told_to_its_own_job(error: type[BaseException]):
    def run(items: Sequence[int]) -> Sequence[int]:
        if 13 in items:
            raise error
        return items

    batcher = Batcher({"same": run}, batch_size=3, observe=lambda *_: None, timeout=20)
    futures = [batcher.submit("same", item) for item in (1, 13, 3)]
    assert (futures[0].result(20), futures[2].result(20)) == (1, 3)
    assert type(futures[1].exception(20)) is (MemoryError if error is MemoryError else RuntimeError)
    assert batcher.submit("same", 4).result(20) == 4
    batcher.close()


def test_nobody_queues_behind_a_batch_that_does_not_end(slow: Slow):
    batcher = Batcher({"double": slow.run}, batch_size=3, observe=lambda *_: None, timeout=0.1)
    hanging = batcher.submit("double", 1)
    assert slow.busy.wait(20)
    waiting = batcher.submit("double", 2)
    until(lambda: batcher.state == "stuck")
    with pytest.raises(RuntimeError, match="stuck"):
        batcher.submit("double", 3)
    slow.let.set()
    assert (hanging.result(20), waiting.result(20)) == (2, 4)
    until(lambda: batcher.state == "ok")
    assert batcher.submit("double", 5).result(20) == 10
    batcher.close()


def test_closing_does_not_wait_for_ever(slow: Slow):
    batcher = Batcher({"double": slow.run}, batch_size=3, observe=lambda *_: None, timeout=0.1)
    batcher.submit("double", 1)
    assert slow.busy.wait(20)
    batcher.close()
    assert batcher.state == "stopping"
    slow.let.set()


def test_a_cancelled_job_is_left_out(batcher: Batcher, slow: Slow):
    occupy(batcher, slow)
    gone, staying = batcher.submit("double", 1), batcher.submit("double", 2)
    assert gone.cancel()
    slow.let.set()
    assert staying.result(20) == 4
    assert slow.batches == [[0], [2]]


def test_closing_finishes_the_batch_at_hand_and_cancels_the_rest(slow: Slow):
    ended: list[str] = []
    batcher = Batcher(
        {"double": slow.run},
        batch_size=3,
        observe=lambda *_: None,
        timeout=20,
        on_close=lambda: ended.append(threading.current_thread().name),
    )
    begun = batcher.submit("double", 1)
    assert slow.busy.wait(20)
    waiting = batcher.submit("double", 2)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    until(lambda: batcher.state == "stopping")
    slow.let.set()
    closing.join(20)
    assert begun.result(20) == 2
    with pytest.raises(CancelledError):
        waiting.result(20)
    assert ended == ["seetell-models"]
    with pytest.raises(RuntimeError, match="stopping"):
        batcher.submit("double", 3)


def test_too_few_results_fail_instead_of_being_given_to_the_wrong_ones():
    batcher = Batcher({"none": lambda items: []}, batch_size=3, observe=lambda *_: None, timeout=20)
    with pytest.raises(RuntimeError, match="1 jobs got 0 results"):
        batcher.submit("none", 1).result(20)
    batcher.close()
