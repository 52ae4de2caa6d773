"""Changed copies of training images, so that a network learns what a class looks like rather than its pictures.

Each image of a batch is changed by random numbers of its own, which follow from the run's seed and the step. On the
scale of 0 to 255, before the encoder's mean is subtracted: crops of a padded image and mirroring move pixels unchanged;
scale, rotation, shear, translation and elastic distortion are one bilinear resampling; then comes colour. Cut-out and
mix-up follow behind the mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seetell.config import check_not_negative, check_sizes
from seetell.errors import RecipeError


@dataclass(frozen=True)
class AugmentationConfig:
    """How training images are changed, beside ``data.flip`` and ``data.crop``, while the encoder runs on pixels.

    Attributes:
        pad: zeros around the image in pixels, of which a random crop of the original size is taken (He et al., 2016, on
            CIFAR: 4).
        scale: least and greatest factor on the image's sides, of which a random crop is taken (Simonyan & Zisserman,
            2015: the shorter side from 256 to 512, crops of 224: ``[1.14, 2.29]``).
        rotation: greatest angle in degrees, either way.
        shear: greatest angle in degrees, either way.
        translation: greatest share of the side, either way.
        elastic: distortion in pixels (Simard et al., "Best Practices for Convolutional Neural Networks", ICDAR 2003):
            deviation of a smooth random displacement.
        elastic_sigma: of the Gaussian that smooths it, in pixels.
        colour: deviation of the amounts of the training pixels' principal components that are added (Krizhevsky et al.,
            2012, section 4.1: 0.1).
        cutout: side in pixels of a square that is set to the mean colour (DeVries & Taylor, 2017: 16 on CIFAR-10).
        mixup: ``α`` of the Beta distribution by which images and labels are mixed in pairs (Zhang et al., ICLR 2018:
            from 0.2 to 1); read by classification alone.
    """

    pad: int = 0
    scale: tuple[float, float] = (1.0, 1.0)
    rotation: float = 0.0
    shear: float = 0.0
    translation: float = 0.0
    elastic: float = 0.0
    elastic_sigma: float = 4.0
    colour: float = 0.0
    cutout: int = 0
    mixup: float = 0.0

    def __post_init__(self) -> None:
        check_not_negative(self, "pad", "translation", "elastic", "colour", "cutout", "mixup")
        check_sizes(self, "elastic_sigma")
        if not 1 <= self.scale[0] <= self.scale[1]:
            raise RecipeError(f"scale: expected two factors from 1 on, the least first, got {list(self.scale)}")
        for field in ("rotation", "shear"):
            if not 0 <= getattr(self, field) < 90:
                raise RecipeError(f"{field}: expected degrees from 0 to below 90, got {getattr(self, field)}")

    @property
    def any(self) -> bool:
        """Whether :class:`Augmentation` changes anything."""
        return self.resamples or any((self.pad, self.colour, self.cutout))

    @property
    def resamples(self) -> bool:
        """Whether pixels are interpolated."""
        return self.scale != (1.0, 1.0) or any((self.rotation, self.shear, self.translation, self.elastic))


UNCHANGED = AugmentationConfig()


class Augmentation:
    """Changes batches of images.

    Args:
        config: how.
        mean: of each channel on the scale of 0 to 255.
        std: likewise.
        components: ``(3, 3)`` of :func:`colour_components`; read where ``colour`` is used.
    """

    def __init__(
        self,
        config: AugmentationConfig,
        *,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        components: np.ndarray | None = None,
    ) -> None:
        self.config = config
        self._mean, self._std = (torch.tensor(values)[:, None, None] for values in (mean, std))
        self._components = components

    def __call__(self, pixels: np.ndarray, seeds: np.ndarray) -> Tensor:
        """Change a batch.

        Args:
            pixels: ``(B, H, W, 3)`` uint8.
            seeds: ``(B,)`` of each image.

        Returns:
            ``(B, 3, H, W)`` float32, normalised.
        """
        config, randoms = self.config, [np.random.default_rng(int(seed)) for seed in seeds]
        if config.pad:
            pixels = np.stack([self._crop(image, random) for image, random in zip(pixels, randoms, strict=True)])
        images = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float()
        if config.resamples:
            images = self._resample(images, randoms)
        if config.colour and self._components is not None:
            amounts = np.stack([random.normal(0, config.colour, 3) for random in randoms])  # (B, 3)
            images += torch.from_numpy(amounts @ self._components.T).float()[:, :, None, None]
        images = (images - self._mean) / self._std
        if config.cutout:
            self._cut_out(images, randoms)
        return images

    def _crop(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        pad = self.config.pad
        height, width, _ = image.shape
        padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
        top, left = random.integers(2 * pad + 1, size=2)
        return padded[top : top + height, left : left + width]

    def _resample(self, images: Tensor, randoms: list[np.random.Generator]) -> Tensor:
        """Read each pixel from where scale, rotation, shear, translation and elastic distortion take it from."""
        matrices = torch.from_numpy(np.stack([self._affine(random) for random in randoms])).float()
        grid = F.affine_grid(matrices, list(images.shape), align_corners=False)  # (B, H, W, 2), from -1 to 1
        if self.config.elastic:
            height, width = images.shape[2:]
            noise = torch.from_numpy(np.stack([random.standard_normal((2, height, width)) for random in randoms]))
            smooth = _blurred(noise.float(), self.config.elastic_sigma)
            smooth *= self.config.elastic / smooth.std(dim=(2, 3), keepdim=True)
            grid += smooth.permute(0, 2, 3, 1) * 2 / torch.tensor([width, height])
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    def _affine(self, random: np.random.Generator) -> np.ndarray:
        """Draw the matrix ``(2, 3)`` from places of the output to places of the input, both from -1 to 1."""
        config = self.config
        zoom = 1 / random.uniform(*config.scale)
        angle, shear = (math.radians(random.uniform(-limit, limit)) for limit in (config.rotation, config.shear))
        turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        matrix = zoom * turned @ np.array([[1, math.tan(shear)], [0, 1]])
        crop = random.uniform(-1, 1, 2) * (1 - zoom)
        moved = crop + 2 * random.uniform(-1, 1, 2) * config.translation
        places: np.ndarray = np.concatenate([matrix, moved[:, None]], axis=1)
        return places

    def _cut_out(self, images: Tensor, randoms: list[np.random.Generator]) -> None:
        half, side = self.config.cutout // 2, self.config.cutout
        for image, random in zip(images, randoms, strict=True):
            row, column = (int(random.integers(limit)) for limit in image.shape[1:])
            top, left = row - half, column - half
            image[:, max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 0


def _blurred(maps: Tensor, sigma: float) -> Tensor:
    """Smooth ``(B, C, H, W)`` by a Gaussian."""
    reach = math.ceil(3 * sigma)
    weights = torch.exp(-torch.arange(-reach, reach + 1.0).square() / (2 * sigma**2))
    weights /= weights.sum()
    batch, channels, height, width = maps.shape
    lines = maps.reshape(batch * channels, 1, height, width)
    lines = F.conv2d(lines, weights[None, None, :, None], padding=(reach, 0))
    return F.conv2d(lines, weights[None, None, None, :], padding=(0, reach)).reshape(maps.shape)


def colour_components(pixels: np.ndarray) -> np.ndarray:
    """Return the principal components of colours, each times its variance on the scale of 0 to 1 (AlexNet, 4.1).

    Args:
        pixels: ``(…, 3)`` on the scale of 0 to 255.

    Returns:
        ``(3, 3)``, a component a column, to be added on the scale of 0 to 255.
    """
    colours = pixels.reshape(-1, 3).astype(np.float64) / 255
    variances, components = np.linalg.eigh(np.cov(colours, rowvar=False))
    scaled: np.ndarray = 255 * components * variances
    return scaled


def mix_up(images: Tensor, targets: Tensor, *, alpha: float, seed: int) -> tuple[Tensor, Tensor]:
    """Mix a batch with itself in another order, by one share for all (Zhang et al., ICLR 2018, equation 1).

    Args:
        images: ``(B, 3, H, W)``.
        targets: ``(B, K)`` probabilities.
        alpha: of the Beta distribution of the share.
        seed: of share and order.

    Returns:
        Mixed images and targets.
    """
    random = np.random.default_rng(seed)
    share = float(random.beta(alpha, alpha))
    order = torch.from_numpy(random.permutation(len(images)))
    return torch.lerp(images[order], images, share), torch.lerp(targets[order], targets, share)
