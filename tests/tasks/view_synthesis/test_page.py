"""The commands of docs/how-to/render-views.md, on a small scene."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import scene as figure
from in_process import run_python
from PIL import Image
from test_docs import blocks, commands_of

from seetell.cli.main import main

PAGE = "docs/how-to/render-views.md"
SHORT = {
    "nerf-lego": {"nerf.width": 8, "samples": 8, "fine_samples": 8},
    "nerf-lego-voxels": {"voxel_grid.resolution": 12, "samples": 16},
}


@pytest.mark.nightly
def test_the_commands_of_the_page(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, one_registry):
    monkeypatch.chdir(tmp_path)
    Path("nerf_lego").symlink_to(scene)
    drawing, *commands = commands_of(PAGE, "python scripts/figures/scene.py")
    figure.main(shlex.split(drawing.replace("120", "16"))[2:])
    for beginning in ("seetell train nerf-lego --set", "seetell render my-nerf", "seetell evaluate"):
        commands += commands_of(PAGE, beginning)
    for command in commands:
        words = shlex.split(command)[1:]
        if words[0] == "train":
            sizes = {f"view_synthesis.{name}": size for name, size in SHORT[words[1]].items()}
            for name, value in {**sizes, "steps": 3, "batch_size": 32, "validation.photos": 1}.items():
                words += ["--set", f"{name}={value}"]
        if words[0] == "render":
            words += ["--views", "3", "--size", "16"]
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capsys.readouterr()
        assert not ended.value.code, err
    assert json.loads(out)["photos"] == 2
    assert len(list(Path("turn").iterdir())) == 3
    with Image.open("turn.gif") as film:
        assert film.size == (16, 16)
    assert Path("turn.mp4").stat().st_size > 0


@pytest.mark.nightly
def test_the_python_of_the_page(bundle: Path, tmp_path: Path):
    (block,) = (block for block in blocks() if block.page == PAGE and block.language == "python")
    (tmp_path / "my-voxels").symlink_to(bundle)
    printed = run_python(block.text.replace("size=(100, 100)", "size=(10, 10)"), tmp_path)
    assert printed == "(24, 24, 3)\n" * 3


def test_the_drawn_scene_is_what_a_reader_reads(tmp_path: Path):
    from seetell.data.posed_photos import open_shots, read_posed_photos

    figure.draw(tmp_path, 12)
    dataset = read_posed_photos(tmp_path)
    assert [len(dataset.split(split)) for split in ("train", "val", "test")] == [40, 4, 4]
    (shot,) = open_shots(dataset.split("train")[:1])
    assert shot.colours[0, 0].tolist() == [1, 1, 1]
    assert 0.1 < shot.opacity.mean() < 0.5
