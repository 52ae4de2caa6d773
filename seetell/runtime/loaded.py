"""What predictors of images and of videos have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from seetell.runtime.threads import resolve_num_threads


class Loaded(ABC):
    """A loaded model, or a method that needs none.

    Attributes:
        task: name of the task that it predicts for.
        name: the model's or the method's, which every result carries.
        threads: processor threads that it computes with.

    Args:
        name: see above.
        threads: processor threads to compute with; the physical cores when absent.

    Raises:
        UsageError: ``threads`` is not possible.
    """

    task: ClassVar[str]

    def __init__(self, name: str, *, threads: int | None = None) -> None:
        self.name, self.threads = name, resolve_num_threads(threads)

    @abstractmethod
    def bind(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """Return the function that predicts in the way a call asks for.

        Raises:
            UsageError: an option is unknown or its value not allowed.
        """

    def check(self, **options: Any) -> None:
        """Check options before any work.

        Raises:
            UsageError: an option is unknown or its value not allowed.
        """
        self.bind(**options)
