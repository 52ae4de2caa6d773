"""Count which classes of words follow which in captions, so that a captioner avoids what nobody writes.

    python scripts/everyday/fit_class_trigrams.py everyday-transformer --data DATA --write

Reads the captions of Flickr8k's training photos and COCO's sentences without photos, finds classes of the
captioner's words (``word_classes.py``), counts them by threes, prints the classes, and with ``--write`` puts the model
into the bundle, and how much what is improbable is avoided; see :mod:`seetell.tasks.captioning.fluency`. Then other
sentences are told: measure confidence and re-ranking again, with the coefficients that there are and fitted again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pack import coco_sets
from word_classes import exchange

from seetell.data.flickr import read as read_flickr
from seetell.data.source import Source
from seetell.language.class_trigrams import WordClasses, save_trigrams
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import END, START, Vocabulary
from seetell.runtime.bundle import Bundle, read_description
from seetell.runtime.file_hashes import file_hash
from seetell.tasks.card import write_description
from seetell.tasks.loading import find_model

CLASSES = 100
MIN_LOGPROB, WEIGHT = -5.0, 0.75
"""Classes with a lower log-probability are avoided, by so much for each nat that they are below it."""

_MODIFIERS = "white black red large small young old wooden tall brick colorful yellow green brown"
"""Words whose classes are modifiers."""

FILE = "class_trigrams.npz"


def captions(data: Path) -> list[list[str]]:
    """Return the words of Flickr8k's training captions and of COCO's sentences without photos.

    Args:
        data: the folder with ``flickr8k`` and ``coco``.
    """
    flickr = [text for photo in read_flickr(Source(data / "flickr8k")).split("train") for text in photo.captions]
    _, coco = coco_sets(data / "coco", {})
    return [tokenize(text) for text in (*flickr, *(sentence for _, sentence in coco))]


def find_classes(sentences: Sequence[Sequence[int]], vocabulary: Vocabulary) -> WordClasses:
    """Return the classes of a vocabulary's words, found by sentences of word ids."""
    size = len(vocabulary)
    bigrams = np.zeros((size, size))
    for sentence in sentences:
        np.add.at(bigrams, ([END, *sentence], [*sentence, END]), 1)
    classes = exchange(bigrams, CLASSES)
    classes[START] = classes[END]
    modifiers = np.zeros(CLASSES, bool)
    modifiers[classes[vocabulary.encode(_MODIFIERS.split())]] = True
    return WordClasses(classes, modifiers, vocabulary.encode(["and"])[0])


def write(folder: Path, words: WordClasses, counts: np.ndarray) -> None:
    """Put the model into a bundle."""
    save_trigrams(folder / FILE, words, counts)
    content = read_description(folder)
    content["settings"]["fluency"] = {"file": FILE, "min_logprob": MIN_LOGPROB, "weight": WEIGHT}
    content["files"][FILE] = file_hash(folder / FILE)
    write_description(folder, content)


def main() -> None:
    """Find classes, count, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="a bundled model's name or a folder")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--write", action="store_true", help="put the model into the bundle")
    given = parser.parse_args()
    folder = find_model(given.bundle)
    vocabulary = Bundle.load(folder).require_vocabulary()
    sentences = [vocabulary.encode(tokens) for tokens in captions(given.data)]
    words = find_classes(sentences, vocabulary)
    counts = words.count_trigrams(sentences)
    for number in range(CLASSES):
        print(json.dumps([vocabulary.words[word] for word in np.flatnonzero(words.classes == number)]))
    if given.write:
        write(folder, words, counts)


if __name__ == "__main__":
    main()
