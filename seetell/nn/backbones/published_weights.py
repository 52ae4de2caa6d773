"""Published weights that timm and torchvision download: their server is asked once before the library is let do so.

The libraries themselves try for a minute where the Hub cannot be reached, and wait without end for a server that does
not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import torch

from seetell.errors import SeetellError
from seetell.runtime.backends.hub_cache import hub_cache
from seetell.runtime.backends.hub_pull import model_info
from seetell.runtime.download import DownloadError, ask

_ENDINGS = {".safetensors", ".bin", ".pth", ".pt", ".npz"}
"""Of files of weights."""


def check_timm_weights(name: str, config: Mapping[str, Any]) -> None:
    """Check that timm will find the weights of a model, or can download them.

    Args:
        name: of the encoder, for the message.
        config: the model's ``pretrained_cfg``.

    Raises:
        DownloadError: they are not on this disk, and their server cannot be reached or does not have them.
    """
    if config.get("state_dict") or config.get("file"):
        return
    if config.get("hf_hub_id"):
        model, _, revision = str(config["hf_hub_id"]).partition("@")
        folder = hub_cache() / f"models--{model.replace('/', '--')}"
        if not any(path.suffix in _ENDINGS for path in folder.glob("snapshots/*/*")):
            _ask(name, folder, lambda: model_info(model, revision or None))
    elif config.get("url"):
        check_weights_file(name, str(config["url"]))


def check_weights_file(name: str, url: str) -> None:
    """Check that a file of weights is where torch keeps those that it downloaded, or can be downloaded.

    Args:
        name: of the encoder, for the message.
        url: where it was published.

    Raises:
        DownloadError: see :func:`check_timm_weights`.
    """
    file = Path(torch.hub.get_dir()) / "checkpoints" / unquote(urlsplit(url).path).rpartition("/")[2]
    if not file.exists():
        _ask(name, file, lambda: ask(url, name=url, method="HEAD", read=lambda answer: None))


def _ask(name: str, place: Path, question: Callable[[], Any]) -> None:
    try:
        question()
    except SeetellError as error:
        raise DownloadError(
            f"the ImageNet weights of {name} are not on this disk ({place}), and cannot be downloaded: {error}; those "
            "of efficientnet_lite0 to 2 need no network"
        ) from error
