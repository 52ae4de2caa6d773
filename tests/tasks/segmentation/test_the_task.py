"""A segmenter goes through train, export, predict, evaluate, draw and serve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient
from tasks.segmentation.conftest import scene
from training_runs import StoppedError, assert_same_run, configured, loop_of, stop_at, trained_in

import seetell
from seetell import drawing
from seetell.cli.main import main
from seetell.geometry.masks import decode, label_map, mask_box
from seetell.results import row
from seetell.tasks.segmentation.train import Training
from seetell.web.application import application

pytestmark = pytest.mark.slow


def run_main(*words: str | Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, words)))
    assert not ended.value.code


@pytest.mark.nightly
def test_it_learns_and_a_stopped_run_resumes_to_the_same_weights(run: Path, recipe: dict[str, Any], tmp_path: Path):
    assert trained_in(run, "segmentation").metadata["scores"]["mean_iou"] > 0.8
    config = Training.complete(configured(recipe))
    with pytest.raises(StoppedError):
        loop_of(config, Training.read(config), tmp_path / "run", on_step=stop_at(38)).run()
    loop_of(config, Training.read(config), tmp_path / "run").run()
    assert_same_run(tmp_path / "run", run)


@pytest.mark.nightly
def test_the_bundle_says_what_torch_says(run: Path, bundle: Path):
    trained, segmenter = trained_in(run, "segmentation"), seetell.load(bundle, threads=1)
    pixels, _ = scene(8)
    image, size = segmenter.prepare(pixels)
    with torch.no_grad():
        expected = trained.model.segment(trained.encoder, torch.from_numpy(image[None]))[0].argmax(dim=0)
    found = segmenter.predict(pixels)
    assert found.size == size == (96, 64)
    same = label_map([(mask.counts, mask.index) for mask in found], size) == expected.numpy() + 1
    assert same.mean() > 0.98  # in 8 bits, pixels of nearly equal classes differ
    assert sum(mask.share for mask in found) == pytest.approx(1)


@pytest.mark.parametrize("size", [(192, 128), (96, 120), (200, 64), (3000, 2000)])
def test_masks_lie_over_photos_of_any_size(bundle: Path, size: tuple[int, int]):
    pixels, labels = scene(8)
    photo = Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)
    found = seetell.load(bundle, threads=1).predict(photo)
    numbers = label_map([(mask.counts, mask.index) for mask in found], size)
    true = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
    assert (numbers == true)[true > 0].mean() > 0.85
    for mask in found:
        assert mask.box == mask_box(numbers == mask.index)


def test_less_sure_pixels_are_of_no_class(bundle: Path):
    segmenter = seetell.load(bundle, threads=1)
    pixels, _ = scene(9)
    shares = [sum(mask.share for mask in segmenter.predict(pixels, threshold=least)) for least in (0.0, 0.9, 1.0)]
    assert shares[0] == pytest.approx(1)
    assert shares[0] > shares[1] > shares[2]
    with pytest.raises(seetell.SeetellError, match="threshold"):
        segmenter.predict(pixels, threshold=2)


def test_images_of_several_shapes_in_a_batch(bundle: Path):
    segmenter = seetell.load(bundle, threads=1)
    pixels, _ = scene(9)
    photos = [pixels, pixels[:40], pixels[:, ::-1]]
    together = list(segmenter.predict_many(photos))
    assert [each.size for each in together] == [(96, 64), (96, 40), (96, 64)]
    for one, photo in zip(together, photos, strict=True):
        alone = segmenter.predict(photo)
        assert [mask.counts for mask in one] == [mask.counts for mask in alone]


def test_its_command_is_there(bundle: Path, scenes: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    photo, picture, page = scenes / "val" / "8.png", tmp_path / "overlay.png", tmp_path / "overlay.html"
    for output in (picture, page):
        run_main("segment", photo, "--model", bundle, "-f", "jsonl", "--output", output)
        (sky, *_) = json.loads(capsys.readouterr().out)["masks"]
        assert sky["rle"]["size"] == [64, 96]
        assert decode(sky["rle"]["counts"], (96, 64)).mean() == pytest.approx(sky["share"], abs=1e-5)
    with Image.open(picture) as drawn:
        assert drawn.width > 100
    assert "grass" in page.read_text(encoding="utf-8")
    run_main("segment", photo, "--model", bundle)
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert {line[1] for line in lines} == {"sky", "grass", "red thing"}
    run_main("evaluate", bundle, "--data", scenes)
    scores = json.loads(capsys.readouterr().out)
    assert scores["mean_iou"] > 0.8
    assert scores["photos"] == 2
    assert set(scores["classes"]) == {"sky", "grass", "red thing"}


def test_masks_are_written_for_other_programs(bundle: Path, scenes: Path, tmp_path: Path):
    from seetell.geometry.polygons import fill_polygons

    rle, polygons = tmp_path / "rle.json", tmp_path / "polygons.json"
    words = ["--coco", rle, "--coco-polygons", polygons, "--label-maps", tmp_path / "maps"]
    with pytest.raises(SystemExit) as ended:
        main(["segment", str(scenes / "val"), "--model", str(bundle), "--coco", str(rle), "--coco-polygons", str(rle)])
    assert (ended.value.code, rle.exists()) == (2, False)
    run_main("segment", scenes / "val", "--model", bundle, "-f", "jsonl", *words)
    found, outlined = (json.loads(file.read_text()) for file in (rle, polygons))
    assert {item["category_id"] for item in found} == {1, 2, 3}
    with Image.open(tmp_path / "maps" / "8.png") as opened:
        assert opened.mode == "P"
        values = np.asarray(opened)
    for item, other in zip(found, outlined, strict=True):
        inside = decode(item["segmentation"]["counts"], (96, 64))
        np.testing.assert_array_equal(fill_polygons(other["segmentation"], (96, 64)), inside)
        if item["image_id"] == 8:
            np.testing.assert_array_equal(values == item["category_id"], inside)


def test_it_is_drawn_and_served(bundle: Path, scenes: Path):
    segmenter = seetell.load(bundle, threads=1)
    photo = scenes / "val" / "9.png"
    result = segmenter.predict(photo)
    with Image.open(photo) as image:
        assert drawing.picture(image.convert("RGB"), result).size[0] > 0
    with TestClient(application({"segment": segmenter}), base_url="http://localhost") as client:
        answer = client.post("/v1/segment?threshold=0", files={"image": ("9.png", photo.read_bytes())})
        assert answer.json() == row("9.png", result)
