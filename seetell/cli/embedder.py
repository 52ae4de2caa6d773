"""The model that ``seetell index`` and ``seetell search`` work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seetell.errors import UsageError

if TYPE_CHECKING:
    from seetell.search.embedder import Embedder


def load_embedder(model: str, *, threads: int | None) -> Embedder:
    """Load a model that places photos and sentences in one space.

    Args:
        model: a bundled model's name or a model folder.
        threads: processor threads to compute with; the physical cores when absent.

    Raises:
        UsageError: there is no such model, or it does not embed.
        BundleError: it is incomplete or damaged.
    """
    from seetell.search.embedder import Embedder
    from seetell.tasks.loading import load

    loaded = load(model, threads=threads)
    if not isinstance(loaded, Embedder):
        raise UsageError(f"{model}: does not compare photos with sentences; expected a model such as 'align'")
    return loaded
