"""What readers read, beside each other in one run: held-out words, paragraphs that look scanned, photos without text.

    .venv-dev/bin/python benchmarks/text_reading.py read rapidocr tesseract --words words.txt --fonts fonts \
        --photos photos --sentences sentences.txt --without-text photos

prints one JSON line. The words are those that are held out of training, of a fixed seed and difficulty
(`seetell.tasks.text_recognition.data.held_out_words`), each cut out for the readers; the paragraphs are found by the
readers themselves. `tesseract` is the program of that name, if it is installed.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from figures import machine
from PIL import Image, ImageDraw, ImageFilter

import seetell
from seetell.data.synthetic_text.fonts import find_fonts, font_of_size
from seetell.data.synthetic_text.materials import Materials
from seetell.data.synthetic_text.strings import PRINTABLE
from seetell.metrics.text import text_scores
from seetell.photos import open_photo
from seetell.runtime.bundle import Bundle
from seetell.tasks.backends import parse_reference
from seetell.tasks.loading import find_model
from seetell.tasks.text_recognition.data import LEGIBLE, held_out_words

Read = Callable[[Sequence[Image.Image], bool], list[str]]
"""Returns the text of each picture; the other argument says whether each is one word."""

WIDTH, LINES, SIZE = 1000, 20, 24
"""Pixels and lines of a paragraph, and the height of its letters' font."""


def reader_of(name: str) -> Read:
    """Return what reads pictures with a model of a name."""
    if name == "tesseract":
        return _tesseract
    reader = seetell.load(name, task="read", threads=1)

    def read(pictures: Sequence[Image.Image], one_word: bool) -> list[str]:
        options = {"whole": True, "threshold": 0.0} if one_word else {}
        results = reader.predict_many(pictures, **options)
        return [" ".join(line.text for line in lines) for lines in results]

    return read


def _tesseract(pictures: Sequence[Image.Image], one_word: bool) -> list[str]:
    texts = []
    for picture in pictures:
        file = io.BytesIO()
        picture.save(file, "PNG")
        command = ["tesseract", "-", "-", "--psm", "8" if one_word else "3"]
        done = subprocess.run(command, input=file.getvalue(), capture_output=True, check=True)
        texts.append(" ".join(done.stdout.decode().split()))
    return texts


def timed(read: Read, pictures: Sequence[Image.Image], *, one_word: bool) -> tuple[list[str], float]:
    """Return the texts of pictures, and the milliseconds of wall-clock time per picture, after one to warm up."""
    read(pictures[:1], one_word)
    started = time.perf_counter()
    texts = read(pictures, one_word)
    return texts, round(1000 * (time.perf_counter() - started) / len(pictures), 2)


def paragraphs(sentences: Iterable[str], fonts: Sequence[Path], count: int) -> list[tuple[Image.Image, str]]:
    """Return pictures of paragraphs of sentences as a scanner makes them, a little askew, blurred and noisy."""
    random = np.random.default_rng(7)
    words = iter([word for sentence in sentences for word in sentence.split()])
    pages = []
    for _ in range(count):
        font = font_of_size(fonts[random.integers(len(fonts))], SIZE)
        page = Image.new("L", (WIDTH, int(SIZE * 1.5 * (LINES + 2))), 245)
        draw, written = ImageDraw.Draw(page), []
        for line in range(LINES):
            text = next(words)
            for word in words:
                if font.getlength(f"{text} {word}") > WIDTH - 100:
                    break
                text = f"{text} {word}"
            draw.text((50, SIZE * 1.5 * (line + 1)), text, fill=40, font=font)
            written.append(text)
        turned = page.rotate(random.normal(0, 0.5), Image.Resampling.BICUBIC, fillcolor=245)
        pixels = np.asarray(turned.filter(ImageFilter.GaussianBlur(0.7)), np.float32)
        pixels = pixels + random.normal(0, 6, size=pixels.shape)
        pages.append((Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).convert("RGB"), " ".join(written)))
    return pages


def found_words(true: str, read: str) -> tuple[int, int, int]:
    """Return how many words were found, how many there are, and how many were read; letters and signs as written."""
    expected, found = Counter(true.split()), Counter(read.split())
    return (expected & found).total(), expected.total(), found.total()


def megabytes(name: str) -> float | None:
    """Return the size of a bundle's graphs, which are all that reading takes."""
    if parse_reference(name) is not None or name == "tesseract":
        return None
    graphs = Bundle.load(find_model("text_recognition" if name == "read" else name)).graphs.values()
    return round(sum(file.stat().st_size for graph in graphs for file in graph.files.values()) / 1e6, 2)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="names or folders of readers")
    parser.add_argument("--count", type=int, default=500, help="words to read")
    parser.add_argument("--difficulty", type=float, default=LEGIBLE, help="of distortion, blur and noise")
    parser.add_argument("--words", default="", help="file of a word per line")
    parser.add_argument("--fonts", default="", help="folder of fonts")
    parser.add_argument("--photos", default="", help="folder of photos to write on")
    parser.add_argument("--sentences", default="", help="file of a sentence per line, for paragraphs")
    parser.add_argument("--pages", type=int, default=5, help="paragraphs to read")
    parser.add_argument("--without-text", default="", help="folder of photos in which nothing is written")
    given = parser.parse_args()
    series = held_out_words(Materials(given.words, given.fonts, given.photos), PRINTABLE, difficulty=given.difficulty)
    words = [series.render(number) for number in range(given.count)]
    sentences = Path(given.sentences).read_text("utf-8").splitlines() if given.sentences else []
    fonts = [font for font in find_fonts(given.fonts, PRINTABLE) if "Regular" in font.name] or list(series.fonts)
    pages = paragraphs(sentences, fonts, given.pages) if sentences else []
    empty = [open_photo(file) for file in sorted(Path(given.without_text).glob("*.jpg"))] if given.without_text else []
    results: dict[str, Any] = {}
    for name in given.models:
        if name == "tesseract" and shutil.which(name) is None:
            results[name] = "not installed"
            continue
        read = reader_of(name)
        texts, per_word = timed(read, [word.image for word in words], one_word=True)
        scores = text_scores((word.text, text) for word, text in zip(words, texts, strict=True)).to_dict()
        measured: dict[str, Any] = {**scores, "ms_per_word": per_word, "megabytes": megabytes(name)}
        if pages:
            texts, per_page = timed(read, [image for image, _ in pages], one_word=False)
            counts = np.sum([found_words(true, text) for (_, true), text in zip(pages, texts, strict=True)], axis=0)
            right, there, told = counts.tolist()
            measured |= {"paragraph_recall": round(right / there, 4), "paragraph_precision": round(right / told, 4)}
            measured["ms_per_paragraph"] = per_page
        if empty:
            texts, per_photo = timed(read, empty, one_word=False)
            measured |= {"photos_with_false_reads": round(sum(bool(text) for text in texts) / len(empty), 4)}
            measured["ms_per_photo"] = per_photo
        results[name] = measured
    settings = {"difficulty": given.difficulty, "fonts": len(series.fonts), "paragraphs": len(pages)}
    print(json.dumps({"models": results, **settings, "machine": machine(1)}))


if __name__ == "__main__":
    main()
