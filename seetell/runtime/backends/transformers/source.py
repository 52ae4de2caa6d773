"""Where a model of transformers comes from: a folder, the cache of the Hub, or the Hub; and what kind it is.

Whatever is wrong with a name, the network or a folder is said here, before any weights are loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seetell.errors import BundleError, SeetellError, UsageError
from seetell.extras import require
from seetell.regular_file import read_json
from seetell.runtime.backends.hub_cache import cached_models, hub_cache
from seetell.runtime.backends.hub_pull import NAME, pull

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


@dataclass(frozen=True)
class Source:
    """A model's files.

    Attributes:
        name: as the user named it.
        folder: with its configuration, processor and weights.
        config: the content of its ``config.json``.
        trusted: whether Python code that comes with it may run.
    """

    name: str
    folder: Path
    config: dict[str, Any]
    trusted: bool = False

    @property
    def model_type(self) -> str:
        """The kind of its architecture, such as ``blip``."""
        return str(self.config.get("model_type", ""))

    @property
    def code(self) -> tuple[str, ...]:
        """The classes of transformers for which it brings code of its own, if that may run."""
        return tuple(self.config.get("auto_map") or ()) if self.trusted else ()

    def among(self, mappings: Iterable[str]) -> bool:
        """Return whether transformers has its kind in one of its tables, such as ``MODEL_FOR_OBJECT_DETECTION``."""
        from transformers.models.auto import modeling_auto

        return any(self.model_type in getattr(modeling_auto, f"{mapping}_MAPPING_NAMES") for mapping in mappings)


def find_source(name: str, *, revision: str | None = None, trust_remote_code: bool = False) -> Source:
    """Find a model, and download it if it is neither a folder nor in the cache.

    Args:
        name: a folder, or ``OWNER/NAME`` of the Hub; a folder goes first.
        revision: branch, tag or commit on the Hub.
        trust_remote_code: whether Python code that comes with it may run.

    Raises:
        UsageError: transformers is not installed, there is no such model or revision, transformers does not know its
            kind, it needs code of its own that is not trusted, or its weights are a pickle.
        BundleError: the folder is incomplete or damaged.
        SeetellError: it cannot be downloaded: its owner grants access on request, or the Hub cannot be reached.
    """
    require("hf", "a model of transformers (hf:)")
    if not os.path.isdir(name):
        folder = download(name, revision=revision, code=trust_remote_code)
    elif revision is not None:
        raise UsageError(f"--revision: {name} is a folder; it is for models of the Hub")
    else:
        folder = Path(name)
    source = Source(name, folder, _config(folder, name), trust_remote_code)
    _check_kind(source)
    _check_weights(source)
    return source


def download(name: str, *, revision: str | None = None, code: bool = False) -> Path:
    """Return the folder in the Hub's cache that holds a model, downloading it if it is not there.

    Where it is, the network is not used: ``seetell models pull`` fetches a newer version.

    Args:
        name: ``OWNER/NAME`` of the Hub.
        revision: see :func:`find_source`.
        code: whether Python code that comes with it is needed, too.

    Raises:
        SeetellError: see :func:`find_source`.
    """
    cached = _cached(name, revision)
    if cached is not None and not (code and not any(cached.glob("*.py"))):
        return cached
    try:
        return pull(
            name,
            revision=revision,
            trust_remote_code=code,
            begin=lambda size: print(f"seetell: downloading hf:{name}, {size / 1e6:,.0f} MB", file=sys.stderr),
            arrived=lambda count: None,
        ).folder
    except UsageError:
        raise
    except SeetellError as error:
        raise SeetellError(f"{error}. It is not in the cache; `seetell models pull hf:{name}` puts it there") from error


def _cached(name: str, revision: str | None) -> Path | None:
    """Return the complete snapshot of a model in the cache, if there is one."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name}: no such folder, and no name of a model on the Hub, such as OWNER/NAME")
    if revision is None:
        return next((model.snapshot for model in cached_models() if model.name == name), None)
    import huggingface_hub

    try:
        folder = Path(
            huggingface_hub.snapshot_download(name, revision=revision, cache_dir=hub_cache(), local_files_only=True)
        )
    except (OSError, ValueError):
        return None
    return folder if any((folder / weights).is_file() for weights in WEIGHTS) else None


def _config(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = read_json(folder / "config.json")
    except FileNotFoundError as error:
        raise BundleError(f"{name}: lacks config.json; expected a model of transformers") from error
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder / 'config.json'}: cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise BundleError(f"{folder / 'config.json'}: expected an object, got {type(content).__name__}")
    return content


def _check_kind(source: Source) -> None:
    """Refuse kinds that transformers does not know, and code that is not trusted."""
    from transformers import __version__
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES  # type: ignore[attr-defined]

    if source.model_type in CONFIG_MAPPING_NAMES:
        return
    if source.config.get("auto_map"):
        if not source.trusted:
            raise UsageError(
                f"{source.name}: needs Python code that comes with it, which runs with all your rights; if you trust "
                "its author, give --trust-remote-code"
            )
        return
    kind = f"the type {source.model_type!r}" if source.model_type else "no type"
    raise UsageError(f"{source.name}: is a model of {kind}, which transformers {__version__} does not know")


def _check_weights(source: Source) -> None:
    if any((source.folder / name).is_file() for name in WEIGHTS):
        return
    pickles = sorted(source.folder.glob("*.bin"))
    if pickles:
        raise UsageError(
            f"{source.name}: its weights are a pickle, {pickles[0].name}, which may run any code when it is loaded; "
            f"expected {WEIGHTS[0]}, which transformers writes with save_pretrained"
        )
    raise BundleError(f"{source.name}: lacks {WEIGHTS[0]}; expected a model of transformers")
