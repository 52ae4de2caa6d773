"""Rendered words that are kept: to be rendered once, and trained on many times.

Pictures are grey, of one height, as wide as their text. Those of a piece lie behind one another in one file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seetell.atomic_write import atomic_file
from seetell.data.synthetic_text.words import SyntheticWords
from seetell.errors import DataError

PIECE = 2000
"""Words of a file."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class WordStore:
    """Pictures of words with their texts.

    Attributes:
        pixels: of all pictures, row by row, uint8.
        widths: of the pictures, ``(N,)``.
        starts: where each picture begins, ``(N,)``.
        texts: what is written.
        hardness: how hard each is to learn, by the difficulty it was rendered in and its length, ``(N,)``.
        height: of all pictures.
    """

    pixels: np.ndarray
    widths: np.ndarray
    starts: np.ndarray
    texts: tuple[str, ...]
    hardness: np.ndarray
    height: int

    def picture(self, number: int) -> np.ndarray:
        """Return a picture, ``(height, width)`` uint8."""
        start, width = int(self.starts[number]), int(self.widths[number])
        return self.pixels[start : start + self.height * width].reshape(self.height, width)

    @classmethod
    def render(
        cls,
        series: SyntheticWords,
        count: int,
        *,
        height: int,
        most_width: int,
        folder: Path,
        progress: Progress = lambda done, total: None,
    ) -> WordStore:
        """Render the first words of a series, in difficulties from 0 to that of the series; what a folder has is read.

        Args:
            series: of words.
            count: of words, rounded up to whole files.
            height: of the pictures, in pixels.
            most_width: of the pictures; wider ones are squashed.
            folder: to keep them in. Several processes may render into it, each what the others have not.
            progress: called with the numbers of words done and to do.

        Raises:
            DataError: the folder keeps words of another series.
        """
        folder.mkdir(parents=True, exist_ok=True)
        _claim(folder / "series.json", {**series.identity, "height": height, "most_width": most_width})
        pieces = []
        for start in range(0, count, PIECE):
            file = folder / f"words-{start // PIECE:05}.npz"
            if not file.exists():
                _render_piece(series, range(start, start + PIECE), height, most_width, file)
            with np.load(file) as arrays:
                pieces.append({name: arrays[name] for name in arrays.files})
            progress(min(start + PIECE, count), count)
        widths = np.concatenate([piece["widths"] for piece in pieces]).astype(np.int64)
        texts = tuple("\n".join(bytes(piece["texts"]).decode() for piece in pieces).split("\n"))
        return cls(
            np.concatenate([piece["pixels"] for piece in pieces]),
            widths,
            np.cumsum(widths * height) - widths * height,
            texts,
            np.concatenate([piece["difficulties"] for piece in pieces]) + np.array(list(map(len, texts))) / 10,
            height,
        )


def width_in_line(size: tuple[int, int], height: int, most: int) -> int:
    """Return the width of a picture that is resized to a height, its aspect ratio kept unless it gets too wide."""
    return min(max(round(size[0] * height / size[1]), height // 4), most)


def _render_piece(series: SyntheticWords, numbers: range, height: int, most: int, file: Path) -> None:
    random = np.random.default_rng((series.seed, numbers.start))
    difficulties = random.uniform(0, series.difficulty, size=len(numbers)).astype(np.float32)
    pictures, texts = [], []
    for number, difficulty in zip(numbers, difficulties.tolist(), strict=True):
        image, text = series.render(number, difficulty=difficulty)
        size = width_in_line(image.size, height, most), height
        pictures.append(np.asarray(image.convert("L").resize(size, Image.Resampling.BILINEAR)))
        texts.append(text)
    with atomic_file(file) as opened:
        np.savez(
            opened,
            pixels=np.concatenate([picture.ravel() for picture in pictures]),
            widths=np.array([picture.shape[1] for picture in pictures], np.int16),
            texts=np.frombuffer("\n".join(texts).encode(), np.uint8),
            difficulties=difficulties,
        )


def _claim(file: Path, identity: dict[str, Any]) -> None:
    """Write what a folder keeps, or make sure that it keeps this."""
    if not file.exists():
        with atomic_file(file) as opened:
            opened.write(json.dumps(identity).encode())
    elif json.loads(file.read_text("utf-8")) != identity:
        raise DataError(f"{file.parent}: the words kept there were rendered otherwise; name another folder")
