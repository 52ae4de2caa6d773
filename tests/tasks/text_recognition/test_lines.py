"""Lines are cut out straight, made one height, and put into batches; stored words are trained on, easy ones first."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from training_runs import configured

from seetell.errors import RecipeError
from seetell.photos import Preprocessing
from seetell.tasks.text_recognition.data import read_words_of
from seetell.tasks.text_recognition.line_crops import BORDER, cut_out
from seetell.tasks.text_recognition.line_images import (
    PADDING,
    WIDTH_STEP,
    by_width,
    line_picture,
    network_input,
    stacked,
)
from seetell.tasks.text_recognition.train import Training, vary

INPUT = Preprocessing(height=32, width=160, mean=(127.5,) * 3, std=(127.5,) * 3)


@pytest.mark.parametrize("degrees", [0, 1, 10, -25, 40])
def test_a_tilted_line_is_laid_straight(degrees):
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([[-60, -10], [60, -10], [60, 10], [-60, 10]]) @ turn + (100, 100)
    image = Image.new("L", (200, 200), 20)
    ImageDraw.Draw(image).polygon([tuple(corner) for corner in corners.tolist()], fill=220)
    pixels = np.asarray(cut_out(image.convert("RGB"), corners))[:, :, 0]
    assert pixels.shape == pytest.approx((20 + 40 * BORDER, 120 + 40 * BORDER), abs=8)
    assert (pixels > 120).mean() > 0.6  # the line, and a little border
    middle = pixels[pixels.shape[0] // 2, 8:-8]
    assert (middle > 200).all()


def test_a_line_at_the_edge_of_an_image():
    corners = np.array([[0, 0], [40, 0], [40, 10], [0, 10]], float)
    assert cut_out(Image.new("RGB", (41, 11)), corners).size == (41, 11)
    assert min(cut_out(Image.new("RGB", (41, 11)), corners * 0).size) >= 1


def test_pictures_of_one_height():
    image = Image.new("RGB", (100, 20), (10, 200, 30))
    assert line_picture(image, INPUT, "line").shape == (32, 160)
    assert line_picture(image, INPUT, "squash").shape == (32, 160)
    assert line_picture(image.resize((60, 20)), INPUT, "line").shape == (32, 96)
    assert line_picture(image.resize((200, 20)), INPUT, "line").shape == (32, 160)  # squashed
    assert line_picture(image.resize((200, 20)), INPUT, "line", most_width=1000).shape == (32, 320)


def test_batches_are_padded_on_the_right():
    batch = stacked([np.zeros((32, 40), np.uint8), np.zeros((32, 50), np.uint8)], "line")
    assert batch.shape == (2, 32, 64)
    assert stacked([np.zeros((32, 64), np.uint8)], "line", behind=WIDTH_STEP).shape == (1, 32, 64 + WIDTH_STEP)
    assert stacked([np.zeros((32, 64), np.uint8)], "squash", behind=WIDTH_STEP).shape == (1, 32, 64)
    assert (batch[0, :, 40:] == PADDING).all()
    inputs = network_input(batch, INPUT)
    assert inputs.shape == (2, 3, 32, 64)
    assert inputs[0, :, 0, 0] == pytest.approx(np.full(3, -1))
    assert np.abs(inputs[0, :, 0, 50:]).max() < 0.01


def test_batches_have_pictures_of_one_padded_width():
    pictures = [np.zeros((1, width)) for width in (100, 10, 500, 32, 97, 128, 33)]
    assert by_width(pictures, 256) == [[1, 3], [6], [0, 4], [5], [2]]
    assert by_width([], 200) == []


def test_pictures_vary_but_stay_pictures():
    picture = np.tile(np.linspace(0, 255, 50).astype(np.uint8), (32, 1))
    varied = [vary(picture, np.random.default_rng(seed)) for seed in range(30)]
    assert all(each.shape == picture.shape and each.dtype == np.uint8 for each in varied)
    inverted = [each[:, 0].mean() > each[:, -1].mean() for each in varied]
    assert 1 <= sum(inverted) <= 15


@pytest.mark.slow
def test_stored_words_are_learnt_from_the_easy_to_the_hard(text_recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("seetell.data.synthetic_text.store.PIECE", 64)
    monkeypatch.setattr("seetell.tasks.text_recognition.train.POOL", 2)
    synthetic = {"store": str(tmp_path / "store"), "count": 64, "curriculum": 1000}
    config = configured(text_recipe, batch_size=4, text_recognition={"synthetic": synthetic})
    done = []
    training = Training(config, read_words_of(config), on_encoding=lambda count, total: done.append((count, total)))
    assert done == [(64, 64)]
    pixels, _, lengths = training.batch(0)
    assert pixels.shape[:2] == (4, 32)
    assert lengths.float().mean() < 2.5  # of words of at most four letters
    late = [training.batch(step)[2] for step in range(2000, 2020)]
    assert np.mean([each.float().mean() for each in late]) > 2.5
    again = Training(config, read_words_of(config))
    assert (again.batch(7)[0] == training.batch(7)[0]).all()


def test_a_curriculum_needs_a_store(text_recipe):
    with pytest.raises(RecipeError, match=r"curriculum: expected synthetic\.store"):
        configured(text_recipe, text_recognition={"synthetic": {"curriculum": 10}})
