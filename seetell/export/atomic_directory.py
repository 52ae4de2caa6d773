"""A bundle's folder, made in one go: whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seetell.errors import BundleError


def check_free(target: Path, *, replace: bool) -> None:
    """Refuse to overwrite a folder, unless that is wanted.

    Raises:
        BundleError: it is there.
    """
    if target.exists() and not replace:
        raise BundleError(f"{target} exists; name another folder, or replace it with --force")


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a folder beside the target that takes its place, and its name, when nothing went wrong."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        folder = Path(scratch) / target.name
        folder.mkdir()
        yield folder
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
