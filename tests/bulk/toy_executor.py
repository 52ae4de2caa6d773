"""An executor without a model: the caption of an image is its name in capitals, and names with ``bad`` fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from seetell.bulk.executors import Done
from seetell.bulk.formats import format_of
from seetell.bulk.items import Item
from seetell.bulk.opening import open_output
from seetell.bulk.outputs import Summary
from seetell.bulk.run import run
from seetell.bulk.settings import Settings
from seetell.errors import PhotoError
from seetell.results import Caption
from seetell.tasks.registry import find_task

CAPTIONING = find_task("captioning")
SETTINGS = Settings("captioning", "toy", "1", {"beam_size": 2})


class Toy:
    """Notes what it was asked; ``reorder`` changes the order of results, and after ``stop_after`` it is interrupted."""

    def __init__(
        self,
        *,
        bad: str = "bad",
        stop_after: int | None = None,
        reorder: Callable[[list[Done]], Iterable[Done]] = lambda done: done,
    ) -> None:
        self.bad, self.stop_after, self.reorder = bad, stop_after, reorder
        self.asked: list[str] = []

    def results(self, items: Iterator[tuple[int, Item]]) -> Iterator[Done]:
        done = []
        for position, item in items:
            self.asked.append(item.image)
            failed = self.bad in item.image
            result = PhotoError("is broken") if failed else Caption(item.image.upper(), (), -1.5, "toy", 0.25)
            done.append(Done(position, item, result))
        for count, one in enumerate(self.reorder(done)):
            if count == self.stop_after:
                raise KeyboardInterrupt
            yield one


def caption(
    images: str | list[str], output: Path | str, executor: Toy | None = None, **options: Any
) -> tuple[list[str], Summary]:
    """Caption images, named by a letter each or in words, into an output; return what was asked, and what it has."""
    items = [Item(name) for name in (images.split() if isinstance(images, str) and " " in images else images)]
    executor = executor or Toy()
    with open_output(str(output), SETTINGS, CAPTIONING, **options) as rows:
        rows.count(items)
        run(rows.pending(items), executor, rows.write)
        return executor.asked, rows.finish()


def images(output: Path) -> list[str]:
    """Return the images of a file of rows, or of the files in a folder."""
    files = sorted(output.glob("part-*")) if output.is_dir() else [output]
    return [row["image"] for file in files for row in format_of(file.suffix, CAPTIONING).read(file)]
