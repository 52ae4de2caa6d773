from __future__ import annotations

from pathlib import Path

import pytest
from runtime.tiny_aligner import write_tiny_aligner
from runtime.tiny_bundle import write_tiny_bundle

import seetell
from seetell.errors import BundleError, UsageError
from seetell.runtime import bundle as bundle_module
from seetell.runtime.bundle import bundled_models
from seetell.tasks.loading import find_model, load, load_for
from seetell.tasks.registry import find_task


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of bundled models: `able` embeds, `tiny` and `zebra` caption."""
    write_tiny_aligner(tmp_path / "able", name="able")
    write_tiny_bundle(tmp_path / "tiny")
    write_tiny_bundle(tmp_path / "zebra", name="zebra")
    (tmp_path / "not-a-model").mkdir()
    monkeypatch.setattr(bundle_module, "BUNDLES", tmp_path)
    return tmp_path


def test_names_tasks_commands_and_paths(bundled: Path):
    assert list(bundled_models()) == ["able", "tiny", "zebra"]
    assert find_model("zebra") == bundled / "zebra"
    assert find_model("caption") == find_model("captioning") == bundled / "tiny"
    assert find_model("retrieval") == find_model("align") == bundled / "able"
    assert find_model(bundled / "zebra") == bundled / "zebra"
    assert find_model(str(bundled / "not-a-model")) == bundled / "not-a-model"
    with pytest.raises(UsageError, match="Did you mean 'zebra'"):
        find_model("zebar")
    with pytest.raises(UsageError, match="unknown model 'regions'"):
        find_model("regions")
    with pytest.raises(BundleError, match=r"no model\.json"):
        load(bundled / "not-a-model")


def test_a_name_goes_before_a_folder_of_that_name(bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    work = tmp_path / "work"
    (work / "tiny").mkdir(parents=True)
    monkeypatch.chdir(work)
    assert find_model("tiny") == bundled / "tiny"
    assert find_model("./tiny") == Path("tiny")


def test_the_predictor_is_that_of_the_bundles_task_or_of_the_task_named(bundled: Path):
    assert type(load()) is type(load("zebra")) is type(load(bundled / "tiny")) is seetell.Captioner
    assert type(load("able")) is type(load("retrieval")) is seetell.Embedder
    grounder = load("align", threads=1)
    assert type(grounder) is seetell.PhraseGrounder
    assert (grounder.threads, grounder.embedder.threads) == (1, 1)


def test_a_task_loads_bundles_of_its_own_and_those_it_reads(bundled: Path):
    assert load_for(find_task("caption")).name == "tiny"
    assert type(load_for(find_task("align"), "able")) is seetell.PhraseGrounder
    with pytest.raises(
        UsageError,
        match=r"able: is a model for retrieval; expected one for captioning \(seetell caption\), such as 'tiny'",
    ):
        load_for(find_task("caption"), "able")
    with pytest.raises(
        UsageError, match=r"tiny: is a model for captioning .*; expected one for dense captioning \(seetell regions\)$"
    ):
        load_for(find_task("regions"), "tiny")


def test_an_unknown_task_or_the_graphs_of_another_are_refused(tmp_path: Path):
    with pytest.raises(BundleError, match=r"model\.json: unknown task 'poetry'"):
        load(write_tiny_bundle(tmp_path / "poet", task="poetry"))
    with pytest.raises(BundleError, match=r"lacks 'settings\.localisation'"):
        load(write_tiny_bundle(tmp_path / "regions", task="dense_captioning"))


def test_a_training_run_is_told_from_a_model(tmp_path: Path):
    run = tmp_path / "my-captioner"
    run.mkdir()
    with pytest.raises(BundleError, match=r"not a model folder, it has no model\.json"):
        load(run)
    (run / "recipe.yaml").touch()
    with pytest.raises(BundleError, match=rf"a training run; .*: seetell export {run} my-captioner"):
        load(run)
