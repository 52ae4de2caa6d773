"""RapidOCR as a reader: with a stand-in for the library, and, where it is installed, with itself."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import seetell
from seetell.errors import UsageError
from seetell.tasks.backends import BACKENDS, parse_reference
from seetell.tasks.loading import task_of


class Engine:
    """Finds two lines, the lower one first, or reads the whole image."""

    def __init__(self, **options: int) -> None:
        self.options = options
        self.seen: list[tuple[np.ndarray, dict[str, Any]]] = []

    def __call__(self, pixels: np.ndarray, **options: Any) -> tuple[Any, Any]:
        self.seen.append((pixels, options))
        if not options["use_det"]:
            return [["whole", 0.9]], [0.1]
        if not pixels.any():
            return None, None
        corners = [[-3, 40], [50, 42], [50, 60], [-3, 58]]
        above = [[5, 5], [60, 5], [60, 20], [5, 20]]
        return [[corners, "lower", 0.8], [above, "upper", 0.7]], [0.1, 0.1, 0.1]


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = ModuleType("rapidocr_onnxruntime")
    module.RapidOCR = Engine
    module.__spec__ = importlib.util.spec_from_loader("rapidocr_onnxruntime", None)
    monkeypatch.setitem(sys.modules, "rapidocr_onnxruntime", module)
    return seetell.load("rapidocr", threads=1)


def test_lines_are_in_reading_order_and_within_the_image(reader):
    image = Image.new("RGB", (80, 70), (10, 20, 30))
    read = reader.predict(image, threshold=0.5)
    assert [(line.text, line.score, line.box) for line in read] == [
        ("upper", 0.7, (5.0, 5.0, 60.0, 20.0)),
        ("lower", 0.8, (0.0, 40.0, 50.0, 60.0)),
    ]
    assert (read.size, read.model) == ((80, 70), "rapidocr")
    ((pixels, options),) = reader._engine.seen
    assert pixels[0, 0].tolist() == [30, 20, 10], "OpenCV's order of colours"
    assert options == {"use_det": True, "use_cls": True, "text_score": 0.5}
    assert reader._engine.options == {"intra_op_num_threads": 1, "inter_op_num_threads": 1}


def test_an_image_as_one_line(reader):
    image = Image.new("RGB", (80, 20))
    (line,) = reader.predict(image, whole=True)
    assert (line.text, line.box) == ("whole", (0.0, 0.0, 80.0, 20.0))
    assert len(reader.predict(image, whole=True, threshold=0.95)) == 0


def test_an_image_without_text(reader):
    assert len(reader.predict(Image.new("RGB", (80, 70)))) == 0


def test_its_name_stands_alone():
    assert parse_reference("rapidocr") == (BACKENDS["rapidocr"], "")
    assert task_of("rapidocr").name == "text_recognition"
    with pytest.raises(UsageError, match="rapidocr:large: expected rapidocr"):
        parse_reference("rapidocr:large")


def test_the_extra_is_named(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *given: None if name.startswith("rapidocr") else found(name, *given)
    )
    with pytest.raises(UsageError, match=r"a model of rapidocr needs rapidocr_onnxruntime, .*\[ocr\]"):
        seetell.load("rapidocr")


@pytest.mark.slow  # the library's models take seconds to load
def test_the_library_itself():
    pytest.importorskip("rapidocr_onnxruntime", reason="needs the extra ocr")
    image = Image.new("RGB", (300, 120), "white")
    font = ImageFont.load_default(32)
    ImageDraw.Draw(image).text((20, 15), "NO PARKING", fill="black", font=font)
    ImageDraw.Draw(image).text((20, 70), "Room 217", fill="black", font=font)
    read = seetell.load("rapidocr", threads=1).predict(image)
    assert [line.text.replace(" ", "") for line in read] == ["NOPARKING", "Room217"]
