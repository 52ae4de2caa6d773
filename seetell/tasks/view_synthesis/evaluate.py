"""How like the photos of held-out cameras rendered views are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seetell.data.posed_photos import open_shots, read_posed_photos
from seetell.metrics.pictures import psnr, ssim
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, images_of

if TYPE_CHECKING:
    from seetell.tasks.view_synthesis.predict import Renderer


def evaluate(
    predictor: Renderer, data: DataOptions, *, split: str = "val", progress: Progress | None = None
) -> Evaluation:
    """Render what the cameras of a split saw, and compare with their photos.

    Args:
        predictor: the scene.
        data: the folder of the scene.
        split: ``train``, ``val`` or ``test``.
        progress: called after each view.

    Returns:
        The means of ``psnr`` and ``ssim`` over the ``photos``; ``rows`` are those of each.

    Raises:
        DataError: the folder has no such photos, or one does not open.
    """
    photos = images_of(read_posed_photos(data.path), split)
    rows = []
    for done, (photo, shot) in enumerate(zip(photos, open_shots(photos), strict=True), 1):
        picture = predictor.picture(shot.camera)
        rows.append({"image": photo.id, "psnr": psnr(picture, shot.colours), "ssim": ssim(picture, shot.colours)})
        if progress is not None:
            progress("rendering", done, len(photos))
    means = {name: float(np.mean([row[name] for row in rows])) for name in ("psnr", "ssim")}
    return Evaluation({**means, "photos": len(rows)}, rows=tuple(rows))
