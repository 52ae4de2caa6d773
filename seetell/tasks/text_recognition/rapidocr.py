"""The words of images by RapidOCR, which runs PP-OCR's detector and recogniser on ONNX Runtime.

>>> import seetell
>>> for line in seetell.load("rapidocr").predict("sign.jpg"):
...     print(line.box, line.text)
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from PIL import Image

from seetell.photos import open_photo
from seetell.photos.opening import PhotoSource
from seetell.results import Region, Regions
from seetell.tasks.text_recognition.reader import TextReader, whole_image
from seetell.tasks.text_recognition.reading_order import reading_order

NAME = "rapidocr"


class RapidOcrReader(TextReader[Image.Image]):
    """The models that come with RapidOCR; see :class:`~seetell.tasks.text_recognition.reader.TextReader`.

    One thread reads at a time; others wait.

    Args:
        name: not read; RapidOCR has one reader.
        threads: processor threads to compute with; the physical cores when absent.
    """

    batch_size = 4

    def __init__(self, name: str, *, threads: int | None = None) -> None:
        super().__init__(NAME, threads=threads)
        from rapidocr_onnxruntime import RapidOCR

        self._engine = RapidOCR(intra_op_num_threads=self.threads, inter_op_num_threads=1)
        self._lock = threading.Lock()

    def prepare(self, image: PhotoSource, text: str = "") -> Image.Image:
        """Open an image; see :meth:`Predictor.prepare`."""
        return open_photo(image)

    def _predict(
        self, batch: Sequence[Image.Image], sample_ids: Sequence[int], *, whole: bool, threshold: float
    ) -> list[Regions]:
        return [self._read(image, whole=whole, threshold=threshold) for image in batch]

    def _read(self, image: Image.Image, *, whole: bool, threshold: float) -> Regions:
        pixels = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])  # blue, green, red, as OpenCV has it
        with self._lock:
            found, _ = self._engine(pixels, use_det=not whole, use_cls=not whole, text_score=threshold)
        if whole:
            text, score = found[0] if found else ("", 0.0)
            return whole_image(text, float(score), image.size, self.name, threshold=threshold)
        width, height = image.size
        lines = []
        for corners, text, score in found or ():
            quadrilateral = np.array(corners, float)
            left, top = quadrilateral.min(axis=0).clip(0, (width, height)).tolist()
            right, bottom = quadrilateral.max(axis=0).clip(0, (width, height)).tolist()
            if text:
                lines.append(Region(text, (left, top, right, bottom), float(score)))
        order = reading_order([line.box for line in lines])
        return Regions(tuple(lines[number] for number in order), image.size, self.name)
