"""Graphs that a bundle takes from another instead of having them twice: an encoder, or the networks that tag images."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from seetell.errors import BundleError, UsageError
from seetell.export.declaration import Declaration, Origin
from seetell.runtime.bundle import Bundle, bundled_models, owner_folder
from seetell.runtime.file_hashes import file_hash
from seetell.runtime.tags import TAGGING_GRAPHS


def encoder_owner(origin: Origin, declared: Declaration, target: Path, name: str) -> Bundle:
    """Load the model whose encoder is used.

    Raises:
        BundleError: it prepares images in another way.
        UsageError: there is no such model, or one of the two has no graph ``encoder``.
    """
    other = Bundle.load(owner_folder(target, name))
    for owner, graphs in ((origin.name, [spec.name for spec in declared.graphs]), (name, other.graphs)):
        if "encoder" not in graphs:
            raise UsageError(f"--encoder-of: {owner} has no graph 'encoder' that could be shared")
    if other.preprocessing != origin.preprocessing:
        raise BundleError(f"{other.folder} prepares images in another way than {origin.name} was trained with")
    return other


def copy_own_tagging_graphs(tagger: Bundle, folder: Path, owner: Bundle | None) -> None:
    """Copy the graphs that a bundle tags images with, but for those that can be shared."""
    for name in TAGGING_GRAPHS:
        if name in tagger.graphs and not owner_of(tagger, name, owner):
            for file in tagger.graphs[name].files.values():
                shutil.copyfile(file, folder / file.name)


def owner_of(tagger: Bundle, graph: str, owner: Bundle | None) -> dict[str, Any]:
    """Return how ``model.json`` describes a tagging graph that is another bundle's; nothing where it must be copied.

    It is the bundle that the tagger shares it with, or the tagger, if that is a bundled model or the one whose encoder
    is shared.
    """
    shared: dict[str, Any] = tagger.description.get("shared", {}).get(graph, {})
    installed = [*bundled_models().values(), *([] if owner is None else [owner.folder])]
    if not shared and tagger.folder.resolve() in [folder.resolve() for folder in installed]:
        hashes = {precision: file_hash(file) for precision, file in tagger.graphs[graph].files.items()}
        shared = {"model": tagger.folder.name, "sha256": hashes}
    return shared
