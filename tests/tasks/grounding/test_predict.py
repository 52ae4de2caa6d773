from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runtime.tiny_aligner import write_tiny_aligner

from seetell.errors import PhotoError, UsageError
from seetell.photos import Preprocessing
from seetell.results import Alignment
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.tasks.loading import load_for
from seetell.tasks.registry import find_task

SENTENCE = "A red square on a blue square."
RED, BLUE, GREEN = (250, 0, 0), (0, 0, 250), (0, 250, 0)


def halves(size: tuple[int, int] = (64, 48), left=RED, right=BLUE) -> Image.Image:
    photo = Image.new("RGB", size, right)
    photo.paste(left, (0, 0, size[0] // 2, size[1]))
    return photo


def load(folder: Path) -> PhraseGrounder:
    return load_for(find_task("align"), folder, threads=1)


@pytest.fixture(scope="module")
def model(tiny_aligner: Path) -> PhraseGrounder:
    return load(tiny_aligner)


def test_each_phrase_has_its_box_in_the_photos_pixels(model: PhraseGrounder, tmp_path: Path):
    halves((640, 480)).save(tmp_path / "photo.png")
    found = model.align(tmp_path / "photo.png", SENTENCE)
    assert [(segment.text, segment.box) for segment in found.regions] == [
        ("a red square", (0, 0, 320, 480)),
        ("on a blue square", (320, 0, 640, 480)),
    ]
    assert (found.sentence, found.size, found.model) == (SENTENCE, (640, 480), "colours")
    assert found.score > model.align(tmp_path / "photo.png", "a green square").score
    json.dumps(found.to_dict())
    assert found.to_dict()["regions"][0]["box"] == [0, 0, 320, 480]


def test_boxes_are_those_of_the_upright_photo(model: PhraseGrounder, tmp_path: Path):
    turned = Image.Exif()
    turned[0x0112] = 6
    halves((64, 48)).rotate(90, expand=True).save(tmp_path / "turned.jpg", exif=turned, quality=95, subsampling=0)
    found = model.align(tmp_path / "turned.jpg", SENTENCE)
    assert found.size == (64, 48)
    assert [segment.box for segment in found.regions] == [(0, 0, 32, 48), (32, 0, 64, 48)]


@pytest.mark.parametrize("kind", ["image", "array", "bytes", "file"])
def test_any_kind_of_photo(model: PhraseGrounder, kind: str):
    file = io.BytesIO()
    halves().save(file, "PNG")
    file.seek(0)
    photo = {"image": halves(), "array": np.asarray(halves()), "bytes": file.getvalue(), "file": file}[kind]
    assert [segment.box for segment in model.align(photo, SENTENCE).regions] == [(0, 0, 32, 48), (32, 0, 64, 48)]


def test_beta_joins_phrases(model: PhraseGrounder):
    assert [segment.text for segment in model.align(halves(), SENTENCE, beta=50).regions] == [
        "a red square on a blue square"
    ]
    with pytest.raises(UsageError, match="beta must be 0 or more, got -1"):
        model.align(halves(), SENTENCE, beta=-1)


def test_unknown_words_have_no_box(model: PhraseGrounder):
    found = model.align(halves(), "a wug on a blue wug")
    assert [segment.text for segment in found.regions] == ["a wug on a blue wug"]
    assert found.unknown_words == ("wug",)
    assert found.to_dict()["unknown_words"] == ["wug"]


def test_sentences_without_a_known_content_word_are_refused(model: PhraseGrounder):
    with pytest.raises(UsageError, match="not known: wug; describe what a photo shows"):
        model.align(halves(), "a wug is on it")
    with pytest.raises(UsageError, match="expected a sentence, got None"):
        model.check_text(None)
    with pytest.raises(UsageError, match="'on a' names nothing that a photo can show"):
        model.align(halves(), "on a")
    unknown, red, empty = model.align_many([(halves(), "a wug"), (halves(), "red"), (halves(), "")])
    assert isinstance(unknown, UsageError)
    assert "not known: wug" in str(unknown)
    assert isinstance(red, Alignment)
    assert isinstance(empty, UsageError)


def test_other_forms_of_known_words_have_boxes(model: PhraseGrounder):
    found = model.align(halves(), "the blue squares")
    assert [(segment.text, segment.box) for segment in found.regions] == [("the blue squares", (32, 0, 64, 48))]
    assert found.to_dict()["read_as"] == {"squares": "square"}


def test_many_pairs_keep_their_order_and_errors_their_place(model: PhraseGrounder, tmp_path: Path):
    halves().save(tmp_path / "good.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    pairs = [(tmp_path / "good.png", "red"), (tmp_path / "broken.png", "red"), (tmp_path / "good.png", "a blue square")]
    results = list(model.align_many(pairs * 7))
    assert len(results) == 21
    for first, second, third in zip(*[iter(results)] * 3, strict=True):
        assert first.regions[0].box == (0, 0, 32, 48)
        assert isinstance(second, PhotoError)
        assert third.regions[0].box == (32, 0, 64, 48)
    with pytest.raises(PhotoError, match="not a photo"):
        model.align(tmp_path / "broken.png", "red")


@pytest.mark.parametrize(("fit", "box"), [("crop", (24, 0, 48, 48)), ("pad", (0, 0, 48, 48))])
def test_boxes_lie_in_the_visible_part(tmp_path: Path, fit: str, box: tuple[float, ...]):
    """Of a photo twice as wide as high, all red left of its middle, a crop shows the middle half."""
    prepared = Preprocessing(32, 32, fit=fit).to_dict()
    model = load(write_tiny_aligner(tmp_path / "fitted", preprocessing=prepared))
    (segment,) = model.align(halves((96, 48)), "red").regions
    assert segment.box == box


def test_a_model_of_whole_images_aligns_nothing(tmp_path: Path):
    model = load(write_tiny_aligner(tmp_path / "wholes", compared=("whole",)))
    for call in (model.align, model.predict):
        with pytest.raises(UsageError, match="compares whole photos only, so it cannot tell where a word is"):
            call(halves(), "red")
