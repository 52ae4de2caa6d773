"""Compiling what is trained, with ``torch.compile``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seetell.errors import RecipeError
from seetell.training.task import Training


def compile_modules(training: Training) -> None:
    """Compile the modules that a task names, each when it is first called.

    Raises:
        RecipeError: there are none.
    """
    if not training.compiled:
        raise RecipeError(f"compile: no part of a model for {training.config.task} gains from it; leave it false")
    for module in training.compiled:
        module.compile()


@contextmanager
def compilation_explained() -> Iterator[None]:
    """Explain in one line why a module could not be compiled."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise
        reason = str(error).strip().splitlines()[0]
        raise RecipeError(
            f"compile: torch.compile failed ({reason}); install a C++ compiler, or leave it false"
        ) from error
