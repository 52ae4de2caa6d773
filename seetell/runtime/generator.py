"""What every predictor has in common that makes something of its own, from a model and options alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from seetell.runtime.loaded import Loaded

Result = TypeVar("Result")

GeneratorProgress = Callable[[int, int], None]
"""Called with how much is made, and of how much."""


class Generator(Loaded, Generic[Result]):
    """A loaded model that makes texts, or views of a scene; see :class:`Loaded`."""

    @abstractmethod
    def bind(self, *args: Any, **options: Any) -> Callable[[GeneratorProgress], Iterator[Result]]:
        """Return the function that makes results in the way a call asks for, one by one.

        Raises:
            UsageError: an option is unknown or its value not allowed.
        """

    def generate(self, *, progress: GeneratorProgress = lambda done, total: None, **options: Any) -> Iterator[Result]:
        """Make results, one by one.

        Args:
            progress: called as the work goes on.
            options: of the task.

        Raises:
            UsageError: an option is unknown or its value not allowed; raised at the call, before any work.
        """
        return self.bind(**options)(progress)
