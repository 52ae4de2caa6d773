from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from runtime.fake_hub import FakeHub
from runtime.tiny_bundle import write_tiny_bundle

from seetell.cli.main import main
from seetell.runtime import bundle as bundle_module


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["models", *arguments])
    return int(caught.value.code or 0)


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bundles"
    write_tiny_bundle(folder / "tiny")
    monkeypatch.setattr(bundle_module, "BUNDLES", folder)
    monkeypatch.setenv("SEETELL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return folder


def put_hub_model(cache: Path) -> Path:
    """Put a model into the Hub's cache, and return its folder."""
    folder = cache / "models--owner--describer"
    snapshot = folder / "snapshots" / ("1" * 40)
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir()
    config = {"architectures": ["BlipForConditionalGeneration"], "vision_config": {}}
    (snapshot / "config.json").write_text(json.dumps(config))
    (snapshot / "README.md").write_text("---\nlicense: mit\n---\n# Describer")
    (folder / "blobs" / ("2" * 64)).write_bytes(b"w" * 1_500_000)
    (snapshot / "model.safetensors").symlink_to(Path("..") / ".." / "blobs" / ("2" * 64))
    return folder


def test_the_list_names_task_size_score_and_licence(bundled: Path, capsys: pytest.CaptureFixture[str]):
    assert run() == 0
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["NAME", "TASK", "SIZE", "MB", "SCORE", "LICENCE", "WHERE"]
    assert row.split() == ["tiny", "captioning", "0.0", "CIDEr", "50.0", "(dev)", "CC0-1.0", "came", "with", "seetell"]
    assert run("--format", "json") == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["name"], listed["tasks"]) == ("tiny", ["captioning"])
    assert listed["score"] == {"name": "CIDEr", "value": 0.5, "split": "dev"}
    assert listed["path"] == str(bundled / "tiny")


def test_a_model_without_scores_is_listed_too(bundled: Path, capsys: pytest.CaptureFixture[str]):
    write_tiny_bundle(bundled / "unscored", scores=None)
    assert run() == 0
    assert "-" in capsys.readouterr().out.splitlines()[2].split()


def test_the_score_of_each_task_is_named_that_of_test_first(bundled: Path, capsys: pytest.CaptureFixture[str]):
    def score(task: str, **scores: dict[str, float]) -> dict[str, object] | None:
        path = bundled / "tiny" / "model.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"task": task, "scores": scores}))
        assert run("--format", "json") == 0
        return json.loads(capsys.readouterr().out)[0]["score"]

    assert score("detection", val={"boxes": 9, "AP": 0.25}) == {"name": "AP", "value": 0.25, "split": "val"}
    both = score("segmentation", val={"mean_iou": 0.6}, test={"mean_iou": 0.5})
    assert both == {"name": "mean_iou", "value": 0.5, "split": "test"}
    per_cent = score("grounding", val={"sum": 99, "search_R@1": 30})
    assert per_cent == {"name": "search_R@1", "value": 0.3, "split": "val"}
    decibels = score("view_synthesis", val={"psnr": 25.5})
    assert decibels == {"name": "psnr", "value": 25.5, "split": "val"}
    assert score("captioning", val={"AP": 0.25}) is None
    assert score("no such task", val={"AP": 0.25}) is None


def test_scores_are_shown_as_in_the_documentation(capsys: pytest.CaptureFixture[str]):
    assert run("-f", "json") == 0
    recorded = {row["name"]: row["score"] for row in json.loads(capsys.readouterr().out)}
    assert run() == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert f"CIDEr {100 * recorded['everyday-transformer']['value']:.1f} (" in lines["everyday-transformer"]
    assert f"phrases_R@1 {100 * recorded['flickr8k-align']['value']:.1f} (" in lines["flickr8k-align"]


def test_bundled_models_of_tasks_have_a_score_in_the_list(capsys: pytest.CaptureFixture[str]):
    assert run("--format", "json") == 0
    listed = [row for row in json.loads(capsys.readouterr().out) if row["path"].startswith(str(bundle_module.BUNDLES))]
    assert {row["name"] for row in listed if row["score"] is None} == {"drawn-styles"}


def test_the_card_the_description_and_the_check(bundled: Path, capsys: pytest.CaptureFixture[str]):
    assert run("caption") == 0
    assert capsys.readouterr().out.startswith("# tiny\n")
    assert run("tiny", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["licence"] == "CC0-1.0"
    assert run("tiny", "--verify") == 0
    assert "as recorded" in capsys.readouterr().out
    assert run("tiny", "--verify", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["verified"] is True
    (bundled / "tiny" / "README.md").write_text("changed")
    assert run("tiny", "--verify") == 1
    assert "README.md: was changed or damaged" in capsys.readouterr().err


def test_programs_are_told_what_is_damaged(bundled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def told(name: str) -> tuple[str, str, bool, str]:
        assert run(name, "--verify", "--format", "json") == 1
        out, err = capsys.readouterr()
        row = json.loads(out)
        assert err == f"seetell: {row['error']}\n"
        return row["name"], row["path"], row["verified"], row["error"]

    folder = bundled / "tiny"
    (folder / "README.md").write_text("changed")
    *row, error = told("tiny")
    assert row == ["tiny", str(folder), False]
    assert "README.md: was changed or damaged" in error
    (folder / "encoder.onnx").unlink()
    *row, error = told("tiny")
    assert row == ["tiny", str(folder), False]
    assert "lacks encoder.onnx" in error
    folder = put_hub_model(tmp_path / "cache")
    *row, error = told("hf:owner/describer")
    assert row == ["hf:owner/describer", str(folder), False]
    assert "model.safetensors was changed or damaged" in error


def test_what_is_not_there(bundled: Path, capsys: pytest.CaptureFixture[str]):
    assert run("tinny") == 2
    assert "Did you mean 'tiny'" in capsys.readouterr().err
    assert run("--verify") == 2
    (bundled / "tiny" / "model.json").unlink()
    assert run() == 0
    assert "no models are bundled" in capsys.readouterr().out


def test_downloaded_models_are_listed_with_their_places(
    bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    write_tiny_bundle(tmp_path / "models" / "mine")
    put_hub_model(tmp_path / "cache")
    begun = tmp_path / "cache" / "models--owner--begun" / "blobs"
    begun.mkdir(parents=True)
    (begun / "0.seetell.incomplete").write_bytes(b"half")
    assert run() == 0
    rows = {row.split()[0]: row.split() for row in capsys.readouterr().out.splitlines()}
    assert rows["mine"][-1] == "~/models/mine"
    assert rows["hf:owner/describer"][1:] == ["captioning", "1.5", "-", "mit", "~/cache/models--owner--describer"]
    assert " ".join(rows["hf:owner/begun"]).endswith("not complete; run: seetell models pull hf:owner/begun")


@pytest.mark.slow
def test_listing_imports_no_library_of_models(tmp_path: Path):
    put_hub_model(tmp_path / "cache")
    program = (
        "import contextlib, sys\n"
        "from seetell.cli.main import main\n"
        "with contextlib.suppress(SystemExit): main(['models'])\n"
        "sys.exit(', '.join({'torch', 'transformers', 'huggingface_hub', 'onnxruntime'} & set(sys.modules)))"
    )
    env = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
    assert done.stderr.strip() == ""
    assert "hf:owner/describer" in done.stdout


def test_the_card_of_a_model_of_the_hub(bundled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = put_hub_model(tmp_path / "cache")
    assert run("hf:owner/describer") == 0
    card = capsys.readouterr().out
    for said in ("architecture: BlipForConditionalGeneration", "tasks here: captioning", "licence: mit", "# Describer"):
        assert said in card
    assert run("hf:owner/describer", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["path"], told["complete"], told["megabytes"]) == (str(folder), True, 1.5)
    assert run("hf:owner/describer", "--verify") == 1
    assert "model.safetensors was changed or damaged" in capsys.readouterr().err
    assert run("hf:owner/other") == 2
    assert "seetell models pull hf:owner/other" in capsys.readouterr().err


def test_a_bundle_is_pulled_used_and_removed(
    bundled: Path, hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = write_tiny_bundle(tmp_path / "there" / "far")
    hub.models["some/far"] = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run("pull", f"{hub.storage_url}/some/far") == 0
    out, err = capsys.readouterr()
    assert "seetell models far" in out
    assert "MB of 0.0 MB" in err
    assert run("far", "--verify") == 0
    assert run("remove", "far", "--yes") == 0
    assert run("far") == 2


@pytest.mark.slow
def test_a_model_of_the_hub_is_pulled_and_removed(
    bundled: Path, hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("huggingface_hub", reason="needs the extra hf")
    hub.models["owner/model"] = {"config.json": b'{"a": 1}', "model.safetensors": b"w" * 2**20, "code.py": b"exit()"}
    assert run("pull", "owner/model") == 0
    out, err = capsys.readouterr()
    assert "hf:owner/model: 1.0 MB at commit c0ffee" in out
    assert "code.py was not downloaded" in err
    capsys.readouterr()
    assert run("hf:owner/model", "--verify", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["verified"] is True
    assert run("pull", "owner/none") == 2
    assert run("remove", "hf:owner/model", "--yes") == 0
    assert list((tmp_path / "cache").glob("models--*")) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pull", "tiny"], "came with seetell"),
        (["pull", "caption"], "came with seetell"),
        (["pull", "."], "is on this disk"),
        (["pull", ""], "expected hf:OWNER/NAME or hf:FOLDER, or the address of a bundle, got no name"),
        (["pull", "openai:gemma@http://127.0.0.1:1/v1"], "its server has the model"),
        (["pull", "https://example.org/caption"], "caption is the name of a model that came with seetell"),
        (["pull", "https://example.org/x", "--revision", "v2"], "are for models of hf:OWNER/NAME"),
        (["remove", "tiny", "--yes"], "goes with it"),
        (["remove", "tinny", "--yes"], "unknown downloaded bundle"),
        (["remove", "hf:owner/none", "--yes"], "is not on this disk"),
    ],
)
def test_what_cannot_be_pulled_or_removed(
    arguments: list[str], said: str, bundled: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err


def test_removing_asks_first(bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_tiny_bundle(tmp_path / "models" / "mine")
    monkeypatch.setattr("click.confirm", lambda question, abort: (_ for _ in ()).throw(click.Abort()))
    assert run("remove", "mine") == 130
    assert (tmp_path / "models" / "mine").is_dir()
