"""The view synthesis section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from seetell.config import check_not_negative, check_positive
from seetell.errors import RecipeError
from seetell.tasks.view_synthesis.models.nerf import NerfConfig
from seetell.tasks.view_synthesis.models.voxel_grid import VoxelGridConfig
from seetell.tasks.view_synthesis.occupancy import MOST_CELLS
from seetell.tasks.view_synthesis.rendering import MOST_SAMPLES, Marching
from seetell.training.augmentation import UNCHANGED
from seetell.training.config import RunConfig, Section


@dataclass(frozen=True)
class ViewSynthesisConfig(Section):
    """What a view synthesis run adds to :class:`~seetell.training.config.RunConfig`.

    ``batch_size`` counts rays. The best model has the highest PSNR on the validation views. The defaults are those of
    NeRF's synthetic scenes, but for the empty cells.

    Attributes:
        model: ``nerf`` or ``voxel_grid``.
        nerf: sizes of a NeRF.
        voxel_grid: sizes of a voxel grid.
        near: distance from the camera at which rays begin.
        far: distance at which they end.
        half_side: of the cube around the origin that holds the scene.
        samples: stratified samples of a ray.
        fine_samples: further samples of the fine network, where the coarse one found something; read by ``nerf``.
        cells: along each side of the cube, of the grid that remembers what is empty, where no network is asked.
        carve: take as empty from the beginning what lies outside of the photos' silhouettes, where their background is
            transparent.
        prune_from: the step from which on validations take as empty the cells that the model leaves empty; -1 for
            never.
        centre_steps: steps that are trained on the middle halves of photos only.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "scene",
        "data": {"flip": False},
        "encoder": {"name": "none", "cache": ""},
        "optimiser": {"learning_rate": 5e-4, "betas": [0.9, 0.999], "clip": 0.0},
        "validation": {"every": 500, "photos": 5},
        "batch_size": 1024,
        "steps": 10000,
    }

    model: Literal["nerf", "voxel_grid"] = "nerf"
    nerf: NerfConfig = field(default_factory=NerfConfig)
    voxel_grid: VoxelGridConfig = field(default_factory=VoxelGridConfig)
    near: float = 2.0
    far: float = 6.0
    half_side: float = 1.5
    samples: int = 64
    fine_samples: int = 128
    cells: int = 64
    carve: bool = True
    prune_from: int = 1000
    centre_steps: int = 0

    def __post_init__(self) -> None:
        check_positive(self, "half_side")
        check_not_negative(self, "near", "centre_steps")
        if self.far <= self.near:
            raise RecipeError(f"far: expected more than near, {self.near:g}, got {self.far:g}")
        for name, least in (("samples", 3), ("fine_samples", 1)):
            if not least <= getattr(self, name) <= MOST_SAMPLES:
                raise RecipeError(f"{name}: expected {least} to {MOST_SAMPLES}, got {getattr(self, name)}")
        if not 1 <= self.cells <= MOST_CELLS:
            raise RecipeError(f"cells: expected 1 to {MOST_CELLS}, got {self.cells}")
        if self.prune_from < -1:
            raise RecipeError(f"prune_from: expected a step, or -1 for never, got {self.prune_from}")

    @property
    def marching(self) -> Marching:
        """How rays go through the scene."""
        fine = self.fine_samples if self.model == "nerf" else 0
        return Marching(self.near, self.far, self.half_side, self.samples, fine)

    def check(self, config: RunConfig) -> None:
        """Check that nothing is asked for that is of images shown to an encoder."""
        if config.encoder.name != "none":
            raise RecipeError(
                f"encoder.name: a scene is learnt without an encoder; expected none, got {config.encoder.name!r}"
            )
        if config.data.flip or config.data.crop or config.data.augmentation != UNCHANGED:
            raise RecipeError("data: photos of a scene cannot be changed; leave flip, crop and augmentation out")
