"""What the exporter writes of a scene: its networks, which are asked for places and directions."""

from __future__ import annotations

import numpy as np
import torch

from seetell.data.posed_photos import PosedPhoto, read_posed_photos
from seetell.export.declaration import Declaration, Examples, GraphSpec
from seetell.photos import open_photo
from seetell.tasks.view_synthesis.models.radiance_field import RadianceField
from seetell.training.trained import Trained

COMPARED = 4096
"""Places that the graphs are compared with torch at."""


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained scene."""
    section = trained.config.section
    scene: RadianceField = trained.model
    random = torch.Generator().manual_seed(0)
    points = (torch.rand(COMPARED, 3, generator=random) * 2 - 1) * section.half_side
    directions = torch.nn.functional.normalize(torch.randn(COMPARED, 3, generator=random), dim=1)
    specs = [
        GraphSpec(
            name=name,
            module=field,
            examples=(points, directions),
            inputs=("points", "directions"),
            outputs=("densities", "colours"),
            dynamic_shapes=({0: (count := torch.export.Dim("points", min=1))}, {0: count}),
            weights="half" if section.model == "voxel_grid" else "own",
            tolerance=2e-2 if section.model == "voxel_grid" else 1e-3,
        )
        for name, field in zip(scene.field_names, scene.fields, strict=True)
    ]
    occupancy, marching = scene.occupancy, section.marching
    return Declaration(
        architecture=section.model,
        graphs=tuple(specs),
        examples=Examples((), (), trained.encoder.preprocessing),
        models=tuple(scene.fields),
        settings={
            "fields": list(scene.field_names),
            "near": marching.near,
            "far": marching.far,
            "half_side": marching.half_side,
            "samples": marching.samples,
            "fine_samples": marching.fine_samples,
            "cells": len(occupancy.cells),
            "occupied": occupancy.to_text(),
            "camera": _camera(read_posed_photos(trained.config.data.path).split("train")),
        },
        weights={"scene": scene.state_dict()},
    )


def _camera(photos: tuple[PosedPhoto, ...]) -> dict[str, float]:
    """Return what is usual for the cameras of a scene: the size of their pictures, their angle and their distance."""
    width, height = open_photo(photos[0].path).size
    distance = float(np.median([np.linalg.norm(photo.pose[:3, 3]) for photo in photos]))
    angle = float(np.median([photo.angle for photo in photos]))
    return {"width": width, "height": height, "angle": angle, "distance": distance}
