"""Measure the weights by which a captioner chooses among the sentences of a beam.

    python scripts/everyday/fit_reranking.py everyday-transformer --data DATA

Searches sentences for the dev photos of ``fit_confidence.py`` once, and prints what is told with each combination of
some weights: CIDEr-D on everyday photos and on Flickr8k's, how many sentences name an absent object class (CHAIRs), and
how many name anything that boxes and references do not have. The probabilities are those of the bundle's confidence,
which was fitted on the same photos. Fitted again afterwards, it chooses other sentences: measure both.

    python scripts/everyday/fit_reranking.py everyday-transformer --aligner flickr8k-align --write 0.06 0.55 0.35 -0.045

puts weights into the bundle's ``model.json``, and the graphs of the aligner, which has to share the bundle's encoder.
To measure a bundle that has none yet, write some to begin with.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dev_photos import DevPhoto, dev_photos, false_things
from fit_confidence import BATCH
from support import names_things

import seetell
from seetell.language.tokenizer import tokenize
from seetell.metrics.cider import cider
from seetell.metrics.frequencies import DocumentFrequencies
from seetell.runtime.bundle import read_description
from seetell.tasks.captioning.predict import BundleCaptioner
from seetell.tasks.card import write_description
from seetell.tasks.loading import find_model

WEIGHTS = {
    "aligner": (0.0, 0.04, 0.06, 0.08),
    "objects": (0.0, 0.55, 0.9),
    "things": (0.0, 0.2, 0.35),
    "length": (0.0, -0.03, -0.045, -0.06),
}
"""Those that are combined."""


@dataclass(frozen=True)
class Candidates:
    """The sentences of a photo's beam.

    Attributes:
        photo: the photo.
        texts: ``K`` sentences.
        terms: ``(K, 5)``; see :meth:`~seetell.tasks.captioning.reranking.Reranker.terms`.
    """

    photo: DevPhoto
    texts: list[str]
    terms: np.ndarray


def search(captioner: BundleCaptioner, photos: Sequence[DevPhoto]) -> list[Candidates]:
    """Search sentences for photos."""
    assert captioner.reranker is not None
    vocabulary, found = captioner.bundle.require_vocabulary(), []
    for first in range(0, len(photos), BATCH):
        batch = photos[first : first + BATCH]
        features = captioner.features([captioner.prepare(photo.path) for photo in batch])
        anything = np.zeros((len(batch), len(vocabulary)), bool)
        ranked = captioner.decoder.hypotheses(features, captioner.decoding, forbidden=anything)
        for photo, sentences, terms in zip(batch, ranked, captioner.reranker.terms(ranked, features), strict=True):
            texts = [" ".join(vocabulary.decode(sentence.tokens)) for sentence in sentences]
            found.append(Candidates(photo, texts, terms))
    return found


def values(candidates: Sequence[Candidates], things: frozenset[str]) -> list[np.ndarray]:
    """Return for each photo ``(K, 3)``: CIDEr-D of the sentences, whether a class is absent, and anything is."""
    references = [[tokenize(said) for said in each.photo.references] for each in candidates]
    frequencies = DocumentFrequencies.build(references)
    rows = []
    for each, own in zip(candidates, references, strict=True):
        scores = cider([own] * len(each.texts), [tokenize(text) for text in each.texts], frequencies=frequencies)
        false = [false_things(text, each.photo, things) for text in each.texts]
        absent = [bool(classes) for classes, _ in false]
        untrue = [bool(classes or others) for classes, others in false]
        rows.append(np.column_stack([scores, absent, untrue]))
    return rows


def measure(candidates: Sequence[Candidates], rows: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Return the mean values of the sentences that weights choose, × 100."""
    chosen = [row[np.argmax(each.terms @ (1.0, *weights))] for each, row in zip(candidates, rows, strict=True)]
    means: np.ndarray = 100 * np.mean(chosen, axis=0)
    return means


def write(folder: Path, aligner: Path, weights: Sequence[float]) -> None:
    """Make a bundle rank its sentences again.

    Args:
        folder: of the captioner.
        aligner: folder of the aligner.
        weights: those of ``WEIGHTS``.
    """
    content, other = read_description(folder), read_description(aligner)
    for name in ("image_embedding", "sentence_embedding"):
        files = {key: file for key, file in other["graphs"][name].items() if str(file).endswith(".onnx")}
        content["graphs"][name] = other["graphs"][name]
        hashes = {precision: other["files"][file] for precision, file in files.items()}
        content.setdefault("shared", {})[name] = {"model": aligner.name, "sha256": hashes}
    content["settings"]["reranking"] = dict(zip(WEIGHTS, weights, strict=True))
    write_description(folder, content)


def main() -> None:
    """Search, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="a bundled model's name or a folder")
    parser.add_argument("--data", type=Path, help="folder of the data sets")
    parser.add_argument("--aligner", default="flickr8k-align", help="a bundled model's name or a folder")
    parser.add_argument("--write", type=float, nargs=4, help="weights to write: aligner, objects, things and length")
    given = parser.parse_args()
    if given.write:
        write(find_model(given.bundle), find_model(given.aligner), given.write)
        return
    captioner = seetell.load(given.bundle, threads=1)
    if captioner.reranker is None:
        parser.error(f"{given.bundle} does not rank its sentences yet: first --write weights, such as 0 0 0 0")
    things = frozenset(filter(names_things, captioner.tagger.words))
    photos = dev_photos(given.data)
    sets = []
    for everyday in (True, False):
        candidates = search(captioner, [photo for photo in photos if photo.everyday == everyday])
        sets.append((candidates, values(candidates, things)))
    figures = ("CIDEr-D", "CHAIRs", "false")
    heads = [*WEIGHTS, *(f"{domain}: {figure}" for domain in ("everyday", "Flickr8k") for figure in figures)]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for weights in itertools.product(*WEIGHTS.values()):
        figures = np.concatenate([measure(*each, weights) for each in sets])
        print(f"| {' | '.join(f'{weight:g}' for weight in weights)} | {' | '.join(f'{x:.1f}' for x in figures)} |")


if __name__ == "__main__":
    main()
