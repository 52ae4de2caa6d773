from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from training_runs import trained_in

import seetell
from seetell.cli.main import main
from seetell.errors import BundleError, DataError, UsageError
from seetell.tasks.character_modelling.evaluate import evaluate
from seetell.tasks.character_modelling.predict import CharacterSampler, _choose
from seetell.tasks.evaluation import DataOptions


@pytest.fixture(scope="module")
def sampler(characters_bundle: Path) -> CharacterSampler:
    return seetell.load(str(characters_bundle), threads=1)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(map(str, arguments)))
    return int(caught.value.code or 0)


@pytest.mark.slow
def test_it_goes_on_as_it_has_learnt(characters_bundle: Path, capsys: pytest.CaptureFixture[str]):
    asked = ("sample", characters_bundle, "--threads", 1, "--prime", "A dog", "--temperature", 0)
    assert run(*asked, "--length", 25) == 0
    assert capsys.readouterr().out == "A dog runs through the grass.\n\n"
    assert run(*asked, "--length", 1, "--format", "jsonl") == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["text"], row["prime"], row["model"]) == ("A dog ", "A dog", "lines")
    assert -0.1 < row["logprob"] < 0


@pytest.mark.slow
def test_a_seed_gives_the_same_texts(sampler: CharacterSampler):
    texts = [[passage.text for passage in sampler.generate(length=30, count=2, seed=seed)] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0][0]) == 30
    assert texts[0][0] != texts[0][1]


def test_the_probability_is_that_of_torch(sampler: CharacterSampler, characters_run: Path):
    (passage,) = sampler.generate(prime="Two", length=12, temperature=2.0, seed=0)
    model = trained_in(characters_run, "character_modelling").model
    codes = torch.tensor([[sampler.characters.index(character) for character in passage.text]])
    with torch.no_grad():
        logprobs = torch.log_softmax(model(codes[:, :-1])[0], dim=2)[0]
    expected = logprobs[range(2, 14), codes[0, 3:]].sum()
    assert passage.logprob == pytest.approx(float(expected), abs=1e-4)


def test_characters_are_drawn_by_their_probability():
    logits = np.log(np.array([[0.2, 0.5, 0.3]], np.float32))
    random = np.random.default_rng(0)
    drawn = _choose(np.repeat(logits, 20_000, axis=0), 1.0, random)
    np.testing.assert_allclose(np.bincount(drawn) / 20_000, [0.2, 0.5, 0.3], atol=0.01)
    squared = np.array([0.04, 0.25, 0.09]) / 0.38  # a temperature of one half squares them
    drawn = _choose(np.repeat(logits, 20_000, axis=0), 0.5, random)
    np.testing.assert_allclose(np.bincount(drawn) / 20_000, squared, atol=0.01)
    assert _choose(logits, 0, random) == [1]
    assert _choose(logits, 1e-30, random) == [1]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"prime": "Ünique?"}, r"prime: lines does not know 'Ü' \(U\+00DC\), 'q' .* the characters that it knows: "),
        ({"length": 0}, "length must be at least 1"),
        ({"count": 0}, "count must be at least 1"),
        ({"temperature": -1.0}, "temperature must be at least 0"),
        ({"temperature": math.inf}, "temperature must be at least 0"),
        ({"temperature": math.nan}, "temperature must be at least 0"),
    ],
)
def test_wrong_options(sampler: CharacterSampler, options: dict[str, object], expected: str):
    with pytest.raises(UsageError, match=expected):
        sampler.generate(**options)


@pytest.mark.parametrize("changed", [{"hidden": 63}, {"layers": 2}, {"cell": "gru"}, {"hidden": 10**12}])
def test_a_graph_of_another_size_is_refused(changed: dict[str, object], characters_bundle: Path, tmp_path: Path):
    folder = Path(shutil.copytree(characters_bundle, tmp_path / "changed"))
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    description["settings"] |= changed
    (folder / "model.json").write_text(json.dumps(description))
    with pytest.raises(BundleError, match="its graph is not of"):
        seetell.load(folder, threads=1)


def test_what_cells_say_is_that_of_torch(sampler: CharacterSampler, characters_run: Path):
    said = sampler.activations("The sea")
    assert (said.shape, said.dtype) == ((7, 1, 64), np.float32)
    model = trained_in(characters_run, "character_modelling").model
    codes = torch.tensor([[sampler.characters.index(character) for character in "The sea"]])
    with torch.no_grad():
        _, state = model(codes)
    np.testing.assert_allclose(said[-1, 0], np.tanh(state[0, 64:].numpy()), atol=1e-5)
    with pytest.raises(UsageError, match="text: lines does not know 'ä'"):
        sampler.activations("ä")


def test_evaluation_agrees_with_the_runs_validation(
    sampler: CharacterSampler, characters_bundle: Path, lines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    validated = sampler.bundle.description["scores"]["val"]["bits_per_character"]
    assert run("evaluate", characters_bundle, "--data", lines) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["bits_per_character"] == pytest.approx(validated, abs=1e-4)
    whole = evaluate(sampler, DataOptions(lines), split="test").scores
    assert whole["characters"] == 2 * scores["characters"]
    (tmp_path / "other.txt").write_text("A dog§")
    with pytest.raises(DataError, match="lines does not know '§'"):
        evaluate(sampler, DataOptions(tmp_path / "other.txt"))


def test_the_text_is_coloured_by_the_cells_that_follow_it(
    characters_bundle: Path, lines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    asked = ("visualise", "neurons", characters_bundle, "--text", lines, "--characters", 274)
    assert run(*asked, "--output", tmp_path / "a.svg", "--show", 100) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == ["quotes"] * 3 + ["brackets"] * 3 + ["line"] * 3
    assert abs(float(rows[6][2])) > 0.3
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert f"cell {rows[0][1].partition('.')[2]}: inside quotes" in drawn
    assert run(*asked, "--cell", "1.64", "--output", tmp_path / "a.png") == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    for wrong, expected in (
        (("--cell", "2.1"), "expected one from 1.1 to 1.64"),
        (("--from", 274), "the text that is read ends before"),
        (("--output", tmp_path / "a.pdf"), "expected a name that ends in .png, .jpg, .jpeg, .svg"),
    ):
        assert run(*asked, *wrong) == 2
        assert expected in capsys.readouterr().err


def test_what_a_text_lacks_is_left_out(characters_bundle: Path, lines: Path, tmp_path: Path, capsys):
    plain = tmp_path / "plain.txt"
    plain.write_text(lines.read_text(encoding="utf-8").replace('"', "").replace("'", ""), encoding="utf-8")
    asked = ("visualise", "neurons", characters_bundle, "--text", plain, "--characters", 274)
    assert run(*asked) == 0
    out, err = capsys.readouterr()
    assert [line.partition("\t")[0] for line in out.splitlines()] == ["brackets"] * 3 + ["line"] * 3
    assert "plain.txt: the text has no quotes, or nothing else; left out" in err
    assert run(*asked, "--find", "quotes") == 2
    assert "the text has no quotes, or nothing else; name another" in capsys.readouterr().err
