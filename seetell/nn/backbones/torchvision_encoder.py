"""Any classification model of torchvision as an encoder.

Every one of them but the vision transformers is a *trunk*, layers that run one after the other, and a head behind it.
The trunk is read off the model's children, so that it can be left at any layer and resumed there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.googlenet import InceptionAux as GoogLeNetAux
from torchvision.models.inception import InceptionAux as InceptionV3Aux

from seetell.errors import RecipeError
from seetell.nn.backbones.encoder import Encoder, Features, PublishedHead, pooled_and_grid, pooling_head
from seetell.nn.backbones.published_weights import check_weights_file
from seetell.nn.backbones.staged import output_shape
from seetell.photos import Preprocessing

AUXILIARY: dict[str, dict[str, tuple[str, type[nn.Module]]]] = {
    "GoogLeNet": {
        "auxiliary_1": ("inception4a", GoogLeNetAux),
        "auxiliary_2": ("inception4d", GoogLeNetAux),
    },
    "Inception3": {"auxiliary": ("Mixed_6e", InceptionV3Aux)},
}
"""Auxiliary classifiers by the model's class: each one's name, the layer that it reads, and what it is."""

HEAD = {"avgpool", "classifier", "fc", "head", "heads", "flatten", "dropout", "aux1", "aux2", "AuxLogits"}
"""Names of the children that pool and classify, over all models."""


def torchvision_names() -> list[str]:
    """Return the names of torchvision's classification models."""
    names: list[str] = torchvision.models.list_models(module=torchvision.models)
    return names


class TorchvisionEncoder(Encoder):
    """A torchvision model without its classifier.

    Args:
        name: one of :func:`torchvision_names`.
        pretrained: take torchvision's best weights for that name, which it fetches or finds in its cache.
        image_size: side of the square input in pixels; the model's own when absent.

    Raises:
        DownloadError: its weights are not on this disk and cannot be downloaded.
        RecipeError: torchvision cannot load the model's weights, or cannot make it for that size.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        super().__init__()
        self.name = name
        published = torchvision.models.get_model_weights(name).DEFAULT
        if pretrained:
            check_weights_file(name, published.url)
        transforms = published.transforms()
        size = image_size or transforms.crop_size[0]
        self.model = _create(name, pretrained=pretrained, image_size=size)
        mean, std = transforms.mean, transforms.std
        if getattr(self.model, "transform_input", False):  # Inception turns ImageNet's scale into one of its own first
            mean = std = (0.5, 0.5, 0.5)
        self.preprocessing = Preprocessing(
            height=size,
            width=size,
            resample="bilinear" if transforms.interpolation.value == "bilinear" else "bicubic",
            mean=tuple(255 * value for value in mean),
            std=tuple(255 * value for value in std),
        )
        self._pools_to_classify = any(
            isinstance(getattr(self.model, child, None), nn.Linear) for child in ("fc", "classifier")
        )
        for child in HEAD & dict(self.model.named_children()).keys():
            delattr(self.model, child)
        self._last_layers: dict[int, tuple[int, int]] = {}
        self.eval()
        activation = torch.zeros(1, 3, size, size)
        try:
            with torch.no_grad():
                for number, layer in enumerate(self._trunk()):
                    activation = layer(activation)
                    _, channels, rows, columns = self._channels_first(activation, number).shape
                    self._last_layers[2 ** round(math.log2(size / rows))] = (number, channels)
        except (RuntimeError, ValueError, AssertionError) as error:
            raise RecipeError(f"encoder.image_size: {name} cannot read images of {size} pixels: {error}") from error
        self.channels, self.grid_size = channels, (rows, columns)
        self.train()

    def _trunk(self) -> list[nn.Module]:
        """Return the layers that run one after the other, from the image on."""
        if isinstance(self.model, torchvision.models.VisionTransformer):
            return [_PatchMap(self.model)]
        layers: list[nn.Module] = []
        for child in self.model.children():
            layers += child if type(child) in (nn.Sequential, nn.ModuleList) else [child]
        if isinstance(self.model, torchvision.models.DenseNet):
            layers.append(nn.ReLU())  # which its forward method has as a function
        return layers

    def _channels_first(self, activation: Tensor, number: int) -> Tensor:
        """Return the activation behind a layer as ``(B, C, h, w)``; Swin has channels last up to its last layer."""
        channels_last = isinstance(self.model, torchvision.models.SwinTransformer)
        return activation.permute(0, 3, 1, 2) if channels_last and number < len(self._trunk()) - 1 else activation

    def forward(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)``; a transformer's class token stays out of the grid."""
        for layer in self._trunk():
            images = layer(images)
        return pooled_and_grid(images)

    @property
    def feature_map_channels(self) -> Mapping[int, int]:
        """Channels of each map of :meth:`feature_maps`, by stride."""
        return {stride: channels for stride, (_, channels) in self._last_layers.items()}

    def feature_maps(self, images: Tensor, strides: Sequence[int] | None = None) -> dict[int, Tensor]:
        """Return the last activation of each resolution, by stride; see :meth:`Encoder.feature_maps`."""
        ends = {self._last_layers[stride][0]: stride for stride in self._wanted(strides)}
        activation, maps = images, {}
        for number, layer in enumerate(self._trunk()[: max(ends) + 1]):
            activation = layer(activation)
            if number in ends:
                maps[ends[number]] = self._channels_first(activation, number)
        return maps

    def published_head(self, classes: int) -> PublishedHead:
        """Return global average pooling and the outputs, of ResNet, DenseNet and their like."""
        return pooling_head(self.channels, classes) if self._pools_to_classify else super().published_head(classes)

    def auxiliary_heads(self, classes: int) -> nn.ModuleDict:
        """Return the auxiliary classifiers of GoogLeNet (two) and Inception v3 (one); see the base class."""
        places = AUXILIARY.get(type(self.model).__name__)
        if places is None:
            return super().auxiliary_heads(classes)
        height, width = self.preprocessing.height, self.preprocessing.width
        training, device = self.training, next(self.parameters()).device
        with torch.no_grad():
            _, inner = self.eval().with_inner(torch.zeros(1, 3, height, width, device=device))
        self.train(training)
        heads = {name: places[name][1](activation.shape[1], classes) for name, activation in inner.items()}
        for name, activation in inner.items():
            output_shape(self.name, heads[name], activation.shape, height)  # complains of images that are too small
        return nn.ModuleDict(heads)

    def with_inner(self, images: Tensor) -> tuple[Features, dict[str, Tensor]]:
        """Encode images, and return what each auxiliary classifier reads; see the base class."""
        places = AUXILIARY[type(self.model).__name__]
        ends = {getattr(self.model, layer): name for name, (layer, _) in places.items()}
        activation, inner = images, {}
        for layer in self._trunk():
            activation = layer(activation)
            if layer in ends:
                inner[ends[layer]] = activation
        return pooled_and_grid(activation), inner

    def first_stages(self, frozen_stages: int) -> nn.Module:
        """Return the layers up to the map that ends the stages, ``(B, 128, H/8, W/8)`` behind three of resnet18."""
        return nn.Sequential(*self._trunk()[: self._layers(frozen_stages)])

    def forward_from_stage(self, activation: Tensor, *, frozen_stages: int) -> Features:
        """Resume from the activation that :meth:`first_stages` returned."""
        for layer in self._trunk()[self._layers(frozen_stages) :]:
            activation = layer(activation)
        return pooled_and_grid(activation)

    def _layers(self, frozen_stages: int) -> int:
        return self._last_layers[self._last_stride(frozen_stages)][0] + 1 if frozen_stages else 0


class _PatchMap(nn.Module):
    """A vision transformer as one layer: images ``(B, 3, H, W)`` to the map of its patches, ``(B, D, h, w)``."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        patches = self.model._process_input(images)  # (B, h·w, D)
        tokens = torch.cat([self.model.class_token.expand(len(images), -1, -1), patches], dim=1)
        side = images.shape[3] // self.model.patch_size
        return self.model.encoder(tokens)[:, 1:].transpose(1, 2).unflatten(2, (-1, side))  # type: ignore[no-any-return]


def _create(name: str, *, pretrained: bool, image_size: int) -> Any:
    sized: dict[str, Any] = {}
    if name.startswith("vit_"):
        sized = {"image_size": image_size}
    elif name.startswith("maxvit_"):
        sized = {"input_size": (image_size, image_size)}
    elif name in ("googlenet", "inception_v3") and not pretrained:
        sized = {"init_weights": False}  # theirs takes a minute; layers keep torch's own
    try:
        model = torchvision.models.get_model(name, weights="DEFAULT" if pretrained else None, **sized)
    except (RuntimeError, ValueError, OSError, AssertionError) as error:
        raise RecipeError(f"encoder.name: torchvision could not make {name!r}: {error}") from error
    if isinstance(model, torchvision.models.MNASNet):  # it loads only arrays that carry its own version number
        layers, model = model.layers, nn.Module()
        model.layers = layers
    return model
