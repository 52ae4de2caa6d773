"""One interface for every image encoder: a pooled vector, a grid, and feature maps at each stride."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import RecipeError
from seetell.photos import Preprocessing


class Tags(NamedTuple):
    """What detectors find in a batch of images; see :class:`seetell.runtime.tags.ImageTags`.

    Attributes:
        objects: ``(B, O)``, the highest score of each object class.
        object_boxes: ``(B, O, 5)``, its box, xyxy normalised to [0, 1], and how many of the class there are.
        words: ``(B, W)``, probabilities of the words that are detected.
        presence: ``(B, O)``, how likely each class is there, all considered: logits.
    """

    objects: Tensor
    object_boxes: Tensor
    words: Tensor
    presence: Tensor


class Features(NamedTuple):
    """What an encoder makes of a batch of images.

    Attributes:
        pooled: ``(B, D)``, one vector per image.
        grid: ``(B, L, D)``, one vector per location, row by row; ``None`` where only ``pooled`` was kept.
        tags: what detectors find, for models that read it.
    """

    pooled: Tensor
    grid: Tensor | None
    tags: Tags | None = None


class PublishedHead(nn.Module):
    """What a paper puts behind the last map of its network to classify it.

    Args:
        hidden: the map ``(B, D, h, w)`` → ``(B, F)``.
        output: ``(B, F)`` → ``(B, K)``; the identity, where ``hidden`` ends with the classes.
    """

    def __init__(self, hidden: nn.Module, output: nn.Linear | nn.Identity) -> None:
        super().__init__()
        self.hidden, self.output = hidden, output

    def forward(self, activation: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of the last map, ``(B, D, h, w)``."""
        logits: Tensor = self.output(self.hidden(activation))
        return logits


def pooling_head(channels: int, classes: int) -> PublishedHead:
    """Return global average pooling and one linear layer, the head of most networks since Network in Network."""
    return PublishedHead(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(channels, classes))


class Encoder(nn.Module):
    """An image encoder that publishes what heads and decoders need to know of it.

    A *stage* ends where a feature map does: behind ``n`` stages stands the ``n``-th map of :meth:`feature_maps`.
    EfficientNet-Lite counts its seven published stages instead.

    Attributes:
        name: the name it is created by.
        channels: ``D``, the length of a feature vector.
        grid_size: rows and columns of the grid; ``L`` is their product.
        preprocessing: how an image becomes this encoder's input.
        train_batch_norms: whether :meth:`train` lets batch normalisation use and update the statistics of batches.
            Off by default: caption batches are small, so the stored statistics are kept. Large batches of images, as
            in classification or detection from scratch, want it on.
        drops_paths: whether activations are others while training, since paths are left out, so that the statistics of
            batch normalisation must be estimated anew for prediction.
    """

    name: str
    channels: int
    grid_size: tuple[int, int]
    preprocessing: Preprocessing
    train_batch_norms: bool = False
    drops_paths: ClassVar[bool] = False

    def forward(self, images: Tensor) -> Features:
        """Encode preprocessed images, ``(B, 3, H, W)``."""
        raise NotImplementedError

    @property
    def unadapted(self) -> Encoder:
        """What stands before the adapter: the encoder itself, where there is none."""
        return self

    def adapt(self, features: Features) -> Features:
        """Refine features of :attr:`unadapted`; without an adapter, they stay as they are."""
        return features

    def train(self, mode: bool = True) -> Encoder:
        """Switch between training and evaluation; see :attr:`train_batch_norms`."""
        super().train(mode)
        if not self.train_batch_norms:
            for module in self.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self

    @property
    def feature_map_channels(self) -> Mapping[int, int]:
        """Channels of each map of :meth:`feature_maps`, by stride in pixels, finest first."""
        raise NotImplementedError

    def feature_maps(self, images: Tensor, strides: Sequence[int] | None = None) -> dict[int, Tensor]:
        """Return the last activation of each resolution.

        In convolutional networks the cell in row ``i`` and column ``j`` is centred at the pixel ``(j·s, i·s)``, which
        is where torchvision's anchors have it: within a pixel where ``s`` divides the image's sides, otherwise within
        half a stride. Networks that cut the image into patches (ViT, Swin, ConvNeXt) or pool without overlap (VGG) have
        their cells up to half a stride further right and down, at the patches' centres.

        Args:
            images: ``(B, 3, H, W)``.
            strides: those wanted, keys of :attr:`feature_map_channels`; all when absent. Layers behind the coarsest of
                them are not run.

        Returns:
            By stride ``s`` in pixels, finest first, ``(B, C_s, h, w)``. A vision transformer has one map only.

        Raises:
            RecipeError: there is no map at one of the strides.
        """
        raise NotImplementedError

    def _wanted(self, strides: Sequence[int] | None) -> list[int]:
        """Return the strides asked for, finest first, or all."""
        published = list(self.feature_map_channels)
        missing = sorted(set(strides or ()) - set(published))
        if missing:
            raise RecipeError(f"encoder.name: {self.name} has feature maps at strides {published}, not at {missing}")
        return published if strides is None else [stride for stride in published if stride in strides]

    def trainable(self, *, frozen_stages: int) -> list[nn.Parameter]:
        """Return the parameters behind the first stages: those that the last frozen map does not depend on.

        Args:
            frozen_stages: how many stages stay as they are; 0 returns every parameter.

        Raises:
            RecipeError: the encoder has fewer stages.
        """
        parameters = list(self.parameters())
        if frozen_stages == 0:
            return parameters
        stride = self._last_stride(frozen_stages)
        device = parameters[0].device
        images = torch.zeros(1, 3, self.preprocessing.height, self.preprocessing.width, device=device)
        required = [parameter.requires_grad for parameter in parameters]
        modes = [(module, module.training) for module in self.modules()]
        self.requires_grad_(True).eval()
        with torch.enable_grad():
            total = self.feature_maps(images, [stride])[stride].sum()
        gradients = torch.autograd.grad(total, parameters, allow_unused=True)
        for parameter, before in zip(parameters, required, strict=True):
            parameter.requires_grad_(before)
        for module, training in modes:
            module.training = training
        return [parameter for parameter, gradient in zip(parameters, gradients, strict=True) if gradient is None]

    def first_stages(self, frozen_stages: int) -> nn.Module:
        """Return the first stages: a module that maps images ``(B, 3, H, W)`` to an activation ``(B, C, h, w)``.

        Raises:
            RecipeError: the encoder has fewer stages, or cannot be split.
        """
        raise self._not_split(frozen_stages)

    def forward_from_stage(self, activation: Tensor, *, frozen_stages: int) -> Features:
        """Resume from the activation that :meth:`first_stages` returned."""
        raise self._not_split(frozen_stages)

    def published_head(self, classes: int) -> PublishedHead:
        """Return what the network's paper puts behind the last map, that of the grid, with random weights.

        Raises:
            RecipeError: it is not known here.
        """
        raise RecipeError(
            f"encoder.name: the head that {self.name} was published with is not known here; a linear classifier is "
            "trained on any encoder"
        )

    def auxiliary_heads(self, classes: int) -> nn.ModuleDict:
        """Return the classifiers that the network's paper puts beside its trunk for training, with random weights.

        Each takes its activation of :meth:`with_inner` and returns logits ``(B, K)``.

        Raises:
            RecipeError: the paper has none, or they are not known here.
        """
        raise RecipeError(
            f"classification.auxiliary: {self.name} has no auxiliary classifiers; torchvision/googlenet and "
            "torchvision/inception_v3 have"
        )

    def with_inner(self, images: Tensor) -> tuple[Features, dict[str, Tensor]]:
        """Encode preprocessed images, ``(B, 3, H, W)``, and return what each auxiliary classifier reads, by its name.

        Only for encoders with :meth:`auxiliary_heads`.
        """
        raise NotImplementedError

    def _not_split(self, frozen_stages: int) -> RecipeError:
        return RecipeError(
            f"frozen_stages: {self.name} cannot be run in two parts, so that activations behind "
            f"{frozen_stages} stages cannot be cached; leave encoder.cache empty, or use an efficientnet_lite or a "
            "torchvision encoder"
        )

    def _last_stride(self, frozen_stages: int) -> int:
        """Return the stride of the map that ends the first stages."""
        strides = list(self.feature_map_channels)
        if not 1 <= frozen_stages <= len(strides):
            raise RecipeError(f"frozen_stages: expected 0 to {len(strides)}, got {frozen_stages}")
        return strides[frozen_stages - 1]


def weights_hash(module: nn.Module) -> str:
    """SHA-256 over every parameter and buffer, by which cached features recognise what made them."""
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def pooled_and_grid(activation: Tensor) -> Features:
    """Turn a convolutional map into features.

    Args:
        activation: ``(B, D, H, W)``.

    Returns:
        The mean over locations, and the locations themselves.
    """
    grid = activation.flatten(2).transpose(1, 2)  # (B, L, D)
    return Features(pooled=torch.mean(activation, dim=(2, 3)), grid=grid)


def centre_same_padded(activation: Tensor, *, stride: int, image_size: Sequence[int]) -> Tensor:
    """Move the cells of a network padded as TensorFlow's ``SAME`` does to multiples of the stride.

    Halving an even number of cells pads on the right only, which centres the first window one cell inside; halving an
    odd one pads both sides. Where that leaves the first cell's centre half a stride or more inside the image, the first
    row or column is repeated in front.

    Args:
        activation: ``(B, C, h, w)``.
        stride: of its cells, in pixels; a power of 2.
        image_size: height and width of the images in pixels.

    Returns:
        ``(B, C, h, w)``, with one more row and one more column where needed.
    """
    top, left = (int(2 * _first_centre(size, stride) >= stride) for size in image_size)
    return F.pad(activation, (left, 0, top, 0), mode="replicate") if top or left else activation


def _first_centre(size: int, stride: int) -> int:
    """Return the pixel at which the first of the cells of a ``SAME``-padded network is centred, along one axis."""
    centre, step = 0, 1
    while step < stride:
        centre += step * (size % 2 == 0)
        size, step = (size + 1) // 2, 2 * step
    return centre
