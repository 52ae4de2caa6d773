"""Image encoders, made by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from types import MappingProxyType
from typing import Any

from seetell.errors import RecipeError
from seetell.nn.backbones import cifar_densenet, crnn, fishnet, highway, vgg
from seetell.nn.backbones.adapted import AdaptedEncoder
from seetell.nn.backbones.alexnet2012 import AlexNet2012
from seetell.nn.backbones.cifar_resnet import CifarResNet
from seetell.nn.backbones.efficientnet_lite import VARIANTS, EfficientNetLite
from seetell.nn.backbones.encoder import Encoder, Features, PublishedHead, Tags, weights_hash
from seetell.nn.backbones.fractalnet import FractalNet
from seetell.nn.backbones.inception_bn import InceptionBn
from seetell.nn.backbones.lenet5 import LeNet5
from seetell.nn.backbones.mobilenet_v1 import MobileNetV1
from seetell.nn.backbones.nin import Nin
from seetell.nn.backbones.no_encoder import NAME as NO_ENCODER
from seetell.nn.backbones.no_encoder import NoEncoder
from seetell.nn.backbones.plain_network import PlainNetwork
from seetell.nn.backbones.preact_resnet import PreActResNet
from seetell.nn.backbones.segnet_basic import SegNetBasic
from seetell.nn.backbones.stochastic_depth import StochasticDepthResNet
from seetell.nn.backbones.text_small import TextSmall
from seetell.nn.backbones.vgg_small import VggSmall
from seetell.nn.backbones.wide_resnet import WideResNet
from seetell.nn.backbones.zfnet import ZFNet
from seetell.regular_file import open_regular

__all__ = ["OWN", "AdaptedEncoder", "Encoder", "Features", "PublishedHead", "Tags", "create_encoder", "weights_hash"]

OWN: dict[str, Callable[..., Encoder]] = {
    **dict.fromkeys(VARIANTS, EfficientNetLite),
    "lenet5": LeNet5,
    "alexnet2012": AlexNet2012,
    "zfnet": ZFNet,
    "nin": Nin,
    **dict.fromkeys(vgg.KERNELS, vgg.Vgg),
    "vgg_small": VggSmall,
    "segnet_basic": SegNetBasic,
    "inception_bn": InceptionBn,
    **dict.fromkeys(highway.CHANNELS, highway.Highway),
    **dict.fromkeys([f"cifar_resnet{depth}" for depth in (20, 32, 44, 56, 110)], CifarResNet),
    **dict.fromkeys([f"cifar_plain{depth}" for depth in (20, 32, 44, 56, 110)], PlainNetwork),
    **dict.fromkeys([f"cifar_preact_resnet{depth}" for depth in (20, 56, 110, 164)], PreActResNet),
    **dict.fromkeys([f"cifar_stochastic_depth{depth}" for depth in (20, 56, 110)], StochasticDepthResNet),
    **dict.fromkeys(["cifar_wide_resnet16_4", "cifar_wide_resnet28_10"], WideResNet),
    **dict.fromkeys(["cifar_fractalnet20", "cifar_fractalnet40"], FractalNet),
    **dict.fromkeys(cifar_densenet.VARIANTS, cifar_densenet.CifarDenseNet),
    "mobilenet_v1": MobileNetV1,
    **dict.fromkeys(fishnet.VARIANTS, fishnet.FishNet),
    **dict.fromkeys(crnn.VARIANTS, crnn.Crnn),
    "text_small": TextSmall,
}
"""Encoders of this folder by name; each is called with its name, ``pretrained``, ``image_size`` and its own options."""

PART = "encoder."
"""What the names of an encoder's arrays begin with in a run's checkpoint, but in no encoder's own state."""


def create_encoder(
    name: str,
    *,
    weights: str = "imagenet",
    image_size: int | None = None,
    train_batch_norms: bool = False,
    options: Mapping[str, Any] = MappingProxyType({}),
    adapter: int = 0,
) -> Encoder:
    """Make an image encoder.

    Args:
        name: a key of ``OWN``, such as ``efficientnet_lite0``; any name of ``timm.list_models()``, or that of a
            classification model of torchvision that timm has not. ``timm/NAME`` and ``torchvision/NAME`` say which
            library is meant. ``none`` stands for no encoder, where a model sees no images.
        weights: ``imagenet`` for the published weights, ``none`` for random ones, or the path of a safetensors
            file: a :meth:`Encoder.state_dict`, or a checkpoint of a run that trained the encoder.
        image_size: side of the square input in pixels; the encoder's own when absent.
        train_batch_norms: see :class:`Encoder`.
        options: of the network itself, where it is a key of ``OWN``; see its class.
        adapter: hidden units of the residual adapter behind the network, which at first changes nothing; 0 for none.

    Raises:
        RecipeError: the name or an option is unknown, or the weights are missing or do not fit.
        DownloadError: published weights are not on this disk and cannot be downloaded.
    """
    if name == NO_ENCODER:
        return NoEncoder()
    create = OWN.get(name, _from_library)
    _check_options(name, create, options)
    try:
        encoder = create(name, pretrained=weights == "imagenet", image_size=image_size, **options)
    except TypeError as error:
        if not options:
            raise
        raise RecipeError(f"encoder.options: {name} cannot be made with {dict(options)}: {error}") from error
    encoder.name, encoder.train_batch_norms = name, train_batch_norms
    if weights not in ("imagenet", "none"):
        _load_file(encoder, Path(weights))
    return (AdaptedEncoder(encoder, adapter) if adapter else encoder).eval()


def _check_options(name: str, create: Callable[..., Encoder], options: Mapping[str, Any]) -> None:
    known = [option for option in signature(create).parameters if option not in ("name", "pretrained", "image_size")]
    for option in options:
        if option not in known:
            raise RecipeError(f"encoder.options: {name} has {', '.join(known) or 'no options'}, got {option!r}")


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
        arrays = load_file(path)
        own = {name.removeprefix(PART): value for name, value in arrays.items() if name.startswith(PART)}
        encoder.load_state_dict(own or arrays)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise RecipeError(
            f"encoder.weights: expected 'imagenet', 'none' or a safetensors file for {encoder.name}, "
            f"got {str(path)!r}: {error}"
        ) from error
