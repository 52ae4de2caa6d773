"""Classification and localisation with two heads, from boxes to drawings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from training_runs import loop_of

import seetell
from seetell.bulk.csv_rows import items_of
from seetell.cli.main import main
from seetell.drawing import page, picture
from seetell.drawing.boxes import COLOURS as BOX_COLOURS
from seetell.errors import RecipeError
from seetell.export.exporter import export_run
from seetell.geometry.boxes import iou
from seetell.photos import open_photo
from seetell.results import Label, Labels, row
from seetell.tasks.classification.evaluate import box_scores, evaluate
from seetell.tasks.classification.localiser import Localiser
from seetell.tasks.classification.train import Training
from seetell.tasks.evaluation import DataOptions
from seetell.tasks.registry import find_task
from seetell.training.checkpoint import read_checkpoint
from seetell.training.run_log import read_log

BOXES = torch.tensor([[0.1, 0.2, 0.5, 0.9], [0.3, 0.3, 0.8, 0.6], [0.0, 0.0, 1.0, 0.4]])


def test_boxes_are_standardised_and_back():
    localiser = Localiser(8, (3, 4))
    localiser.fit(torch.randn(5, 12, 8), BOXES)
    targets = localiser.targets(BOXES)
    torch.testing.assert_close(targets.mean(dim=0), torch.zeros(4), atol=1e-6, rtol=0)
    torch.testing.assert_close(targets.std(dim=0, correction=0), torch.ones(4))
    torch.testing.assert_close(localiser.boxes(targets), BOXES)
    wild = localiser.boxes(torch.full((1, 4), -100.0))
    assert ((wild >= 0) & (wild <= 1)).all()


def test_every_parameter_gets_a_gradient():
    localiser = Localiser(8, (3, 4))
    localiser(torch.randn(5, 12, 8)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in localiser.parameters())


@pytest.fixture(scope="module")
def placed_config(colours_config, placed):
    def make(**changes):
        section = {"localise": True, "dropout": 0.0, **changes.pop("classification", {})}
        data = {"path": str(placed), **changes.pop("data", {})}
        return Training.complete(colours_config(data=data, classification=section, **changes))

    return make


@pytest.fixture(scope="module")
def run(placed_config, tmp_path_factory):
    config = placed_config(optimiser={"learning_rate": 3e-3}, steps=150, batch_size=16, validation={"every": 75})
    folder = tmp_path_factory.mktemp("run") / "placed"
    loop_of(config, Training.read(config), folder).run()
    return folder


@pytest.mark.slow
def test_both_heads_learn(run):
    log = read_log(run / "log.jsonl")
    first, last = log[0], [line for line in log if "loss" in line][-1]
    for line in (first, last):
        assert line["loss"] == pytest.approx(line["class_loss"] + line["box_loss"], abs=1e-4)
    assert last["class_loss"] < first["class_loss"] / 4
    assert last["box_loss"] < first["box_loss"] / 4
    best = max((line for line in log if "top_1" in line), key=lambda line: line["box_accuracy"])
    assert best["box_accuracy"] > 0.6
    assert 1 - best["localisation_error"] <= min(best["top_1"], best["box_accuracy"]) + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["smooth_l1", "l2"])
def test_boxes_are_mirrored_with_their_photos(placed_config, placed, tmp_path, loss):
    config = placed_config(steps=1, classification={"box_loss": loss, "box_weight": 0.5})
    training = loop_of(config, Training.read(config), tmp_path / "run").training
    training.begin(training.phases()[0])
    indices = training.draw(0, np.ones(48, np.int64), 1)
    _, labels, boxes = batch = training.batch(0)
    for place, mirrored, label, box in zip(indices.photos, indices.mirrored, labels, boxes.numpy(), strict=True):
        left, top, right, bottom = training._train_boxes[place].tolist()
        expected = (1 - right, top, 1 - left, bottom) if mirrored else (left, top, right, bottom)
        assert box == pytest.approx(expected)
        assert label == training._train_labels[place]
    assert indices.mirrored.any()
    assert [(term.name, term.weight) for term in training.loss(0, batch)] == [("class_loss", 1.0), ("box_loss", 0.5)]


@pytest.mark.parametrize("data", [{"crop": True}, {"augmentation": {"pad": 4}}])
def test_photos_are_not_changed_without_their_boxes(placed_config, data):
    with pytest.raises(RecipeError, match=r"data\.(crop|augmentation): the boxes of photos would not fit"):
        placed_config(data=data)


@pytest.mark.slow
def test_a_bundle_finds_label_and_box(run, placed, tmp_path, one_registry, capsys):
    target = tmp_path / "placed"
    export_run(run, target, find_task=find_task, precisions=("fp32",))
    model = seetell.load(str(target), threads=1)
    assert model.localises
    scores = evaluate(model, DataOptions(placed)).scores
    _, metadata = read_checkpoint(run / "best.safetensors")
    assert scores["photos"] == 12
    assert scores["box_accuracy"] == pytest.approx(metadata["scores"]["box_accuracy"], abs=0.09)
    # 8 bits of the classifier's weights are few for an encoder of random ones
    assert 1 - scores["localisation_error"] <= min(scores["top_1"], scores["box_accuracy"])
    photo = placed / "images" / "val" / "0.png"
    labels = model.predict(photo)
    assert labels.size == (80, 64)
    x, y, width, height = (float(part) for part in (placed / "labels/val/0.txt").read_text().split()[-4:])
    true = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2]) * [80, 64, 80, 64]
    assert iou(np.array(labels.box), true) > 0.3
    with pytest.raises(SystemExit, match="0"):
        main(["classify", str(photo), "--model", str(target), "--top", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(" ".join(f"{edge:.0f}" for edge in labels.box))
    assert len(lines[1].split("\t")) == 3
    assert picture(open_photo(photo), labels).size[0] == 800


LOCATED = Labels((Label("a <dog>", 0.9), Label("a cat", 0.1)), "tiny", (10.0, 20.0, 60.004, 50.0), (100, 80))


def test_the_box_is_in_row_picture_and_page():
    content = row("a.jpg", LOCATED)
    assert (content["box"], content["size"]) == ([10.0, 20.0, 60.0, 50.0], [100, 80])
    assert "box" not in row("a.jpg", Labels((Label("a dog", 1.0),), "tiny"))
    first, second = items_of(content, "labels")
    assert (first["box"], first["right"]) == ([10.0, 20.0, 60.0, 50.0], 60.0)
    assert second == {"image": "a.jpg", "text": "a cat", "score": 0.1}
    drawn = picture(Image.new("RGB", (1000, 800), "white"), LOCATED)
    colours = {drawn.getpixel((x, 350)) for x in range(96, 106)}
    assert BOX_COLOURS[0] in colours
    html = page(Image.new("RGB", (1000, 800)), LOCATED, name="a.jpg")
    assert "left: 10.00%; top: 25.00%; width: 50.00%; height: 37.50%" in html
    assert "a &lt;dog&gt;: box 10, 20 to 60, 50, around the" in html


def test_ilsvrc_counts_right_labels_with_right_boxes():
    true = [(0.1, 0.25, 0.6, 0.625)] * 2 + [(0.5, 0.5, 1.0, 1.0)]
    scores = box_scores(true, [LOCATED] * 3, np.array([True, False, True]))
    assert scores == {"localisation_error": pytest.approx(2 / 3), "box_accuracy": pytest.approx(2 / 3)}
