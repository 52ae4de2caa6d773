"""Siamese networks, made by name from their own configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seetell.errors import RecipeError, unknown
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.single_object_tracking.models.siamese import SiameseNetwork
from seetell.tasks.single_object_tracking.models.siamfc import SiamFC, SiamFCConfig
from seetell.tasks.single_object_tracking.models.siammask import SiamMask, SiamMaskConfig
from seetell.tasks.single_object_tracking.models.siamrpn import SiamRPN, SiamRPNConfig
from seetell.tasks.single_object_tracking.models.siamrpn_plus_plus import SiamRPNPlusPlus, SiamRPNPlusPlusConfig
from seetell.tasks.single_object_tracking.models.udt import Udt, UdtConfig

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

NETWORKS: dict[str, tuple[type[Any], type[SiameseNetwork]]] = {
    "siamfc": (SiamFCConfig, SiamFC),
    "siammask": (SiamMaskConfig, SiamMask),
    "siamrpn": (SiamRPNConfig, SiamRPN),
    "siamrpn_plus_plus": (SiamRPNPlusPlusConfig, SiamRPNPlusPlus),
    "udt": (UdtConfig, Udt),
}
"""Configuration and network of each."""


def config_type(model: str) -> type[Any]:
    """Return the configuration class of a network.

    Raises:
        RecipeError: there is no such network.
    """
    if model not in NETWORKS:
        raise RecipeError(f"model: {unknown('tracker', model, NETWORKS)}")
    return NETWORKS[model][0]


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> SiameseNetwork:
    """Create the network of a run with random weights.

    Raises:
        RecipeError: the encoder has no map at one of its strides.
    """
    section, size = config.section, encoder.preprocessing.height
    channels, wanted = encoder.feature_map_channels, sorted(section.options.strides)
    missing = [stride for stride in wanted if stride not in channels]
    if missing or not wanted:
        raise RecipeError(
            f"single_object_tracking.options: expected strides of the encoder's maps, {sorted(channels)}, got {wanted}"
        )
    encoder.preprocessing = replace(encoder.preprocessing, resample="bilinear")
    network: Any = NETWORKS[section.model][1]
    created: SiameseNetwork = network(section.options, {stride: channels[stride] for stride in wanted}, size)
    return created
