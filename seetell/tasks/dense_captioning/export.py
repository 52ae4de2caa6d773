"""From a finished run of a dense captioner to a bundle: the folder that a user runs, without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.data.regions import read_regions
from seetell.export.atomic_directory import check_free, new_folder
from seetell.export.card import write_card
from seetell.export.graph_entries import graph_entry
from seetell.export.parity import check_parity, decoder_difference
from seetell.export.quantisation import quantise_encoder
from seetell.export.shared_weights import read_from_weights, write_weights
from seetell.language.decoding import Decoding
from seetell.nn.backbones import Features
from seetell.runtime.bundle import sha256
from seetell.runtime.sessions import Graph
from seetell.tasks.captioning.export import CALIBRATION_PHOTOS, ENCODERS, PARITY_PHOTOS, open_some
from seetell.tasks.captioning.graphs import write_decoder
from seetell.tasks.dense_captioning.graphs import MapsGraph, ProposalsGraph, write_localisation, write_maps
from seetell.tasks.dense_captioning.trained import TrainedDenseCap, load_trained_densecap
from seetell.training.run_folder import RunFolder

PROPOSALS, REGIONS = "proposals.onnx", "regions.onnx"
DECODER = {"start": "decoder_start.onnx", "step": "decoder_step.onnx"}


def export_densecap(
    run: Path,
    target: Path,
    *,
    name: str | None = None,
    precisions: Sequence[str] = ("int8", "fp32"),
    decoding: Mapping[str, Any] | None = None,
    replace: bool = False,
) -> dict[str, Any]:
    """Write the bundle of a dense captioner's best weights.

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
    model = load_trained_densecap(RunFolder(run))
    chosen = model.recipe.validation.decoding.with_options(**(decoding or {}))
    calibration, comparison = _photos(model)
    with new_folder(target) as folder:
        parity = _write_graphs(model, folder, precisions, calibration, comparison)
        check_parity(parity)
        model.vocabulary.save(folder / "vocabulary.json")
        description = _description(model, folder, name or model.recipe.name, precisions, chosen)
        description["parity"] = parity
        (folder / "model.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", "utf-8")
        write_card(folder)
    return description


def _photos(model: TrainedDenseCap) -> tuple[np.ndarray, np.ndarray]:
    """Return photos to calibrate on and photos to compare on."""
    data = model.recipe.data
    dataset = read_regions(
        data.path, format=data.format, photos=data.photos, captions=data.captions, split_seed=data.split_seed
    ).captions()
    train, val = dataset.split("train"), dataset.split("val")
    preprocessing = model.encoder.preprocessing
    calibration = open_some(preprocessing, train, CALIBRATION_PHOTOS)
    return calibration, open_some(preprocessing, val if len(val) > 1 else train, PARITY_PHOTOS)


def _write_graphs(
    model: TrainedDenseCap, folder: Path, precisions: Sequence[str], calibration: np.ndarray, comparison: np.ndarray
) -> dict[str, float]:
    """Write weights and graphs; return how far they are from torch."""
    encoder, densecap = model.encoder, model.densecap
    strides = densecap.config.strides
    fp32, int8 = folder / ENCODERS["fp32"], folder / ENCODERS["int8"]
    write_maps(encoder, fp32, strides=strides)
    with torch.no_grad():
        maps = [made.clone() for made in MapsGraph(encoder, strides)(torch.from_numpy(comparison))]
    names = [f"map_{stride}" for stride in strides]
    parity = {"maps_fp32_max_difference": _greatest_difference(maps, fp32, {"images": comparison}, names)}
    if "int8" in precisions:
        quantise_encoder(fp32, int8, calibration)
        parity["maps_int8_cosine_distance"] = _cosine_distance(maps, int8, comparison, names)
    if "fp32" not in precisions:
        fp32.unlink()
    weights = folder / "weights.safetensors"
    own = {key: value for key, value in densecap.state_dict().items() if not key.startswith("captioner.")}
    write_weights({"densecap": own, "captioner": densecap.captioner.state_dict()}, weights)
    proposals, regions = folder / PROPOSALS, folder / REGIONS
    start, step = folder / DECODER["start"], folder / DECODER["step"]
    write_localisation(densecap, maps, proposals=proposals, regions=regions)
    with torch.no_grad():
        found = densecap.detect(maps)
    features = Features(
        torch.cat([each.features.pooled for each in found]),
        torch.cat([each.features.grid for each in found if each.features.grid is not None])
        if densecap.captioner.uses_grid
        else None,
    )
    write_decoder(densecap.captioner, features, start=start, step=step)
    for graph in (proposals, regions, start, step):
        read_from_weights(graph, weights)
    with torch.no_grad():
        proposed = ProposalsGraph(densecap, maps)(*maps)
    outputs = [*(f"level_{stride}" for stride in strides), "boxes", "logits"]
    given = {name: made.numpy() for name, made in zip(names, maps, strict=True)}
    parity["proposals_max_difference"] = _greatest_difference(proposed[: len(outputs)], proposals, given, outputs)
    parity["decoder_logprob_max_difference"] = decoder_difference(densecap.captioner, features, start=start, step=step)
    return parity


def _greatest_difference(
    ours: Sequence[Tensor], graph: Path, given: Mapping[str, np.ndarray], outputs: Sequence[str]
) -> float:
    """Return the largest difference between torch and a graph, as a share of each output's greatest value."""
    theirs = Graph(graph, threads=1).run(given, outputs)
    differences = [
        np.abs(one.numpy() - other).max() / np.abs(other).max() for one, other in zip(ours, theirs, strict=True)
    ]
    return float(max(differences))


def _cosine_distance(maps: Sequence[Tensor], graph: Path, images: np.ndarray, outputs: Sequence[str]) -> float:
    """Return 1 − the mean cosine between a cell's channels in torch and in a graph, of the map where it is worst."""
    distances = []
    for one, other in zip(maps, Graph(graph, threads=1).run({"images": images}, outputs), strict=True):
        ours = one.numpy()
        lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(other, axis=1)
        distances.append(1 - np.mean(np.sum(ours * other, axis=1) / lengths))
    return float(max(distances))


def _description(
    model: TrainedDenseCap, folder: Path, name: str, precisions: Sequence[str], decoding: Decoding
) -> dict[str, Any]:
    recipe, densecap, config = model.recipe, model.densecap, model.recipe.densecap
    files = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    encoder_parameters = sum(parameter.numel() for parameter in model.encoder.parameters())
    return {
        "format": 2,
        "name": name,
        "task": "dense_captioning",
        "architecture": "densecap",
        "preprocessing": model.encoder.preprocessing.to_dict(),
        "vocabulary": {"file": "vocabulary.json", "sha256": model.vocabulary.hash, "size": len(model.vocabulary)},
        "files": files,
        "graphs": {
            "encoder": graph_entry(folder, {name: ENCODERS[name] for name in precisions}, default=precisions[0]),
            **{
                name: graph_entry(folder, {"fp32": file}, default="fp32")
                for name, file in {
                    "proposals": PROPOSALS,
                    "regions": REGIONS,
                    "decoder_start": DECODER["start"],
                    "decoder_step": DECODER["step"],
                }.items()
            },
        },
        "settings": {
            "decoding": decoding.to_dict(),
            "localisation": {
                "strides": list(config.strides),
                "canonical_box_size": config.roi_head.canonical_box_size,
                "pre_nms_top_n": config.proposals.pre_nms_top_n,
                "proposal_nms_iou": config.proposals.nms_iou,
                "proposals": config.proposals.post_nms_top_n_test,
                "nms_iou": config.roi_head.nms_iou,
                "max_detections": config.roi_head.max_detections,
                "caption_confidence_weight": config.caption_confidence_weight,
            },
        },
        "parameters": {
            "encoder": encoder_parameters,
            "model": sum(parameter.numel() for parameter in densecap.parameters()),
        },
        "encoder": recipe.encoder.name,
        "config": {"architecture": recipe.architecture},
        "licence": recipe.card.licence,
        "training_data": recipe.card.training_data,
        "terms": recipe.card.terms,
        "command": f"seetell train {recipe.name}",
        "started_from": Path(recipe.start_from).name,
        "trained_steps": model.facts["step"],
        "scores": {"val": model.facts["scores"] | {"command": f"seetell train {recipe.name}"}},
    }
