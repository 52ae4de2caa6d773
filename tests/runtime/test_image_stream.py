from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from seetell.errors import PhotoError, UsageError
from seetell.runtime.image_stream import numbered, results_then_failure, run_in_batches, stream

SECONDS = 20
"""After which a test that hangs fails."""


def prepare(item: Any) -> str:
    if item == "broken":
        raise PhotoError("broken: not a photo")
    return str(item)


def number(batch: Sequence[str], sample_ids: Sequence[int]) -> list[str]:
    return [f"{item}{sample_id}" for item, sample_id in zip(batch, sample_ids, strict=True)]


def started(items: Any, predict: Callable[..., Any] = number, **options: Any) -> Iterator[Any]:
    options = {"batch_size": 2, "batches_at_once": 2, "workers": 2, **options}
    sample_ids = options.pop("sample_ids", itertools.count())
    process = partial(stream, prepare=options.pop("prepare", prepare), predict=predict, **options)
    return results_then_failure(numbered(iter(items), iter(sample_ids)), process)


def own_threads() -> list[str]:
    names = ("seetell-images", "seetell-batches")
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(names)]


@pytest.mark.parametrize("batches_at_once", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_results_are_in_order_and_errors_in_their_place(batches_at_once: int, batch_size: int):
    items = ["a", "b", "broken", "c", "broken", "broken", "d", "e"] * 3
    expected = ["broken: not a photo" if item == "broken" else f"{item}{place}" for place, item in enumerate(items)]
    results = started(items, batches_at_once=batches_at_once, batch_size=batch_size)
    assert [str(result) for result in results] == expected
    assert list(started([], batches_at_once=batches_at_once)) == []


def test_as_many_batches_as_wanted_are_processed_at_once_and_no_more():
    together, running, most = threading.Barrier(2, timeout=SECONDS), set(), []

    def predict(batch: Sequence[str], sample_ids: Sequence[int]) -> list[str]:
        running.add(sample_ids[0])
        most.append(len(running))
        together.wait()
        running.remove(sample_ids[0])
        return number(batch, sample_ids)

    assert list(started("abcdefgh", predict)) == ["a0", "b1", "c2", "d3", "e4", "f5", "g6", "h7"]
    assert max(most) == 2
    prepared, options = list("abcd"), {"batch_size": 2, "batches_at_once": 2}
    assert run_in_batches(prepared, range(4), predict, **options) == ["a0", "b1", "c2", "d3"]


def test_one_at_a_time_is_processed_on_the_thread_that_asks():
    threads = []

    def predict(batch: Sequence[str], sample_ids: Sequence[int]) -> list[str]:
        threads.append(threading.current_thread())
        return number(batch, sample_ids)

    list(started("abc", predict, batches_at_once=1))
    run_in_batches("abc", range(3), predict, batch_size=2, batches_at_once=1)
    run_in_batches("a", range(1), predict, batch_size=2, batches_at_once=4)
    assert set(threads) == {threading.current_thread()}


@pytest.mark.parametrize(
    ("count", "batch_size", "batches_at_once", "sizes"),
    [
        (7, 3, 1, [3, 3, 1]),
        (4, 6, 2, [2, 2]),
        (5, 6, 2, [3, 2]),
        (1, 6, 4, [1]),
        (9, 4, 2, [3, 3, 3]),
        (8, 4, 2, [4, 4]),
    ],
)
def test_few_images_are_cut_so_that_all_threads_work(
    count: int, batch_size: int, batches_at_once: int, sizes: list[int]
):
    seen = []

    def predict(batch: Sequence[str], sample_ids: Sequence[int]) -> list[str]:
        seen.append((sample_ids[0], len(batch)))
        return number(batch, sample_ids)

    options = {"batch_size": batch_size, "batches_at_once": batches_at_once}
    for process in (
        lambda: started(range(count), predict, **options),
        lambda: run_in_batches(range(count), range(count), predict, **options),
    ):
        assert len(list(process())) == count
        assert [size for _, size in sorted(seen)] == sizes
        seen.clear()
    assert run_in_batches([], [], predict, **options) == []


@pytest.mark.parametrize("batches_at_once", [1, 2])
def test_a_batch_that_memory_does_not_hold_is_halved(batches_at_once: int):
    def predict(batch: Sequence[str], sample_ids: Sequence[int]) -> list[str]:
        if len(batch) > 1 or batch == ["huge"]:
            raise MemoryError
        return number(batch, sample_ids)

    items = ["a", "b", "c", "huge", "d"]
    expected = ["a0", "b1", "c2", "not enough memory for it", "d4"]
    options = {"batch_size": 4, "batches_at_once": batches_at_once}
    assert [str(result) for result in started(items, predict, **options)] == expected
    assert [str(result) for result in run_in_batches(items, range(5), predict, **options)] == expected


@pytest.mark.parametrize("batches_at_once", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 4, 7])
def test_what_reading_raises_comes_after_the_results_of_all_items_before_it(batches_at_once: int, count: int):
    def failing() -> Iterator[str]:
        yield from "abcdefgh"[:count]
        raise ConnectionError("the camera is gone")

    results = started(failing(), batches_at_once=batches_at_once)
    seen = [next(results) for _ in range(count)]
    assert seen == [f"{item}{place}" for place, item in enumerate("abcdefgh"[:count])]
    with pytest.raises(ConnectionError, match="the camera is gone"):
        next(results)
    assert not own_threads()


def test_too_few_sample_ids_are_an_error_after_the_results_that_have_one():
    results = started("abc", sample_ids=[7, 9])
    assert [next(results), next(results)] == ["a7", "b9"]
    with pytest.raises(UsageError, match="a sample id for each image, got 2 "):
        next(results)


@pytest.mark.parametrize("wrong", [-1, 1.5, "1", None])
def test_sample_ids_are_whole_numbers(wrong: Any):
    results = started("abc", sample_ids=[4, wrong, 5])
    assert next(results) == "a4"
    with pytest.raises(UsageError, match="sample_ids: expected whole numbers from 0, got"):
        next(results)


def test_what_a_batch_raises_comes_after_the_results_before_it():
    last = threading.Event()

    def predict(batch: Sequence[str], sample_ids: Sequence[int]) -> list[str]:
        if sample_ids[0] == 2:
            last.set()
            raise ValueError("the second")
        assert last.wait(SECONDS)  # the second batch ends first
        return number(batch, sample_ids)

    results = started("abcdefgh", predict)
    assert [next(results), next(results)] == ["a0", "b1"]
    with pytest.raises(ValueError, match="the second"):
        next(results)
    assert not own_threads()
    last.clear()
    with pytest.raises(ValueError, match="the second"):
        run_in_batches("abcd", range(4), predict, batch_size=2, batches_at_once=2)


@pytest.mark.parametrize(("batches_at_once", "most"), [(1, 8), (2, 12), (3, 16)])
def test_of_endless_items_one_batch_is_read_ahead_of_those_that_are_processed(batches_at_once: int, most: int):
    taken = itertools.count(1)
    last = 0

    def endless() -> Iterator[int]:
        nonlocal last
        while True:
            last = next(taken)
            yield last

    results = started(endless(), batch_size=4, batches_at_once=batches_at_once)
    for done in range(21):
        next(results)
        assert last <= most + done // 4 * 4
    results.close()
    assert not own_threads()


def test_closing_waits_for_batches_that_are_processed_and_begins_no_others():
    begun, let, ended = threading.Event(), threading.Event(), []

    def predict(batch: Sequence[str], sample_ids: Sequence[int]) -> list[str]:
        if sample_ids[0]:
            begun.set()
            assert let.wait(SECONDS)
        ended.append(sample_ids[0])
        return number(batch, sample_ids)

    results = started(itertools.repeat("a"), predict, batch_size=1)
    assert next(results) == "a0"
    assert begun.wait(SECONDS)
    closing = threading.Thread(target=results.close)
    closing.start()
    closing.join(0.01)
    assert closing.is_alive()
    let.set()
    closing.join(SECONDS)
    assert not closing.is_alive()
    assert ended[0] == 0
    assert set(ended[1:]) <= {1, 2}
    assert not own_threads()


def test_closing_ends_batches_that_wait_for_images_to_be_opened():
    reached, let, opened = threading.Event(), threading.Event(), []

    def slow(item: int) -> str:
        if item:
            reached.set()
            assert let.wait(SECONDS)
        opened.append(item)
        return "a"

    results = started(itertools.count(), prepare=slow, batch_size=1, workers=1)
    assert next(results) == "a0"
    assert reached.wait(SECONDS)
    closing = threading.Thread(target=results.close)
    closing.start()
    closing.join(0.01)
    let.set()
    closing.join(SECONDS)
    assert not closing.is_alive()
    assert opened in ([0], [0, 1], [0, 1, 2])
    assert not own_threads()
