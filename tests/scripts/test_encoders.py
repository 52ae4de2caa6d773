from __future__ import annotations

import json
import sys
from pathlib import Path

import compare_captioners
import mobilenet_v2_weights
import pytest
import torch
from PIL import Image

from seetell.data import read
from seetell.nn.backbones import create_encoder, weights_hash


@pytest.fixture
def flickr8k(tmp_path) -> Path:
    folder = tmp_path / "flickr8k"
    for part in (compare_captioners.TEXT, compare_captioners.PHOTOS):
        (folder / part).mkdir(parents=True)
    names = {"train": ["a.jpg", "b.jpg", "c.jpg"], "dev": ["d.jpg", "e.jpg"]}
    for split, file in zip(names.values(), compare_captioners.SPLITS, strict=True):
        (folder / compare_captioners.TEXT / file).write_text("\n".join(split))
    lines = [f"{name}#{number}\ta dog runs" for split in names.values() for name in split for number in range(5)]
    (folder / compare_captioners.TEXT / compare_captioners.TOKENS).write_text("\n".join(lines) + "\n")
    for split in names.values():
        for name in split:
            Image.new("RGB", (64, 64)).save(folder / compare_captioners.PHOTOS / name)
    return folder


def test_fewer_photos_to_train_on_and_all_to_compare_on(flickr8k, tmp_path):
    compare_captioners.subset(flickr8k, tmp_path / "fewer", 2)
    dataset = read(tmp_path / "fewer")
    assert [photo.id for photo in dataset.split("train")] == ["a.jpg", "b.jpg"]
    assert [photo.id for photo in dataset.split("val")] == ["d.jpg", "e.jpg"]
    assert not [problem for problem in dataset.problems if problem.kind != "duplicate-id" and "c.jpg" in problem.where]


def test_cells_that_are_finished_are_not_trained_again(flickr8k, tmp_path, monkeypatch, capsys):
    work, commands = tmp_path / "work", []

    def train(command, **options):
        commands.append(command)
        run = Path(command[command.index("--output") + 1])
        run.mkdir()
        scores = {"step": 3, "CIDEr": 0.25, "Bleu_4": 0.125}
        (run / "log.jsonl").write_text(f'{{"step": 3, "loss": 1.0}}\n{json.dumps(scores)}\n')

    monkeypatch.setattr(compare_captioners.subprocess, "run", train)
    given = ["x", str(flickr8k), str(work), "--encoder", "efficientnet_lite0", "--encoder", "lenet5=none"]
    monkeypatch.setattr(sys, "argv", [*given, "--recipe", "flickr8k-neuraltalk2-frozen"])
    for _ in range(2):
        compare_captioners.main()
    assert len(commands) == 2
    assert {"encoder.name=lenet5", "encoder.weights=none"} <= {*commands[1]}
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * 4
    assert lines[3].startswith("| `lenet5=none` | `flickr8k-neuraltalk2-frozen` | 0.250 | 12.5 | ")


@pytest.mark.slow
def test_mobilenets_arrays_get_their_names(tmp_path, monkeypatch):
    encoder = create_encoder("torchvision/mobilenet_v2", weights="none")
    arrays = {f"layer{number}": value for number, value in enumerate(encoder.state_dict().values())}
    torch.save(arrays, tmp_path / "theirs.pt")
    target = tmp_path / "ours.safetensors"
    monkeypatch.setattr(sys, "argv", ["x", str(tmp_path / "theirs.pt"), str(target)])
    mobilenet_v2_weights.main()
    assert weights_hash(create_encoder("torchvision/mobilenet_v2", weights=str(target))) == weights_hash(encoder)
