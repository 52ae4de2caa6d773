"""Training a scene: colours of random rays of its photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from seetell.data.posed_photos import PosedPhoto, Shot, open_shots, read_posed_photos
from seetell.data.records import PhotoDataset
from seetell.errors import DataError
from seetell.geometry.cameras import Rays
from seetell.metrics.pictures import psnr
from seetell.nn.backbones import weights_hash
from seetell.tasks.view_synthesis.models import build
from seetell.tasks.view_synthesis.models.radiance_field import RadianceField, composite
from seetell.tasks.view_synthesis.rendering import Array, Field, ask, render_picture, samples_of
from seetell.tasks.view_synthesis.sampling import refined, stratified
from seetell.training import task
from seetell.training.batches import WHOLE, Part, step_seed
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash, frozen_encoder, pretrained_of
from seetell.training.task import Validation, seeded
from seetell.training.trained import load_beginning


class Training(task.Training):
    """A scene; see :class:`~seetell.training.task.Training`."""

    part = "scene"
    curves = ("psnr",)
    loss_unit = "squared error"
    vocabulary = None

    def __init__(
        self, config: RunConfig, dataset: PhotoDataset[PosedPhoto], *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.section = config.section
        self._pretrained = pretrained_of(config)
        self.encoder = frozen_encoder(config, None)
        train, val = dataset.split("train"), dataset.split("val")
        for split, photos in (("train", train), ("val", val)):
            if not photos:
                raise DataError(
                    f"{dataset.source}: there is no transforms_{split}.json; expected those of train and val"
                )
        if config.validation.photos != -1:  # evenly spread over the turn that they are often taken in
            val = val[:: max(1, len(val) // config.validation.photos)][: config.validation.photos]
        self.failures = {}
        shots = open_shots([*train, *val])
        self._shots, self._val = shots[: len(train)], shots[len(train) :]
        self._marching = self.section.marching
        self._rays, self._colours, self._central = _rays_of(self._shots)
        self._check_rays()
        self.model = seeded(config, build, self.encoder, None).to(config.device)
        self._steps = 0
        self.hashes = {
            "encoder_hash": weights_hash(self.encoder),
            "data_hash": data_hash([photo.id, photo.angle, photo.pose.tolist()] for photo in (*train, *val)),
        }

    @classmethod
    def read(cls, config: RunConfig) -> PhotoDataset[PosedPhoto]:
        """Read the cameras of a scene."""
        return read_posed_photos(Path(config.data.path))

    def _check_rays(self) -> None:
        """Raise a DataError if no ray meets the scene; photo by photo, the first mostly says that one does."""
        width, height = self._shots[0].camera.size
        starts = range(0, len(self._colours), width * height)
        bounds = (self._marching.bounds(self._rays.chosen(slice(at, at + starts.step))) for at in starts)
        if not any((far > near).any() for near, far in bounds):
            section = self.section
            distances = [np.linalg.norm(shot.camera.pose[:3, 3]) for shot in self._shots]
            raise DataError(
                f"no ray of a photo meets the scene: between view_synthesis.near, {section.near:g}, and far, "
                f"{section.far:g}, none is within the cube of view_synthesis.half_side, {section.half_side:g}; the "
                f"cameras stand {min(distances):.3g} to {max(distances):.3g} from its middle"
            )

    @property
    def scene(self) -> RadianceField:
        """The model."""
        return cast(RadianceField, self.model)

    def initialise(self) -> None:
        """Begin with the visual hull, or with another run's model and what that knows to be empty."""
        if self._pretrained is not None:
            load_beginning(self.model, self.part, self._pretrained)
        elif self.section.carve:
            hull = self.scene.occupancy.carved((shot.camera, shot.opacity > 0) for shot in self._shots)
            if not hull.cells.any():
                raise DataError(
                    "the photos' silhouettes have nothing in common: their cameras are wrong, or the scene lies "
                    f"outside of the cube of view_synthesis.half_side, {self.section.half_side:g}"
                )
            self.scene.occupied.copy_(torch.from_numpy(hull.cells))

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Any, ...]:
        """Choose rays, and where in their parts they are sampled.

        Returns:
            :class:`Rays`, their colours ``(N, 3)``, and two arrays of shares, ``(N, S)`` and ``(N, F)``.
        """
        section, count = self.section, self.config.batch_size
        random = np.random.default_rng((self.config.seed, 2, step))
        if step < section.centre_steps:
            chosen = self._central[random.integers(len(self._central), size=count)]
        else:
            chosen = random.integers(len(self._colours), size=count)
        shares = random.random((count, self._marching.samples), np.float32)
        fine = np.sort(random.random((count, self._marching.fine_samples), np.float32), axis=1)
        mine = part.of(count)
        return self._rays.chosen(chosen[mine]), self._colours[chosen[mine]], shares[mine], fine[mine]

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the squared errors of the colours that each network gives, and the regularisation (equation 6)."""
        self._steps = step + 1
        rays, colours, shares, fine_shares = batch
        wanted = torch.from_numpy(colours).to(self.device)
        near, far = self._marching.bounds(rays)
        distances = stratified(near, far, shares)
        occupancy, terms = self.scene.occupancy, []
        weights = torch.empty(0)
        for place, (name, field) in enumerate(zip(self.scene.field_names, self.scene.fields, strict=True)):
            if place:
                distances = refined(distances, weights.detach().cpu().numpy(), fine_shares)
            samples = samples_of(rays, distances, far, occupancy)
            answers = field(*(torch.from_numpy(each).to(self.device) for each in (samples.points, samples.directions)))
            with torch.autocast(self.device.type, enabled=False):
                seen, weights = composite(samples, *answers)
                terms.append(Term((seen - wanted).square().mean(), len(colours), name=f"{name}_error"))
        generator = torch.Generator().manual_seed(step_seed(self.config.seed, step))
        regularisation = self.scene.regularisation(generator)
        return terms if regularisation is None else [*terms, Term(regularisation)]

    def validate(self) -> Validation:
        """Render the validation views, after taking as empty what the model leaves empty."""
        fields = [answering(field, self.device) for field in self.scene.fields]
        occupancy = self.scene.occupancy
        if 0 <= self.section.prune_from <= self._steps:
            up = np.array([[0, 0, 1]], np.float32)
            occupancy = occupancy.pruned(lambda points: ask(fields[-1], points, np.broadcast_to(up, points.shape))[0])
            self.scene.occupied.copy_(torch.from_numpy(occupancy.cells))
        scores = []
        for shot in self._val:
            picture = render_picture(fields, shot.camera.rays(), self._marching, occupancy, shot.camera.size)
            scores.append(psnr(picture, shot.colours))
        occupied = float(occupancy.cells.mean())
        return Validation(float(np.mean(scores)), {"psnr": float(np.mean(scores)), "occupied": occupied})


def answering(field: nn.Module, device: torch.device) -> Field:
    """Return a network as a function of arrays."""

    def ask(points: Array, directions: Array) -> tuple[Array, Array]:
        with torch.inference_mode():
            densities, colours = field(
                *(torch.from_numpy(np.ascontiguousarray(each)).to(device) for each in (points, directions))
            )
        return densities.cpu().numpy(), colours.cpu().numpy()

    return ask


def _rays_of(shots: Sequence[Shot]) -> tuple[Rays, Array, np.ndarray]:
    """Return the rays of all pixels, their colours ``(N, 3)``, and the numbers of those in the middle halves."""
    rays = [shot.camera.rays() for shot in shots]
    width, height = shots[0].camera.size
    central = np.zeros((height, width), bool)
    central[height // 4 : height - height // 4, width // 4 : width - width // 4] = True
    return (
        Rays(*(np.concatenate(parts) for parts in zip(*rays, strict=True))),
        np.concatenate([shot.colours.reshape(-1, 3) for shot in shots]),
        np.flatnonzero(np.tile(central.ravel(), len(shots))),
    )
