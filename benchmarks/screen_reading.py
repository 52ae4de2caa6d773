"""How much of screens full of small sentences a reader reads, and how long it takes: a JSON line for each size.

    .venv-dev/bin/python benchmarks/screen_reading.py read --sentences sentences.txt

Sentences stand side by side and line by line in black on white, in DejaVu Sans, as matplotlib has it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from PIL import Image, ImageDraw, ImageFont
from text_reading import found_words

import seetell

SCREENS = ((1920, 1080, 14), (3840, 2160, 14), (3840, 2160, 16), (1440, 7000, 16), (7680, 4320, 20))
"""Widths, heights and heights of letters, in pixels."""

FONT = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
MARGIN, GAP = 20, 60


def screen(sentences: Sequence[str], width: int, height: int, letters: int) -> tuple[Image.Image, str]:
    """Return a screen, and what is written on it."""
    image, font = Image.new("RGB", (width, height), "white"), ImageFont.truetype(FONT, letters)
    pen, told = ImageDraw.Draw(image), []
    for top in range(MARGIN, height - 2 * letters, int(1.5 * letters)):
        left = float(MARGIN)
        while left + pen.textlength(text := sentences[len(told) % len(sentences)], font=font) < width - MARGIN:
            pen.text((left, top), text, fill="black", font=font)
            left += pen.textlength(text, font=font) + GAP
            told.append(text)
    return image, " ".join(told)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name or folder of a reader")
    parser.add_argument("--sentences", type=Path, required=True, help="file of a sentence per line")
    given = parser.parse_args()
    reader: Any = seetell.load(given.model, threads=1)
    sentences = [line for line in given.sentences.read_text("utf-8").splitlines() if line]
    for width, height, letters in SCREENS:
        image, true = screen(sentences, width, height, letters)
        begun = time.process_time()
        text = " ".join(line.text for line in reader.predict(image))
        seconds = time.process_time() - begun
        right, there, told = found_words(true, text)
        shares = {"recall": round(right / there, 4), "precision": round(right / told, 4)}
        print(
            json.dumps(
                {"size": [width, height], "letters": letters, "words": there, **shares, "cpu_s": round(seconds, 2)}
            )
        )


if __name__ == "__main__":
    main()
