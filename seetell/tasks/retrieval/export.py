"""From a finished run of an aligner to a bundle: the folder that a user runs, without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seetell.data import read
from seetell.errors import BundleError
from seetell.export.atomic_directory import check_free, new_folder
from seetell.export.graph_entries import graph_entry
from seetell.export.parity import check_parity, encoder_cosine_distance, encoder_difference
from seetell.export.quantisation import quantise_encoder
from seetell.language.tokenizer import tokenize
from seetell.nn.backbones import Features
from seetell.runtime.bundle import Bundle, owner_folder, sha256
from seetell.runtime.sessions import Graph
from seetell.tasks.captioning.export import CALIBRATION_PHOTOS, ENCODERS, PARITY_PHOTOS, open_some
from seetell.tasks.captioning.graphs import write_encoder
from seetell.tasks.grounding.export import grounder_difference, write_grounder
from seetell.tasks.grounding.models.grounder import phrase_vector
from seetell.tasks.grounding.trained import TrainedGrounder, load_trained_grounder
from seetell.tasks.retrieval.embeddings import embed_features, embed_tokens, score
from seetell.tasks.retrieval.graphs import write_aligner
from seetell.tasks.retrieval.models.windows import window_boxes
from seetell.tasks.retrieval.trained import TrainedAligner, load_trained_aligner
from seetell.tasks.retrieval.validation import score_all, sentence_tensors
from seetell.training.run_folder import RunFolder

SENTENCES = 64
GROUNDING = "grounding.onnx"


def export_aligner(
    run: Path,
    target: Path,
    *,
    name: str | None = None,
    precisions: Sequence[str] = ("int8", "fp32"),
    encoder_of: str | None = None,
    grounding: Path | None = None,
    replace: bool = False,
) -> dict[str, Any]:
    """Write the bundle of an aligner's best weights.

    Args:
        run: the run's folder; its photos are needed to calibrate and to compare.
        target: the bundle's folder, made in one go.
        name: of the bundle; the recipe's name when absent.
        precisions: the encoders to write, ``int8`` or ``fp32``; the first is the default.
        encoder_of: use the encoder of this captioner, a bundled model or a folder beside ``target``, instead of writing
            one.
        grounding: the run of a grounder for this aligner, to locate phrases with; without one they are located by their
            words alone.
        replace: overwrite ``target`` if it is there.

    Returns:
        The content of ``model.json``.

    Raises:
        BundleError: ``target`` exists, the other model has another encoder, or the graphs differ from torch beyond
            tolerance; nothing is left behind.
        CheckpointError: the run has no usable weights.
    """
    check_free(target, replace=replace)
    model = load_trained_aligner(RunFolder(run))
    grounder = None if grounding is None else load_trained_grounder(RunFolder(grounding), model)
    calibration, comparison, sentences = _examples(model)
    with new_folder(target) as folder:
        if encoder_of is None:
            encoder, parity = _write_encoder(model, folder, precisions, calibration, comparison)
        else:
            encoder, parity = _other_encoder(model, target, encoder_of, comparison)
        with torch.inference_mode():
            features = Features(*(part.clone() for part in model.encoder(torch.from_numpy(comparison))))
        photos, texts = folder / "image_embedding.onnx", folder / "sentence_embedding.onnx"
        write_aligner(model.aligner, features, photos=photos, sentences=texts)
        parity["alignment_score_max_difference"] = _difference(model, photos, texts, features, sentences)
        if grounder is not None:
            write_grounder(model.aligner, grounder.grounder, folder / GROUNDING)
            parity["grounding_box_max_difference"] = _box_difference(
                model, grounder, folder / GROUNDING, features, sentences
            )
        model.vocabulary.save(folder / "vocabulary.json")
        description = _description(model, folder, name or model.recipe.name, encoder)
        if grounder is not None:
            description["task"] = "grounding"
            description["graphs"]["grounding"] = graph_entry(folder, {"fp32": GROUNDING}, default="fp32")
            description["grounding"] = {
                "command": f"seetell train {grounder.recipe.name}",
                "trained_steps": grounder.facts["step"],
                "parameters": sum(parameter.numel() for parameter in grounder.grounder.parameters()),
                "training_data": grounder.recipe.training_data,
                "scores": {"val": grounder.facts["scores"]},
            }
        check_parity(parity)
        description["parity"] = parity
        (folder / "model.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", "utf-8")
        (folder / "README.md").write_text(alignment_card(description), encoding="utf-8")
    return description


def _examples(model: TrainedAligner) -> tuple[np.ndarray, np.ndarray, list[list[int]]]:
    """Return photos to calibrate on, photos to compare on, and encoded sentences to compare on."""
    data, preprocessing = model.recipe.data, model.encoder.preprocessing
    dataset = read(data.path, format=data.format, photos=data.photos, split_seed=data.split_seed)
    train, val = dataset.split("train"), dataset.split("val")
    chosen = val if len(val) > 1 else train
    sentences = [model.vocabulary.encode(tokenize(photo.captions[0])) for photo in chosen[:SENTENCES]]
    return (
        open_some(preprocessing, train, CALIBRATION_PHOTOS),
        open_some(preprocessing, chosen, PARITY_PHOTOS),
        sentences,
    )


def _write_encoder(
    model: TrainedAligner, folder: Path, precisions: Sequence[str], calibration: np.ndarray, comparison: np.ndarray
) -> tuple[dict[str, Any], dict[str, float]]:
    fp32, int8 = folder / ENCODERS["fp32"], folder / ENCODERS["int8"]
    write_encoder(model.encoder, fp32, with_grid=True)
    parity = {"encoder_fp32_max_difference": encoder_difference(model.encoder, fp32, comparison)}
    if "int8" in precisions:
        quantise_encoder(fp32, int8, calibration)
        parity["encoder_int8_cosine_distance"] = encoder_cosine_distance(model.encoder, int8, comparison)
    if "fp32" not in precisions:
        fp32.unlink()
    files = {precision: ENCODERS[precision] for precision in precisions}
    return {"graph": graph_entry(folder, files, default=precisions[0]), "shared": None}, parity


def _other_encoder(
    model: TrainedAligner, target: Path, name: str, comparison: np.ndarray
) -> tuple[dict[str, Any], dict[str, float]]:
    """Describe another model's encoder, and how far it is from the one that the aligner was trained with."""
    other = Bundle.load(owner_folder(target, name))
    files = {precision: other.graph("encoder", precision) for precision in other.precisions("encoder")}
    if other.preprocessing != model.encoder.preprocessing:
        raise BundleError(f"{other.folder} prepares photos in another way than {model.recipe.name} was trained with")
    measures = {"fp32": encoder_difference, "int8": encoder_cosine_distance}
    names = {"fp32": "encoder_fp32_max_difference", "int8": "encoder_int8_cosine_distance"}
    parity = {names[kind]: measures[kind](model.encoder, file, comparison) for kind, file in files.items()}
    described = {
        "graph": other.description["graphs"]["encoder"],
        "shared": {"model": other.folder.name, "sha256": {kind: sha256(file) for kind, file in files.items()}},
    }
    return described, parity


def _difference(
    model: TrainedAligner, photos: Path, texts: Path, features: Features, sentences: Sequence[Sequence[int]]
) -> float:
    """Return the largest difference of a score between the graphs and torch, as a share of the scores' deviation."""
    assert features.grid is not None
    with torch.inference_mode():
        described = model.aligner.whiten_regions(features)
    ours = score_all(model.aligner, [described], sentences, max_words=model.recipe.data.max_words)
    given = {"pooled": features.pooled.numpy(), "grid": features.grid.numpy()}
    theirs = score(
        embed_features(Graph(photos, threads=1), given),
        embed_tokens(Graph(texts, threads=1), [row[: model.recipe.data.max_words] for row in sentences]),
    )
    return float(np.abs(ours - theirs).max() / ours.std())


def _box_difference(
    model: TrainedAligner, trained: TrainedGrounder, path: Path, features: Features, sentences: Sequence[Sequence[int]]
) -> float:
    """Return the largest difference of a box between the grounder's graph and torch; see :func:`grounder_difference`.

    Each photo is asked for whole sentences, cut to their first words.
    """
    assert features.grid is not None
    with torch.inference_mode():
        said = model.aligner.embed_sentences(*sentence_tensors(sentences, max_words=model.recipe.data.max_words))
        assert said.words is not None
        phrases = torch.stack([phrase_vector(words[:2]) for words in said.words])
    chosen = [phrases[start : start + 3] for start in range(len(features.grid))]
    return grounder_difference(
        model.aligner, trained.grounder, path, features.grid, [part if len(part) else phrases for part in chosen]
    )


def _description(model: TrainedAligner, folder: Path, name: str, encoder: Mapping[str, Any]) -> dict[str, Any]:
    recipe, aligner = model.recipe, model.aligner
    files = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    return {
        "format": 2,
        "name": name,
        "task": "retrieval",
        "architecture": "aligner",
        "preprocessing": model.encoder.preprocessing.to_dict(),
        "vocabulary": {"file": "vocabulary.json", "sha256": model.vocabulary.hash, "size": len(model.vocabulary)},
        "files": files,
        "graphs": {
            "encoder": encoder["graph"],
            "image_embedding": graph_entry(folder, {"fp32": "image_embedding.onnx"}, default="fp32"),
            "sentence_embedding": graph_entry(folder, {"fp32": "sentence_embedding.onnx"}, default="fp32"),
        },
        **({"shared": {"encoder": encoder["shared"]}} if encoder["shared"] else {}),
        "settings": {
            "max_words": recipe.data.max_words,
            "grid": list(model.encoder.grid_size),
            "regions": window_boxes(recipe.aligner.windows)[: aligner.regions].tolist(),
        },
        "parameters": {
            "encoder": sum(parameter.numel() for parameter in model.encoder.parameters()),
            "model": sum(parameter.numel() for parameter in aligner.parameters()),
        },
        "encoder": recipe.encoder.name,
        "licence": recipe.card.licence,
        "training_data": recipe.card.training_data,
        "terms": recipe.card.terms,
        "command": f"seetell train {recipe.name}",
        "started_from": Path(recipe.start_from).name,
        "trained_steps": model.facts["step"],
        "scores": {"val": model.facts["scores"] | {"command": f"seetell train {recipe.name}"}},
    }


def alignment_card(description: Mapping[str, Any]) -> str:
    """Word the card of an aligner's bundle, in Markdown."""
    scores, parameters = description["scores"]["val"], description["parameters"]["model"] / 1e6
    shared = description.get("shared", {}).get("encoder", {}).get("model")
    whose = f"that of `{shared}`" if shared else f"{description['parameters']['encoder'] / 1e6:.1f} M parameters"
    begun = f", trained as in `{description['started_from']}`" if description["started_from"] else ""
    ways = {way: [scores[f"{way}_R@{k}"] for k in (1, 5, 10)] for way in ("annotation", "search")}
    lines = [
        f"# {description['name']}",
        "",
        f"Tells how well sentences fit photos: {parameters:.1f} M parameters, "
        f"{description['vocabulary']['size']:,} words, trained for {description['trained_steps']:,} steps "
        f"on `{description['encoder']}`{begun} ({whose}).",
        "",
        f"- **Licence of the weights:** {description['licence']}",
        f"- **Training data:** {description['training_data']}",
        f"- **Terms of the data:** {description['terms']}",
        f"- **Trained by:** `{description['command']}`",
        "",
        "| split | way | R@1 | R@5 | R@10 |",
        "|---|---|---|---|---|",
        *(f"| val | {way} | " + " | ".join(f"{value:.1f}" for value in values) + " |" for way, values in ways.items()),
        "",
        "Measured in 32-bit floats when the weights were chosen.",
        "",
        *_grounding_lines(description),
        "How far the graphs are from the trained model:",
        "",
        *(f"- {name.replace('_', ' ')}: {value:.2g}" for name, value in description["parity"].items()),
    ]
    return "\n".join(lines) + "\n"


def _grounding_lines(description: Mapping[str, Any]) -> list[str]:
    if "grounding" not in description:
        return []
    grounding = description["grounding"]
    found = grounding["scores"]["val"]
    return [
        f"Where in a photo a phrase is, {grounding['parameters'] / 1e6:.1f} M more parameters have learnt in "
        f"{grounding['trained_steps']:,} steps (`{grounding['command']}`) from {grounding['training_data']}. Of the "
        f"phrases of the val photos, {found['R@1']:.1f} % get a box that overlaps the true one by half or more, and "
        f"{found['pointing']:.1f} % a point that is right.",
        "",
    ]
