"""Models of scenes, one paper a file, and the table of their names."""

from __future__ import annotations

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.view_synthesis.models.nerf import Nerf
from seetell.tasks.view_synthesis.models.radiance_field import RadianceField
from seetell.tasks.view_synthesis.models.voxel_grid import VoxelGrid
from seetell.training.config import RunConfig


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> RadianceField:
    """Create the model of a run with random weights.

    Args:
        config: of the run.
        encoder: none; a scene is asked for places, not shown images.
        vocabulary: none.
    """
    section = config.section
    if section.model == "nerf":
        return Nerf(section.nerf, half_side=section.half_side, cells=section.cells)
    return VoxelGrid(section.voxel_grid, half_side=section.half_side, cells=section.cells)
