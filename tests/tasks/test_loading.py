from __future__ import annotations

from pathlib import Path

import pytest
from runtime.tiny_aligner import write_tiny_aligner
from runtime.tiny_bundle import write_tiny_bundle

import seetell
from seetell import extras
from seetell.errors import BundleError, UsageError
from seetell.runtime import bundle as bundle_module
from seetell.runtime.bundle import bundled_models
from seetell.tasks import registry
from seetell.tasks.loading import find_model, load, load_for
from seetell.tasks.registry import Task, find_task


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
    with pytest.raises(UsageError, match=r"no model for dense captioning .* comes with this package"):
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
    assert type(load()) is type(load("zebra")) is type(load(bundled / "tiny")) is find_task("caption").load("predict")
    assert isinstance(load(), seetell.Captioner)
    assert type(load("able")) is type(load("retrieval")) is find_task("retrieval").load("predict")
    assert isinstance(load("able"), seetell.Embedder)
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


class Remote:
    """Stands in for a backend's predictor."""

    def __init__(self, name: str, **options) -> None:
        self.name, self.options = name, options


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Task:
    task = Task("shouting", "shout", "Shouts.", "text", "", backends={"hf": "test_loading:Remote"}, package="x")
    monkeypatch.setattr(Task, "_imported", lambda self, place: Remote)
    monkeypatch.setattr(registry, "_registered", {"shouting": task})
    return task


def test_a_backends_model_is_loaded_by_its_name_with_the_options_given(remote: Task, tmp_path: Path):
    loaded = load_for(remote, "hf:owner/name", threads=2, device="cpu", dtype=None, trust_remote_code=False)
    assert (loaded.name, loaded.options) == ("owner/name", {"threads": 2, "device": "cpu"})
    assert load("hf:owner/name", task="shout", prompt="loud").options == {"threads": None, "prompt": "loud"}
    (tmp_path / "config.json").write_text("{}")
    assert load_for(remote, tmp_path).name == str(tmp_path)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("hf:", {}, "expected hf:OWNER/NAME or hf:FOLDER"),
        ("hf:a/b", {"precision": "int8"}, "precision is for bundles"),
        ("hf:a/b", {"timeout": 3.0}, "--timeout: hf:a/b is a model of hf:OWNER/NAME.* named openai:NAME@URL"),
        ("openai:a@http://x", {}, "seetell shout takes no openai: models"),
        ("tiny", {"device": "cpu"}, "--device: tiny is a bundle; it is for models named hf:OWNER/NAME"),
        ("hub:a/b", {}, r"unknown model 'hub:a/b'.*named hf:OWNER/NAME or hf:FOLDER\.$"),
    ],
)
def test_names_and_options_of_another_backend_are_refused(
    remote: Task, bundled: Path, model: str, options: dict, message: str
):
    with pytest.raises(UsageError, match=message):
        load_for(remote, model, **options)


def test_of_an_unknown_model_those_of_the_task_are_named(bundled: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SEETELL_MODELS", str(bundled / "mine"))
    write_tiny_bundle(bundled / "mine" / "own")
    (bundled / "mine" / "damaged").mkdir()
    (bundled / "mine" / "damaged" / "model.json").write_text("{")
    with pytest.raises(UsageError, match=r"Known: caption, own, tiny, zebra\. A path .*named hf:.*openai:"):
        load_for(find_task("caption"), "no such")
    with pytest.raises(UsageError, match=r"Known: none\. A path must be that of a model folder\.$"):
        load_for(find_task("render"), "no such")
    with pytest.raises(UsageError, match=r"Known: asrcf, dcf, kcf, mosse\. A path must be that of a model folder\.$"):
        load_for(find_task("follow"), "no such")
    with pytest.raises(
        UsageError,
        match=r"Known: able, align, caption, damaged, describe, own, retrieval, tiny, zebra\. A path .*rapidocr",
    ):
        find_model("no such")


def test_a_backends_model_is_no_bundle(bundled: Path):
    with pytest.raises(UsageError, match="hf:a/b: expected a bundle, got a model of hf:OWNER/NAME"):
        find_model("hf:a/b")


def test_a_backend_names_its_own_extra_before_it_is_imported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(extras.EXTRAS, "hf", ("no_such_module",))
    monkeypatch.setattr(Task, "_imported", lambda self, place: pytest.fail("is not installed"))
    with pytest.raises(UsageError, match=r"hf:OWNER/NAME.* needs no_such_module, which is not installed: .*\[hf\]"):
        load("hf:a/b")


def test_a_task_without_a_bundled_model_says_how_to_get_one():
    with pytest.raises(
        UsageError,
        match=r"no model for pose \(seetell pose\) comes with this package; .*seetell train --list",
    ):
        seetell.load("pose")
