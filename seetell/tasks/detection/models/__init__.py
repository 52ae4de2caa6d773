"""Detectors, made by name from their own configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seetell.errors import RecipeError, unknown
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.detection.models.cascade_rcnn import CascadeConfig, CascadeRCNN
from seetell.tasks.detection.models.detector import DetectorNetwork, DetectorSpec
from seetell.tasks.detection.models.fast_rcnn import FastRCNN, FastRCNNConfig
from seetell.tasks.detection.models.faster_rcnn import FasterRCNN, FasterRCNNConfig
from seetell.tasks.detection.models.fcos import FCOS, FCOSConfig
from seetell.tasks.detection.models.fpn import PyramidConfig, PyramidRCNN
from seetell.tasks.detection.models.grid_rcnn import GridConfig, GridRCNN
from seetell.tasks.detection.models.keypoint_rcnn import KeypointConfig, KeypointRCNN
from seetell.tasks.detection.models.light_head_rcnn import LightHeadConfig, LightHeadRCNN
from seetell.tasks.detection.models.mask_rcnn import MaskConfig, MaskRCNN
from seetell.tasks.detection.models.rcnn import RCNN, RCNNConfig
from seetell.tasks.detection.models.retinanet import RetinaNet, RetinaNetConfig
from seetell.tasks.detection.models.rfcn import RFCN, RFCNConfig
from seetell.tasks.detection.models.sppnet import SPPNet, SPPNetConfig
from seetell.tasks.detection.models.ssd import SSD, SSDConfig
from seetell.tasks.detection.models.torchvision_models import (
    PREFIX,
    TorchvisionConfig,
    is_torchvision,
    torchvision_type,
)
from seetell.tasks.detection.models.yolo import YOLO, YOLOConfig

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

DETECTORS: dict[str, tuple[type[Any], type[DetectorNetwork]]] = {
    "cascade_rcnn": (CascadeConfig, CascadeRCNN),
    "fast_rcnn": (FastRCNNConfig, FastRCNN),
    "faster_rcnn": (FasterRCNNConfig, FasterRCNN),
    "fcos": (FCOSConfig, FCOS),
    "fpn": (PyramidConfig, PyramidRCNN),
    "grid_rcnn": (GridConfig, GridRCNN),
    "keypoint_rcnn": (KeypointConfig, KeypointRCNN),
    "light_head_rcnn": (LightHeadConfig, LightHeadRCNN),
    "mask_rcnn": (MaskConfig, MaskRCNN),
    "rcnn": (RCNNConfig, RCNN),
    "retinanet": (RetinaNetConfig, RetinaNet),
    "rfcn": (RFCNConfig, RFCN),
    "sppnet": (SPPNetConfig, SPPNet),
    "ssd": (SSDConfig, SSD),
    "yolo": (YOLOConfig, YOLO),
}
"""Configuration and network of each detector."""


def config_type(model: str) -> type[Any]:
    """Return the configuration class of a detector, one of ``DETECTORS`` or of torchvision.

    Raises:
        RecipeError: there is no such detector.
    """
    if is_torchvision(model):
        return TorchvisionConfig
    if model not in DETECTORS:
        raise RecipeError(f"model: {unknown('detector', model, DETECTORS)}")
    return DETECTORS[model][0]


def network_type(model: str) -> type[DetectorNetwork]:
    """Return the class of a detector; see :func:`config_type`."""
    return torchvision_type(model) if is_torchvision(model) else DETECTORS[model][1]


def create_detector(model: str, options: Any, spec: DetectorSpec) -> DetectorNetwork:
    """Make a detector.

    Args:
        model: its name; see :func:`config_type`.
        options: an instance of that detector's configuration class.
        spec: encoder and classes.

    Raises:
        RecipeError: there is no such detector, or it does not fit the encoder.
    """
    config_type(model)
    network: type[Any] = network_type(model)
    named = (model.removeprefix(PREFIX),) if is_torchvision(model) else ()
    created: DetectorNetwork = network(*named, options, spec)
    return created


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> DetectorNetwork:
    """Create the detector of a run, with random weights."""
    section, size = config.section, encoder.preprocessing
    spec = DetectorSpec(
        encoder.feature_map_channels,
        (size.height, size.width),
        len(section.classes),
        encoder,
        len(section.key_points.names),
    )
    return create_detector(section.model, section.options, spec)
