"""Image encoders, made by name."""

from __future__ import annotations

from pathlib import Path

from seetell.errors import RecipeError
from seetell.nn.backbones.efficientnet_lite import VARIANTS, EfficientNetLite, load_imagenet_weights
from seetell.nn.backbones.encoder import Encoder, Features, weights_hash

__all__ = ["Encoder", "Features", "create_encoder", "weights_hash"]


def create_encoder(name: str, *, weights: str = "imagenet", image_size: int | None = None) -> Encoder:
    """Make an image encoder.

    Args:
        name: ``efficientnet_lite0``, ``1`` or ``2``, or any name of ``timm.list_models()``.
        weights: ``imagenet`` for the published weights, ``none`` for random ones, or the path of a safetensors
            file that :meth:`Encoder.state_dict` fits.
        image_size: side of the square input in pixels; the encoder's own when absent.

    Raises:
        RecipeError: the name is unknown, or the weights are missing or do not fit.
    """
    encoder: Encoder
    if name in VARIANTS:
        encoder = lite = EfficientNetLite(name, image_size=image_size)
        if weights == "imagenet":
            load_imagenet_weights(lite)
    else:
        from seetell.nn.backbones.timm_encoder import TimmEncoder

        encoder = TimmEncoder(name, pretrained=weights == "imagenet", image_size=image_size)
    if weights not in ("imagenet", "none"):
        _load_file(encoder, Path(weights))
    return encoder.eval()


def _load_file(encoder: Encoder, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        encoder.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise RecipeError(
            f"encoder.weights: expected 'imagenet', 'none' or a safetensors file for {encoder.name}, "
            f"got {str(path)!r}: {error}"
        ) from error
