"""Any image model of the timm library as an encoder: convolutional or a vision transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import timm
import timm.data
import torch
from torch import Tensor

from seetell.errors import RecipeError
from seetell.nn.backbones.encoder import Encoder, Features, centre_same_padded, pooled_and_grid
from seetell.nn.backbones.published_weights import check_timm_weights
from seetell.photos import Preprocessing


class TimmEncoder(Encoder):
    """A timm model without its classifier.

    Args:
        name: a name of ``timm.list_models()``.
        pretrained: take timm's weights for that name, which it fetches or finds in its cache.
        image_size: side of the square input in pixels; the model's own when absent.

    Raises:
        DownloadError: its weights are not on this disk and cannot be downloaded.
        RecipeError: timm cannot load the model's weights, or cannot make it for that size.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        super().__init__()
        self.name = name
        self.model, config = _create(name, pretrained=pretrained, image_size=image_size)
        size = image_size or config["input_size"][-1]
        self.preprocessing = Preprocessing(
            height=size,
            width=size,
            resample="bilinear" if config["interpolation"] == "bilinear" else "bicubic",
            mean=tuple(255 * value for value in config["mean"]),
            std=tuple(255 * value for value in config["std"]),
        )
        self._prefix_tokens = int(getattr(self.model, "num_prefix_tokens", 0))
        # of several activations at one stride the last stands in for all
        self._last_stages = {
            info["reduction"]: (index, info["num_chs"]) for index, info in enumerate(self.model.feature_info)
        }
        self._same_padded = any(type(module).__name__.endswith("Conv2dSame") for module in self.model.modules())
        self.eval()  # or batch normalisation would take in the image of zeros
        with torch.no_grad():
            activation = self._activation(torch.zeros(1, 3, size, size))
        self.train()
        if activation.ndim == 4:
            _, self.channels, rows, columns = activation.shape
        else:
            _, tokens, self.channels = activation.shape
            rows = columns = round((tokens - self._prefix_tokens) ** 0.5)
        self.grid_size = (rows, columns)

    def _activation(self, images: Tensor) -> Tensor:
        """Return ``(B, D, H, W)``, or ``(B, tokens, D)`` of a transformer."""
        activation = self.model.forward_features(images)
        if not isinstance(activation, Tensor):
            raise RecipeError(f"encoder.name: {self.name} makes several features per image; use another encoder")
        if activation.ndim == 4 and str(getattr(self.model, "output_fmt", "NCHW")).endswith("NHWC"):
            return activation.permute(0, 3, 1, 2)
        return activation

    def forward(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)``; a transformer's prefix tokens stay out of the grid."""
        activation = self._activation(images)
        if activation.ndim == 4:
            return pooled_and_grid(activation)
        grid = activation[:, self._prefix_tokens :]
        return Features(pooled=torch.mean(grid, dim=1), grid=grid)

    @property
    def feature_map_channels(self) -> Mapping[int, int]:
        """Channels of each map of :meth:`feature_maps`, by stride; timm calls it reduction."""
        return {stride: channels for stride, (_, channels) in sorted(self._last_stages.items())}

    def feature_maps(self, images: Tensor, strides: Sequence[int] | None = None) -> dict[int, Tensor]:
        """Return the maps that timm's ``features_only`` models return; see :meth:`Encoder.feature_maps`."""
        wanted = self._wanted(strides)
        indices = [self._last_stages[stride][0] for stride in wanted]
        maps: Sequence[Tensor] = self.model.forward_intermediates(
            images, indices=indices, stop_early=True, output_fmt="NCHW", intermediates_only=True
        )
        if self._same_padded:
            maps = [
                centre_same_padded(activation, stride=stride, image_size=images.shape[2:])
                for stride, activation in zip(wanted, maps, strict=True)
            ]
        return dict(zip(wanted, maps, strict=True))


def _create(name: str, *, pretrained: bool, image_size: int | None) -> tuple[Any, dict[str, Any]]:
    """Make a timm model; return it and its preprocessing."""
    try:
        model: Any = timm.create_model(name, pretrained=False, num_classes=0)
        config = timm.data.resolve_model_data_config(model)  # type: ignore[attr-defined,no-untyped-call]
        if pretrained:
            check_timm_weights(name, model.pretrained_cfg)
        placed = hasattr(model, "pos_embed") and image_size not in (None, config["input_size"][-1])
        if pretrained or placed:  # a transformer learns one vector per location, so it must know its size
            sized: Any = {"img_size": image_size} if placed else {}
            model = timm.create_model(name, pretrained=pretrained, num_classes=0, **sized)
    except (RuntimeError, TypeError, OSError) as error:
        raise RecipeError(f"encoder.name: timm could not make {name!r}: {error}") from error
    return model, config
