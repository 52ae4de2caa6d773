from __future__ import annotations

import json
from pathlib import Path

import pytest
from runtime.tiny_bundle import write_tiny_bundle

from seetell.cli.main import main
from seetell.runtime import bundle as bundle_module


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["models", *arguments])
    return int(caught.value.code or 0)


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_tiny_bundle(tmp_path / "tiny")
    monkeypatch.setattr(bundle_module, "BUNDLES", tmp_path)
    return tmp_path


def test_the_list_names_task_size_score_and_licence(bundled: Path, capsys: pytest.CaptureFixture[str]):
    assert run() == 0
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["NAME", "TASK", "SIZE", "MB", "DEV", "CIDER", "LICENCE"]
    assert row.split() == ["tiny", "captioning", "0.0", "0.500", "CC0-1.0"]
    assert run("--format", "json") == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["name"], listed["dev_cider"], listed["path"]) == ("tiny", 0.5, str(bundled / "tiny"))


def test_a_model_without_scores_is_listed_too(bundled: Path, capsys: pytest.CaptureFixture[str]):
    write_tiny_bundle(bundled / "unscored", scores=None)
    assert run() == 0
    assert "-" in capsys.readouterr().out.splitlines()[2].split()


def test_the_card_the_description_and_the_check(bundled: Path, capsys: pytest.CaptureFixture[str]):
    assert run("caption") == 0
    assert capsys.readouterr().out.startswith("# tiny\n")
    assert run("tiny", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["licence"] == "CC0-1.0"
    assert run("tiny", "--verify") == 0
    assert "as recorded" in capsys.readouterr().out
    (bundled / "tiny" / "README.md").write_text("changed")
    assert run("tiny", "--verify") == 1
    assert "README.md: was changed or damaged" in capsys.readouterr().err


def test_what_is_not_there(bundled: Path, capsys: pytest.CaptureFixture[str]):
    assert run("tinny") == 2
    assert "Did you mean 'tiny'" in capsys.readouterr().err
    assert run("--verify") == 2
    (bundled / "tiny" / "model.json").unlink()
    assert run() == 0
    assert "no models are bundled" in capsys.readouterr().out
