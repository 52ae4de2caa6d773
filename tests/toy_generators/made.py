from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from seetell.errors import UsageError
from seetell.results import Passage, View
from seetell.runtime.generator import Generator, GeneratorProgress


class Letters(Generator[Passage]):
    task = "spelling"

    def bind(self, *, length: int = 3, count: int = 1) -> Callable[[GeneratorProgress], Iterator[Passage]]:
        if length > 26:
            raise UsageError(f"length must be at most 26, got {length}")
        return lambda progress: self._spell(length, count, progress)

    def _spell(self, length: int, count: int, progress: GeneratorProgress) -> Iterator[Passage]:
        for number in range(count):
            yield Passage("a\tb\n\x1b"[:length], "", -0.5, self.name)
            progress(number + 1, count)


class Greys(Generator[View]):
    task = "greying"

    def bind(self, *, views: int = 3) -> Callable[[GeneratorProgress], Iterator[View]]:
        return lambda progress: (View(np.full((4, 6, 3), 40 * number, np.uint8), self.name) for number in range(views))
