"""Share of rendered words that models read, beside each other in one run.

    .venv-dev/bin/python benchmarks/word_reading.py rapidocr my-reader --words words.txt --photos my_photos

prints one JSON line. The words are those that are held out of training (`seetell.data.synthetic_text`), in the fonts of
this machine or of a folder; each model gets the same pictures of one word each.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from figures import machine

import seetell
from seetell.data.synthetic_text.words import RenderedWord, SyntheticWords
from seetell.metrics.text import text_scores

HELD_OUT = 2
"""Stream of random numbers, that of validation in training."""


def measure(model: str, words: list[RenderedWord]) -> dict[str, Any]:
    """Read words with a model; return its scores and the milliseconds of the processor per word."""
    reader = seetell.load(model, task="read", threads=1)
    reader.predict(words[0].image, whole=True)
    started = time.process_time()
    results = list(reader.predict_many([word.image for word in words], whole=True, threshold=0.0))
    spent = time.process_time() - started
    read = [" ".join(region.text for region in regions) for regions in results]
    scores = text_scores((word.text, text) for word, text in zip(words, read, strict=True))
    return {**scores.to_dict(), "processor_ms_per_word": round(1000 * spent / len(words), 2)}


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="names or folders of readers")
    parser.add_argument("--count", type=int, default=500, help="words to read")
    parser.add_argument("--difficulty", type=float, default=1.0, help="of distortion, blur and noise")
    parser.add_argument("--words", default="", help="file of a word per line")
    parser.add_argument("--fonts", default="", help="folder of fonts")
    parser.add_argument("--photos", default="", help="folder of photos to write on")
    given = parser.parse_args()
    series = SyntheticWords.create(
        "".join(map(chr, range(33, 127))),
        words=given.words,
        fonts=given.fonts,
        photos=given.photos,
        seed=HELD_OUT,
        held_out=True,
        difficulty=given.difficulty,
    )
    words = [series.render(number) for number in range(given.count)]
    found = {model: measure(model, words) for model in given.models}
    settings = {"difficulty": given.difficulty, "fonts": len(series.fonts)}
    print(json.dumps({"models": found, **settings, "machine": machine(1)}))


if __name__ == "__main__":
    main()
