"""The one loop: what is pending goes through an executor, and a row of each is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seetell.bulk.executors import Done, Executor
from seetell.bulk.items import Item
from seetell.errors import PhotoError
from seetell.results import row

Fields = dict[str, Any]
"""What a row has besides the result."""


def run(
    pending: Iterator[tuple[int, Item]],
    executor: Executor,
    write: Callable[[int, Mapping[str, Any]], None],
    *,
    text_input: str = "",
    add: Callable[[Done, Fields], Done] = lambda done, fields: done,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    total: int | None = None,
    before: int = 0,
) -> int:
    """Predict for items; return how many failed.

    Args:
        pending: the items, with their positions in the input.
        executor: predicts.
        write: takes the position and the row of each, such as :meth:`seetell.bulk.outputs.Output.write`.
        text_input: name of the text that goes with each image, or empty.
        add: called with each result before its row is written; returns it, or what takes its place, and may add fields.
        progress: called at the beginning and after each row with the number of items that have one, and of how many,
            if that is known.
        total: how many rows there will be, if that is known.
        before: how many of them there are.

    Raises:
        OSError: a row cannot be written; those before are.
    """
    failed = 0
    progress(before, total)
    for count, done in enumerate(executor.results(pending), before + 1):
        fields: Fields = {}
        done = add(done, fields)
        image, text = done.item
        named = {"image": image, text_input: text} if text_input else {"image": image}
        write(done.position, {**named, **row(image, done.result), **fields})
        failed += isinstance(done.result, PhotoError)
        progress(count, total)
    return failed
