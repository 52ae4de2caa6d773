"""Image encoders, made by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from seetell.errors import RecipeError
from seetell.nn.backbones.efficientnet_lite import VARIANTS, EfficientNetLite
from seetell.nn.backbones.encoder import Encoder, Features, Tags, weights_hash
from seetell.regular_file import open_regular

__all__ = ["OWN", "Encoder", "Features", "Tags", "create_encoder", "weights_hash"]

OWN: dict[str, Callable[..., Encoder]] = dict.fromkeys(VARIANTS, EfficientNetLite)
"""Encoders of this folder by name; each is called with its name, ``pretrained`` and ``image_size``."""


def create_encoder(
    name: str, *, weights: str = "imagenet", image_size: int | None = None, train_batch_norms: bool = False
) -> Encoder:
    """Make an image encoder.

    Args:
        name: a key of ``OWN``, such as ``efficientnet_lite0``; any name of ``timm.list_models()``, or that of a
            classification model of torchvision that timm has not. ``timm/NAME`` and ``torchvision/NAME`` say which
            library is meant.
        weights: ``imagenet`` for the published weights, ``none`` for random ones, or the path of a safetensors
            file that :meth:`Encoder.state_dict` fits.
        image_size: side of the square input in pixels; the encoder's own when absent.
        train_batch_norms: see :class:`Encoder`.

    Raises:
        RecipeError: the name is unknown, or the weights are missing or do not fit.
    """
    create = OWN.get(name, _from_library)
    encoder = create(name, pretrained=weights == "imagenet", image_size=image_size)
    encoder.name, encoder.train_batch_norms = name, train_batch_norms
    if weights not in ("imagenet", "none"):
        _load_file(encoder, Path(weights))
    return encoder.eval()


def _from_library(name: str, *, pretrained: bool, image_size: int | None) -> Encoder:
    import timm

    from seetell.nn.backbones.timm_encoder import TimmEncoder
    from seetell.nn.backbones.torchvision_encoder import TorchvisionEncoder, torchvision_names

    library, _, plain = name.rpartition("/")
    if library in ("", "timm") and timm.is_model(plain):
        return TimmEncoder(plain, pretrained=pretrained, image_size=image_size)
    if library in ("", "torchvision") and plain in torchvision_names():
        return TorchvisionEncoder(plain, pretrained=pretrained, image_size=image_size)
    near = ", ".join(get_close_matches(plain, [*OWN, *timm.list_models(), *torchvision_names()], n=3))
    raise RecipeError(
        f"encoder.name: unknown encoder {name!r}; expected efficientnet_lite0, a name of timm.list_models(), or one of "
        "torchvision.models.list_models()" + (f", such as {near}" if near else "")
    )


def _load_file(encoder: Encoder, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        open_regular(path).close()  # a pipe would be waited for
        encoder.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise RecipeError(
            f"encoder.weights: expected 'imagenet', 'none' or a safetensors file for {encoder.name}, "
            f"got {str(path)!r}: {error}"
        ) from error
