from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_scene import ANGLE, DISTANCE, SIZE
from training_runs import trained_in

import seetell
from seetell.cli.main import main
from seetell.data.posed_photos import open_shots, read_posed_photos
from seetell.errors import BundleError, UsageError
from seetell.metrics.pictures import psnr
from seetell.tasks.view_synthesis.occupancy import Occupancy
from seetell.tasks.view_synthesis.rendering import render_picture
from seetell.tasks.view_synthesis.train import answering

pytestmark = pytest.mark.slow


@pytest.mark.nightly
def test_a_bundle_shows_what_the_run_did(trained, bundle, scene):
    _, run = trained
    renderer = seetell.load(bundle, threads=1)
    (shot,) = open_shots(read_posed_photos(scene).split("val")[:1])
    best = trained_in(run, "view_synthesis")
    fields = [answering(field, torch.device("cpu")) for field in best.model.fields]
    marching = best.config.section.marching
    expected = render_picture(fields, shot.camera.rays(), marching, best.model.occupancy, shot.camera.size)
    picture = renderer.picture(shot.camera)
    np.testing.assert_allclose(picture, expected, atol=2e-3)
    assert psnr(picture, shot.colours) > 17


def test_a_turn_sees_the_colours_of_each_side(bundle):
    views = list(seetell.load(bundle, threads=1).generate(views=4, elevation=0.0, size=12))
    assert [view.pixels.shape for view in views] == [(12, 12, 3)] * 4
    red, green, *_ = np.array([view.pixels[5:7, 5:7].mean(axis=(0, 1)) for view in views]).T
    assert (red.argmax(), red.argmin()) == (0, 2)  # seen from +x, then from −x
    assert (green.argmax(), green.argmin()) == (1, 3)
    assert all(view.pixels[0, 0].min() > 240 for view in views)  # white around it


def test_the_bundle_knows_its_cameras(bundle):
    camera = json.loads((bundle / "model.json").read_text())["settings"]["camera"]
    assert camera == pytest.approx({"width": SIZE, "height": SIZE, "angle": ANGLE, "distance": DISTANCE})


def test_the_command_renders_and_evaluate_scores(bundle, scene, capsys, tmp_path):
    picture = tmp_path / "turn.png"
    for line in (
        ["render", str(bundle), "--views", "4", "--output", str(picture)],
        ["evaluate", str(bundle), "--data", str(scene), "--split", "test", "--output", str(tmp_path / "rows.jsonl")],
    ):
        with pytest.raises(SystemExit) as ended:
            main(line)
        assert not ended.value.code
    with Image.open(picture) as sheet:
        assert sheet.size == (2 * SIZE + 2, 2 * SIZE + 2)
    scores = json.loads(capsys.readouterr().out)
    rows = [json.loads(row) for row in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert scores["photos"] == 2
    assert scores["psnr"] == pytest.approx(np.mean([row["psnr"] for row in rows]))
    assert scores["psnr"] > 17
    assert 0.7 < scores["ssim"] < 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"views": 0}, "views must be from 1"),
        ({"elevation": 90.0}, "elevation must be between"),
        ({"size": 5000}, "no side above 4096"),
    ],
)
def test_options_are_checked_before_any_work(bundle, options, message):
    with pytest.raises(UsageError, match=message):
        seetell.load(bundle, threads=1).generate(**options)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("occupied", "0"),
        ("cells", 0.5),
        ("fields", []),
        ("camera", {"width": 1}),
        ("near", "close"),
        ("samples", -1),
        ("samples", 2),
        ("cells", 10_000),
    ],
)
def test_a_damaged_bundle_is_refused(bundle, tmp_path, name, value):
    for path in bundle.iterdir():
        (tmp_path / path.name).symlink_to(path)
    content = json.loads((bundle / "model.json").read_text())
    content["settings"][name] = value
    (tmp_path / "model.json").unlink()
    (tmp_path / "model.json").write_text(json.dumps(content))
    with pytest.raises(BundleError, match=name):
        seetell.load(tmp_path, threads=1)


def test_run_lengths_of_another_grid_are_refused():
    whole = Occupancy.whole(4, 1.0)
    assert Occupancy.from_text(whole.to_text(), 4, 1.0).cells.all()
    with pytest.raises(BundleError, match="occupied: expected run lengths of 5³ cells"):
        Occupancy.from_text(whole.to_text(), 5, 1.0)
