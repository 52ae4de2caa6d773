"""Whether explanations are right: prints one JSON line, and writes a row per part that was explained and method.

    python benchmarks/explanations.py words $SEETELL_DATA/flickr8k $SEETELL_DATA/flickr30k_entities --photos 40
    python benchmarks/explanations.py phrases $SEETELL_DATA/flickr8k $SEETELL_DATA/flickr30k_entities --photos 40
    python benchmarks/explanations.py objects $SEETELL_DATA/coco128/object_detection --photos 40
    python benchmarks/explanations.py classes $SEETELL_DATA/coco128/object_detection --photos 40

Explained are the last word of each phrase that has a box, as a word of the caption or as a phrase that is aligned, for
photos of Flickr8k's dev split and a sentence of each; objects that are found where there are such; and classes that
ImageNet and COCO both have, among the five likeliest. Measured are the pointing game, the energy in the boxes, deletion
and insertion (of the first part of each photo), and how alike the maps become when weights are put into another order
(Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018): the rank correlation of a map with that of the model
whose last graph, or whose graphs all, have their weights shuffled. ``centre`` stands for a map that knows nothing but
that things are in the middle.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from PIL import Image

import seetell
from seetell.data import read
from seetell.data.entities import read_entities
from seetell.data.entity_records import EntityPhoto, Sentence
from seetell.data.records import ObjectPhoto
from seetell.data.yolo import read_yolo
from seetell.explain.explained import Explained
from seetell.explain.integrated_gradients import integrated_gradients
from seetell.explain.methods import GRADIENTS, gradient_method
from seetell.explain.network import ScoredNetwork
from seetell.explain.occlusion import occlusion
from seetell.explain.quality import CELLS, deletion_and_insertion, energy_in, points_into
from seetell.geometry.boxes import Box, iou
from seetell.language.tokenizer import tokenize
from seetell.photos.opening import open_photo
from seetell.results import HeatMap
from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.explain import explain as explain_caption
from seetell.tasks.classification.explain import explain as explain_classes
from seetell.tasks.detection.explain import explain as explain_objects
from seetell.tasks.detection.explain import scores_at
from seetell.tasks.grounding.explain import explain as explain_phrases
from seetell.tasks.registry import find_task

IG_STEPS = 8
OBJECT_IOU = 0.5
"""Overlap from which a detection is of the object that is there."""
CLASSES = 5
NOT_ALIKE = {"kite"}
"""Names that mean something else in ImageNet: the bird."""
LAST = {
    "captioning": ("decoder_start", "decoder_step"),
    "grounding": ("image_embedding",),
    "detection": (),
    "classification": ("classifier",),
}
"""Graphs of each task that follow the encoder; none where there is but one graph."""

Part = tuple[int, tuple[Box, ...]]
"""A column of the scores, and the boxes of what it means."""


class Case(NamedTuple):
    """A photo, and what of its prediction is explained.

    Attributes:
        name: of the photo.
        image: the photo.
        explained: the prediction.
        parts: those that are explained.
        again: what is explained of another model, for the same parts.
    """

    name: str
    image: Image.Image
    explained: Any
    parts: list[Part]
    again: Callable[[Any], Any]


def explained_words(photo: EntityPhoto, vocabulary: Any) -> tuple[Sentence, list[Part]] | None:
    """Return the first sentence that the model knows all words of and that has boxes, and its words with boxes."""
    for sentence in photo.sentences:
        words = [token.lower() for token in sentence.tokens]
        if words != tokenize(sentence.text) or not all(word in vocabulary for word in words):
            continue
        found = []
        for phrase in sentence.phrases:
            entity = photo.entities.get(phrase.entity or "")
            if entity is not None and entity.boxes and not entity.scene:
                found.append((phrase.end - 1, photo.boxes_of(phrase)))
        if found:
            return sentence, found
    return None


def cases(arguments: argparse.Namespace, model: Any) -> Iterator[Case]:
    """Yield the photos in a random order, and what is explained of them."""
    if arguments.what in ("words", "phrases"):
        dataset = read_entities(arguments.data[1], read(arguments.data[0]))
        photos: Sequence[Any] = [photo for photo in dataset.photos if photo.split == "val"]
        case: Callable[..., Case | None] = words_of_captions if arguments.what == "words" else phrases_of_sentences
    else:
        photos = [photo for photo in read_yolo(arguments.data[0]).photos if photo.boxes]
        case = objects_found if arguments.what == "objects" else classes_found
    for number in np.random.default_rng(0).permutation(len(photos)):
        found = case(model, photos[number])
        if found is not None:
            yield found


def words_of_captions(model: Any, photo: EntityPhoto) -> Case | None:
    """Return the last words of phrases, as words of a caption."""
    chosen = explained_words(photo, model.bundle.require_vocabulary())
    if chosen is None:
        return None
    sentence, parts = chosen
    image = open_photo(photo.path)
    explained = explain_caption(model, image, sentence.text, [])
    explained = replace(explained, positions=tuple(place for place, _ in parts))
    return Case(str(photo.id), image, explained, parts, lambda other: explain_caption(other, image, sentence.text, []))


def phrases_of_sentences(model: Any, photo: EntityPhoto) -> Case | None:
    """Return the last words of phrases, as phrases of a sentence that is aligned."""
    chosen = explained_words(photo, model.bundle.require_vocabulary())
    if chosen is None:
        return None
    sentence, parts = chosen
    words = tokenize(sentence.text)
    names = [words[place] for place, _ in parts]
    if len({*names}) < len(names) or any(words.count(name) > 1 for name in names):
        return None
    image = open_photo(photo.path)

    def explained_by(other: Any) -> Explained:
        return explain_phrases(other, image, sentence.text, names)

    explained = explained_by(model)
    columns = [(explained.targets.index(name), boxes) for name, (_, boxes) in zip(names, parts, strict=True)]
    return Case(str(photo.id), image, explained, columns, explained_by)


def objects_found(model: Any, photo: ObjectPhoto) -> Case | None:
    """Return the objects that are found where there are such."""
    image = open_photo(photo.path)
    found = model.predict(image)
    if not len(found):
        return None
    explained = explain_objects(model, image, "", [])
    boxes = boxes_by_class(photo, image.size)
    parts: list[Part] = []
    for column, (name, box) in enumerate(zip(explained.targets, explained.boxes, strict=True)):
        true = boxes[name]
        overlaps = iou(np.array([box]), np.array(true).reshape(-1, 4))
        if true and overlaps.max() >= OBJECT_IOU:
            parts.append((column, (true[int(overlaps.argmax())],)))
    targets = [region for region in found if region.box in set(explained.boxes)]
    return (
        Case(
            photo.path.name,
            image,
            explained,
            parts,
            lambda other: replace(explained, score=scores_at(other, image.size, targets)),
        )
        if parts
        else None
    )


def classes_found(model: Any, photo: ObjectPhoto) -> Case | None:
    """Return the classes, among the likeliest, of which there are objects."""
    image = open_photo(photo.path)
    likeliest = [label.text for label in model.predict(image, top=CLASSES)]
    boxes = boxes_by_class(photo, image.size)
    names = [name for name in likeliest if name in boxes and name not in NOT_ALIKE]
    if not names:
        return None
    explained = explain_classes(model, image, "", names)
    parts = [(column, tuple(boxes[name])) for column, name in enumerate(explained.targets)]
    return Case(photo.path.name, image, explained, parts, lambda other: explain_classes(other, image, "", names))


def boxes_by_class(photo: ObjectPhoto, size: tuple[int, int]) -> dict[str, list[Box]]:
    """Return the boxes of a photo's objects in its pixels."""
    boxes: dict[str, list[Box]] = defaultdict(list)
    for name, box in zip(photo.classes, photo.boxes, strict=True):
        left, top, right, bottom = (edge * size[place % 2] for place, edge in enumerate(box))
        boxes[name].append((left, top, right, bottom))
    return boxes


def centre() -> np.ndarray:
    """Return a Gaussian in the middle."""
    line = np.exp(-(np.linspace(-2, 2, CELLS) ** 2) / 2)
    return line[:, None] * line


def gradient_map(name: str, scored: ScoredNetwork, target: int) -> np.ndarray:
    """Return the map of a method; integrated gradients with fewer steps than usual, for time."""
    if name == "integrated-gradients":
        return integrated_gradients(scored, target, steps=IG_STEPS)
    values: np.ndarray = gradient_method(name)(scored, target)
    return values


def shuffled(scored: ScoredNetwork, *parts: str) -> None:
    """Put the weights of parts of a network into another order, which keeps their distribution."""
    generator = torch.Generator().manual_seed(0)
    for part in parts:
        for weights in getattr(scored.scores, part).parameters():
            order = torch.randperm(weights.numel(), generator=generator)
            weights.data = weights.data.flatten()[order].reshape(weights.shape)


def shuffled_bundle(bundle: Bundle, graphs: Sequence[str], folder: Path) -> Path:
    """Write a copy of a bundle in which the weights of some graphs are in another order."""
    shutil.copytree(bundle.folder, folder)
    rng = np.random.default_rng(0)
    for name in graphs:
        source = bundle.graph(name)
        model = onnx.load(source)  # with the weights that are kept in another file
        for array in model.graph.initializer:
            values = numpy_helper.to_array(array)
            if values.ndim > 1 or array.data_type == onnx.TensorProto.FLOAT16:
                order = rng.permutation(values.size)
                array.CopyFrom(numpy_helper.from_array(values.flatten()[order].reshape(values.shape), array.name))
        onnx.save(model, folder / source.name)
    return folder


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps of one shape."""
    ranks = [np.argsort(np.argsort(each, axis=None)) for each in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def models_with_shuffled_weights(model: Any, folder: Path) -> dict[str, Any]:
    """Return the model with the weights of its last graphs, and of its encoder, too, in another order."""
    task, bundle = find_task(model.task), model.bundle
    own = [name for name in bundle.graphs if name in ("encoder", "detector", *LAST[task.name])]
    chosen = {
        "last": [*LAST[task.name]],
        "all": [name for name in own if name not in bundle.description.get("shared", {})],
    }
    return {
        name: seetell.load(shuffled_bundle(bundle, graphs, folder / name), task=task.name, threads=1)
        for name, graphs in chosen.items()
        if graphs
    }


def maps_without_torch(case: Case, explained: Any) -> dict[str, list[np.ndarray]]:
    """Return the maps of occlusion and the model's own for each part."""
    covered = occlusion(explained.score, case.image)
    own = {name: [found[column] for column, _ in case.parts] for name, found in explained.maps.items()}
    return {**own, "occlusion": [covered[column] for column, _ in case.parts]}


def measured(case: Case, model: Any, others: Mapping[str, Any], *, gradients: bool = True) -> Iterator[dict[str, Any]]:
    """Yield a row for each part of a photo and each method.

    Args:
        case: the photo.
        model: whose prediction is explained.
        others: the model with other weights, by how many of them are others; none where that is not asked.
        gradients: whether methods that need gradients are measured, where the task has a network in torch.
    """
    image, task = case.image, find_task(model.task)
    whole = model.visible_box(image.size)
    box = 0.0, 0.0, float(image.width), float(image.height)
    maps = {"centre": [centre() for _ in case.parts], **maps_without_torch(case, case.explained)}
    places = {name: box if name in ("centre", "occlusion") else whole for name in (*maps, *GRADIENTS)}
    alike: dict[tuple[str, str], float] = {}

    def compare(method: str, how: str, other: np.ndarray) -> None:
        values = [HeatMap(method, each, box).averaged(CELLS) for each in (maps[method][0], other)]
        alike[method, how] = rank_correlation(*values)

    for how, other in others.items():
        for method, found in maps_without_torch(case, case.again(other)).items():
            compare(method, how, found[0])
    if task.network and gradients:
        scored = task.load("network")(model, image, case.explained)  # loaded for each photo, as its weights change
        columns = range(len(case.parts)) if task.name == "captioning" else [column for column, _ in case.parts]
        maps |= {name: [gradient_map(name, scored, column) for column in columns] for name in GRADIENTS}
        last = "captioner" if task.name == "captioning" else "classifier"
        for how, part in (("last", last), ("all", "encoder")) if others else ():
            shuffled(scored, part)
            for method in GRADIENTS:
                compare(method, how, gradient_map(method, scored, columns[0]))
    for method, found in maps.items():
        for place, (column, boxes) in enumerate(case.parts):
            heat_map = HeatMap(method, found[place], places[method])
            row = {
                "photo": case.name,
                "part": case.explained.targets[column],
                "method": method,
                "points": points_into(heat_map, boxes),
                "energy": energy_in(heat_map, boxes),
                "share": energy_in(HeatMap("", np.ones((CELLS, CELLS)), box), boxes),
            }
            if place == 0:
                score = case.explained.score
                probable = score if task.name in ("captioning", "classification") else logs(score)
                row["deletion"], row["insertion"] = deletion_and_insertion(probable, image, heat_map, column)
                row |= {f"alike, {how}": value for (known, how), value in alike.items() if known == method}
            yield row


def logs(score: Any) -> Any:
    """Return the logarithm of a score: deletion and insertion take log-probabilities."""
    return lambda images: np.log(np.maximum(score(images), 1e-9))


def summary(found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the means by method."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in found:
        for name, value in row.items():
            if not isinstance(value, str):
                values[row["method"]][name].append(float(value))
    return {
        method: {"parts": len(own["points"]), **{name: round(float(np.mean(each)), 3) for name, each in own.items()}}
        for method, own in values.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["words", "phrases", "objects", "classes"])
    parser.add_argument("data", type=Path, nargs="+", help="the data sets")
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--sanity", type=int, default=10, help="photos for which weights are shuffled, too")
    parser.add_argument("--no-gradients", action="store_true", help="leave methods that need gradients out, for time")
    parser.add_argument("--rows", type=Path, help="a row per part and method; explanations-WHAT.jsonl if absent")
    options = parser.parse_args()
    command = {"words": "caption", "phrases": "align", "objects": "detect", "classes": "classify"}[options.what]
    model = seetell.load(command, threads=1)
    written = []
    with (
        tempfile.TemporaryDirectory() as folder,
        (options.rows or Path(f"explanations-{options.what}.jsonl")).open("w", encoding="utf-8") as file,
    ):
        others = models_with_shuffled_weights(model, Path(folder)) if options.sanity else {}
        for done, case in enumerate(cases(options, model)):
            if done == options.photos:
                break
            for row in measured(
                case, model, others if done < options.sanity else {}, gradients=not options.no_gradients
            ):
                written.append(row)
                print(json.dumps(row), file=file, flush=True)
    print(json.dumps(summary(written)))
