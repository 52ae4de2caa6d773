"""The bundled models in torch give the scores that their graphs give."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

import seetell
from seetell.cli.main import main
from seetell.photos.opening import open_photo
from seetell.tasks.explanation import explain
from seetell.tasks.registry import find_task

DOG = Path(__file__).parents[2] / "examples" / "dog.jpg"


@pytest.mark.slow
@pytest.mark.parametrize(("command", "tolerance"), [("caption", 0.02), ("classify", 1.0)])  # the classifier's is int8
def test_scores_are_those_of_the_graphs(command: str, tolerance: float):
    task, image = find_task(command), open_photo(DOG)
    predictor = seetell.load(command, threads=1)
    explained = task.load("explain")(predictor, image, "", [])
    network = task.load("network")(predictor, image, explained)
    with torch.no_grad():
        scores = network.scores(network.image)[0].double().numpy()
    expected = explained.score([np.asarray(image)])[0]
    if command == "classify":  # logits, equal up to a constant
        scores, expected = scores - scores.max(), expected - expected.max()
        assert scores.argmax() == expected.argmax()
    assert np.allclose(scores, expected, atol=tolerance)


@pytest.mark.nightly
def test_the_dog_is_where_the_dog_is():
    captioner, said = seetell.load("caption", threads=1), "a black and brown dog is running in the grass"
    (part,) = explain(captioner, DOG, text=said, names=["black"], methods=["occlusion", "grad-cam"]).parts
    for heat_map in part.maps:
        row, column = divmod(int(heat_map.averaged(8).argmax()), 8)
        assert 2 <= row <= 5
        assert 1 <= column <= 5


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "see-why.md"


def page_blocks(language: str, beginning: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in found if block.startswith(beginning)]


@pytest.mark.nightly
@pytest.mark.parametrize("block", page_blocks("bash", "seetell explain"))
def test_the_commands_of_the_page(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "examples").symlink_to(DOG.parent)
    monkeypatch.chdir(tmp_path)
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line)[1:]
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert not ended.value.code
        if "--output" in words:
            assert (tmp_path / words[words.index("--output") + 1]).stat().st_size > 10_000


@pytest.mark.nightly
def test_the_python_of_the_page(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(DOG.parents[1])
    (block,) = page_blocks("python", "import seetell")
    exec(block, {})
    assert capsys.readouterr().out == "attention (8, 8)\nocclusion (8, 8)\n"
