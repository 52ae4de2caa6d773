"""From a finished training run to a bundle: the folder that a user runs, without torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seetell.data import read
from seetell.data.records import PhotoRecord
from seetell.errors import BundleError, PhotoError
from seetell.export.atomic_directory import check_free, new_folder
from seetell.export.card import write_card
from seetell.export.graph_entries import graph_entry
from seetell.export.parity import (
    check_parity,
    decoder_difference,
    encoder_cosine_distance,
    encoder_difference,
)
from seetell.export.quantisation import quantise_encoder
from seetell.export.shared_weights import read_from_weights, write_weights
from seetell.language.decoding import Decoding
from seetell.nn.backbones import Features
from seetell.photos import Preprocessing
from seetell.tasks.captioning.graphs import write_decoder, write_encoder
from seetell.tasks.captioning.trained import TrainedModel, load_trained
from seetell.training.batches import photo_pixels
from seetell.training.config import Recipe
from seetell.training.run_folder import RunFolder

CALIBRATION_PHOTOS, PARITY_PHOTOS = 128, 32
ENCODERS = {"int8": "encoder.int8.onnx", "fp32": "encoder.onnx"}


def export_run(
    run: Path,
    target: Path,
    *,
    name: str | None = None,
    precisions: Sequence[str] = ("int8", "fp32"),
    decoding: Mapping[str, Any] | None = None,
    replace: bool = False,
) -> dict[str, Any]:
    """Write the bundle of a run's best weights.

    Args:
        run: the run's folder; its photos are needed to calibrate and to compare.
        target: the bundle's folder, made in one go.
        name: of the bundle; the recipe's name when absent.
        precisions: the encoders to write, ``int8`` or ``fp32``; the first is the default.
        decoding: decoding defaults that differ from the recipe's.
        replace: overwrite ``target`` if it is there.

    Returns:
        The content of ``model.json``.

    Raises:
        BundleError: ``target`` exists, or the graphs differ from torch beyond tolerance; nothing is left behind.
        CheckpointError: the run has no usable weights.
        UsageError: ``decoding`` has no such option; nothing is written.
    """
    check_free(target, replace=replace)
    model = load_trained(RunFolder(run))
    chosen = model.recipe.validation.decoding.with_options(**(decoding or {}))
    calibration, comparison = _photos(model)
    with new_folder(target) as folder:
        parity = _write_graphs(model, folder, precisions, calibration, comparison)
        check_parity(parity)
        model.vocabulary.save(folder / "vocabulary.json")
        description = _description(model, folder, name or model.recipe.name, precisions, parity, chosen)
        (folder / "model.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", "utf-8")
        write_card(folder)
    return description


def _write_graphs(
    model: TrainedModel, folder: Path, precisions: Sequence[str], calibration: np.ndarray, comparison: np.ndarray
) -> dict[str, float]:
    """Write weights and graphs; return how far they are from torch."""
    encoder, captioner = model.encoder, model.captioner
    parity = {}
    fp32, int8 = folder / ENCODERS["fp32"], folder / ENCODERS["int8"]
    write_encoder(encoder, fp32, with_grid=captioner.uses_grid)
    parity["encoder_fp32_max_difference"] = encoder_difference(encoder, fp32, comparison)
    if "int8" in precisions:
        quantise_encoder(fp32, int8, calibration)
        parity["encoder_int8_cosine_distance"] = encoder_cosine_distance(encoder, int8, comparison)
    if "fp32" not in precisions:
        fp32.unlink()
    weights, start, step = (
        folder / file for file in ("weights.safetensors", "decoder_start.onnx", "decoder_step.onnx")
    )
    write_weights({"encoder": encoder.state_dict(), "captioner": captioner.state_dict()}, weights)
    with torch.inference_mode():
        features = Features(*(part.clone() for part in encoder(torch.from_numpy(comparison))))
    write_decoder(captioner, features, start=start, step=step)
    for graph in (start, step):
        read_from_weights(graph, weights)
    parity["decoder_logprob_max_difference"] = decoder_difference(captioner, features, start=start, step=step)
    return parity


def _description(
    model: TrainedModel,
    folder: Path,
    name: str,
    precisions: Sequence[str],
    parity: Mapping[str, float],
    decoding: Decoding,
) -> dict[str, Any]:
    recipe = model.recipe
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    return {
        "format": 2,
        "name": name,
        "task": "captioning",
        "architecture": recipe.architecture,
        "preprocessing": model.encoder.preprocessing.to_dict(),
        "vocabulary": {"file": "vocabulary.json", "sha256": model.vocabulary.hash, "size": len(model.vocabulary)},
        "files": files,
        "graphs": {
            "encoder": graph_entry(folder, {name: ENCODERS[name] for name in precisions}, default=precisions[0]),
            "decoder_start": graph_entry(folder, {"fp32": "decoder_start.onnx"}, default="fp32"),
            "decoder_step": graph_entry(folder, {"fp32": "decoder_step.onnx"}, default="fp32"),
        },
        "settings": {"decoding": decoding.to_dict()}
        | ({"grid": list(model.encoder.grid_size)} if model.captioner.attends else {}),
        "parameters": {
            "encoder": sum(parameter.numel() for parameter in model.encoder.parameters()),
            "model": sum(parameter.numel() for parameter in model.captioner.parameters()),
        },
        "encoder": recipe.encoder.name,
        "licence": recipe.card.licence,
        "training_data": recipe.card.training_data,
        "terms": recipe.card.terms,
        "command": f"seetell train {recipe.name}",
        "started_from": Path(recipe.start_from).name,
        "distilled_from": [Path(teacher).name for teacher in recipe.distillation.teachers],
        "config": _without_places(recipe),
        "trained_steps": model.facts["step"],
        "scores": {},
        "parity": dict(parity),
    }


def _without_places(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe without what holds on one machine only: paths, device and threads."""
    content = recipe.to_dict()
    for field in ("device", "threads", "start_from", "card"):
        del content[field]
    for part, field in (("data", "path"), ("data", "photos"), ("encoder", "cache"), ("distillation", "teachers")):
        del content[part][field]
    return content


def _photos(model: TrainedModel) -> tuple[np.ndarray, np.ndarray]:
    """Open photos of the run's data set: training photos to calibrate on, validation photos to compare on."""
    data = model.recipe.data
    dataset = read(data.path, format=data.format, photos=data.photos, split_seed=data.split_seed)
    train, val = dataset.split("train"), dataset.split("val")
    preprocessing = model.encoder.preprocessing
    calibration = open_some(preprocessing, train, CALIBRATION_PHOTOS)
    return calibration, open_some(preprocessing, val if len(val) > 1 else train, PARITY_PHOTOS)


def open_some(preprocessing: Preprocessing, photos: Sequence[PhotoRecord], wanted: int) -> np.ndarray:
    """Open so many photos, spread over all, ``(N, 3, H, W)``; those that cannot be used are left out.

    Raises:
        BundleError: fewer than two are left.
    """
    images = []
    for photo in photos[:: max(1, len(photos) // wanted)][:wanted]:
        try:
            images.append(photo_pixels(photo, preprocessing))
        except PhotoError:
            continue
    if len(images) < 2:
        raise BundleError("exporting needs at least two readable photos of the run's data set to compare with torch")
    return np.stack(images)
