"""Which models of the Hugging Face Hub lie on this disk: read from its cache, without any of its libraries.

The cache has a folder for each model, ``models--OWNER--NAME``: ``blobs/DIGEST`` are the files, each named by its hash,
``snapshots/COMMIT/`` link to them under their own names, and ``refs/BRANCH`` has the commit that a branch was at when
it was downloaded last.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seetell.errors import BundleError, UsageError, unknown
from seetell.regular_file import open_regular, read_json
from seetell.runtime.file_hashes import GIT_DIGITS, SHA256_DIGITS, file_hash

WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
"""The names of weights: all in a file, or in several."""

_IDENTIFYING = re.compile(r".*config\.json|tokenizer\.json|vocab\..*|merges\.txt|.*\.(jinja|safetensors)")
"""The names of files on which results depend."""

_HASH = re.compile(rf"[0-9a-f]{{{GIT_DIGITS}}}|[0-9a-f]{{{SHA256_DIGITS}}}")
"""The names of files that are named by their hash."""

PARTIAL_SUFFIX = ".seetell.incomplete"
"""Ends the name of a file that has not arrived completely. What ends so is no blob to the Hub's own library."""

MAX_CARD = 2**20
"""Bytes of a card that are read."""


def hub_cache() -> Path:
    """Return the cache's folder: ``$HF_HUB_CACHE``, ``$HF_HOME/hub`` or the default of the Hub's library."""
    named = os.environ.get("HF_HUB_CACHE")
    if named:
        return Path(named).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "huggingface" / "hub"


@dataclass(frozen=True)
class CachedModel:
    """A model of the cache, as it was downloaded last.

    Attributes:
        name: ``OWNER/NAME``.
        folder: its folder in the cache.
        snapshot: the folder that has its files under their own names; ``None`` if none is complete.
    """

    name: str
    folder: Path
    snapshot: Path | None

    @property
    def files(self) -> dict[str, Path]:
        """The files of the snapshot by name."""
        if self.snapshot is None:
            return {}
        paths = sorted(path for path in self.snapshot.rglob("*") if path.is_file())
        return {path.relative_to(self.snapshot).as_posix(): path for path in paths}

    @property
    def megabytes(self) -> float:
        """Size of all that lies in its folder."""
        return sum(path.stat().st_size for path in self.folder.glob("blobs/*") if path.is_file()) / 1e6

    @property
    def config(self) -> Mapping[str, Any]:
        """What ``config.json`` says; empty if it cannot be read."""
        try:
            config = read_json(self.snapshot / "config.json") if self.snapshot else {}
        except (OSError, ValueError):
            return {}
        return config if isinstance(config, dict) else {}

    @property
    def architecture(self) -> str | None:
        """The class of transformers that runs it, such as ``BlipForConditionalGeneration``."""
        names = self.config.get("architectures")
        return str(names[0]) if isinstance(names, list) and names else None

    @property
    def licence(self) -> str | None:
        """What the metadata of its card names."""
        return None if self.snapshot is None else licence_of(self.snapshot)

    def card(self) -> str:
        """Return its card without the metadata; empty if it has none."""
        return "" if self.snapshot is None else _divided_card(self.snapshot)[1].strip()

    def verify(self) -> None:
        """Compare every file with the hash that it is named by.

        Raises:
            BundleError: a file was changed or damaged, or the download is not complete.
        """
        if self.snapshot is None:
            raise BundleError(f"hf:{self.name}: is not complete; run: seetell models pull hf:{self.name}")
        for name, path in self.files.items():
            expected = path.resolve().name
            if not _HASH.fullmatch(expected):
                continue
            digest = file_hash(path, len(expected))
            if digest != expected:
                raise BundleError(
                    f"{path}: {name} was changed or damaged (expected {expected[:12]}…, got {digest[:12]}…); remove "
                    f"the model and download it again: seetell models remove hf:{self.name}"
                )


def cached_models() -> list[CachedModel]:
    """Return the models of the cache that were made for transformers or whose download has begun, by name."""
    models = map(_cached, sorted(hub_cache().glob("models--*")))
    return [model for model in models if model.config or (model.snapshot is None and _begun(model.folder))]


def find_cached(name: str) -> CachedModel:
    """Return a model of the cache.

    Raises:
        UsageError: it is not there.
    """
    for model in cached_models():
        if model.name == name:
            return model
    names = [f"hf:{model.name}" for model in cached_models()]
    raise UsageError(
        f"{unknown('model of the Hub', f'hf:{name}', names)} Download it: seetell models pull hf:{name}"
        if names
        else f"hf:{name}: is not on this disk; download it: seetell models pull hf:{name}"
    )


def licence_of(folder: Path) -> str | None:
    """Return the licence that the card of a model names in its metadata."""
    metadata, _ = _divided_card(folder)
    fields = dict(re.findall(r"^(license|license_name):[ \t]*[\"']?([^\s\"']+)", metadata, re.MULTILINE))
    return fields.get("license_name") or fields.get("license")


def _cached(folder: Path) -> CachedModel:
    snapshots = {path.name: path for path in folder.glob("snapshots/*") if path.is_dir()}
    complete = {name: path for name, path in snapshots.items() if any(map(WEIGHTS.fullmatch, _names(path)))}
    try:
        current = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        current = ""
    latest = max(complete.values(), key=lambda path: path.stat().st_mtime, default=None)
    return CachedModel(folder.name.removeprefix("models--").replace("--", "/"), folder, complete.get(current, latest))


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file()]


def _begun(folder: Path) -> bool:
    return any(folder.glob(f"blobs/*{PARTIAL_SUFFIX}"))


def _divided_card(folder: Path) -> tuple[str, str]:
    """Read a model's card, if it has one, and divide it into its metadata, which is YAML, and the rest."""
    try:
        with open_regular(folder / "README.md") as file:
            card = file.read(MAX_CARD).decode("utf-8", errors="replace")
    except OSError:
        return "", ""
    match = re.match(r"---\r?\n(.*?)\r?\n---\r?\n", card, re.DOTALL)
    return (match[1], card[match.end() :]) if match else ("", card)


def files_identity(folder: Path) -> str:
    """Return a hash of a model's files, wherever they lie; in the Hub's cache, large ones are named by theirs."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if _IDENTIFYING.fullmatch(file.name):
            name = file.resolve().name
            content = name if re.fullmatch("[0-9a-f]{64}", name) else file_hash(file)
            digest.update(f"{file.name} {content}\n".encode())
    return digest.hexdigest()
