"""Whether explanations of captions' words are right: prints one JSON line, and writes a row per word.

    python benchmarks/explanations.py $SEETELL_DATA/flickr8k $SEETELL_DATA/flickr30k_entities --photos 40

For photos of Flickr8k's dev split and a sentence of each, with the sentence fixed, the last word of each phrase that
has a box is explained by every method. Measured are the pointing game, the energy in the boxes, deletion and insertion
(of the first word of each photo), and how alike the maps become when weights are replaced by random ones (Adebayo et
al., "Sanity Checks for Saliency Maps", NeurIPS 2018): the rank correlation of a map with that of the network whose
captioner, or captioner and encoder, is random. ``centre`` stands for a map that knows nothing but that things are in
the middle.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import seetell
from seetell.data import read
from seetell.data.entities import read_entities
from seetell.data.entity_records import EntityPhoto, Sentence
from seetell.explain.integrated_gradients import integrated_gradients
from seetell.explain.methods import GRADIENTS, gradient_method
from seetell.explain.network import ScoredNetwork
from seetell.explain.occlusion import occlusion
from seetell.explain.quality import CELLS, deletion_and_insertion, energy_in, points_into
from seetell.geometry.boxes import Box
from seetell.language.tokenizer import tokenize
from seetell.photos.opening import open_photo
from seetell.results import HeatMap
from seetell.tasks.captioning.explain import explain
from seetell.tasks.captioning.network import network

IG_STEPS = 8
Word = tuple[int, tuple[Box, ...]]
"""Place of a word in the sentence, and the boxes of what it means."""


def explained_words(photo: EntityPhoto, vocabulary: Any) -> tuple[Sentence, list[Word]] | None:
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


def randomised(scored: ScoredNetwork, *parts: str) -> None:
    """Replace the weights of parts of a network by those of another order, which keeps their distribution."""
    generator = torch.Generator().manual_seed(0)
    for part in parts:
        for weights in getattr(scored.scores, part).parameters():
            order = torch.randperm(weights.numel(), generator=generator)
            weights.data = weights.data.flatten()[order].reshape(weights.shape)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps of one shape."""
    ranks = [np.argsort(np.argsort(each, axis=None)) for each in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def rows(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield for each photo, word and method what was measured."""
    captioner = seetell.load("caption", threads=1)
    data = read_entities(arguments.entities, read(arguments.flickr8k))
    photos = [photo for photo in data.photos if photo.split == "val"]
    order = np.random.default_rng(0).permutation(len(photos))
    done = 0
    for number in order:
        chosen = explained_words(photos[number], captioner.bundle.require_vocabulary())
        if chosen is None:
            continue
        sentence, words = chosen
        image = open_photo(photos[number].path)
        explained = explain(captioner, image, sentence.text, [])
        explained = replace(explained, positions=tuple(place for place, _ in words))
        yield from measured(captioner, image, explained, words, str(photos[number].id), sanity=done < arguments.sanity)
        done += 1
        if done == arguments.photos:
            return


def measured(
    captioner: Any, image: Image.Image, explained: Any, words: list[Word], name: str, *, sanity: bool
) -> Iterator[dict[str, Any]]:
    """Yield a row for each word of a photo and each method."""
    whole = 0.0, 0.0, float(image.width), float(image.height)
    covered = occlusion(explained.score, image)
    scored = network(captioner, image, explained)  # loaded for each photo, as its weights may be randomised
    maps: dict[str, list[np.ndarray]] = {
        "centre": [centre() for _ in words],
        "attention": [explained.maps["attention"][place] for place, _ in words],
        "occlusion": [covered[place] for place, _ in words],
        **{name: [gradient_map(name, scored, target) for target in range(len(words))] for name in GRADIENTS},
    }
    alike: dict[tuple[str, str], float] = {}
    if sanity:
        for parts in (("captioner",), ("captioner", "encoder")):
            randomised(scored, *parts[-1:])
            for method in GRADIENTS:
                other = HeatMap(method, gradient_map(method, scored, 0), whole).averaged(CELLS)
                before = HeatMap(method, maps[method][0], whole).averaged(CELLS)
                alike[method, "+".join(parts)] = rank_correlation(before, other)
    for method, found in maps.items():
        for target, (place, boxes) in enumerate(words):
            heat_map = HeatMap(method, found[target], whole)
            row = {
                "photo": name,
                "word": explained.targets[place],
                "method": method,
                "points": points_into(heat_map, boxes),
                "energy": energy_in(heat_map, boxes),
                "share": energy_in(HeatMap("", np.ones((CELLS, CELLS)), whole), boxes),
            }
            if target == 0:
                row["deletion"], row["insertion"] = deletion_and_insertion(explained.score, image, heat_map, place)
                row |= {f"alike: {parts}": value for (known, parts), value in alike.items() if known == method}
            yield row


def summary(found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the means by method."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in found:
        for name, value in row.items():
            if not isinstance(value, str):
                values[row["method"]][name].append(float(value))
    return {
        method: {"words": len(own["points"]), **{name: round(float(np.mean(each)), 3) for name, each in own.items()}}
        for method, own in values.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flickr8k", type=Path)
    parser.add_argument("entities", type=Path)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--sanity", type=int, default=10, help="photos for which weights are randomised, too")
    parser.add_argument("--rows", type=Path, default=Path("explanations.jsonl"), help="a row per word and method")
    options = parser.parse_args()
    written = []
    with options.rows.open("w", encoding="utf-8") as file:
        for row in rows(options):
            written.append(row)
            print(json.dumps(row), file=file, flush=True)
    print(json.dumps(summary(written)))
