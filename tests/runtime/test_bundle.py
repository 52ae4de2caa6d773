from __future__ import annotations

import json
from pathlib import Path

import pytest
from runtime.tiny_bundle import NAME, WORDS, write_tiny_bundle

from seetell.errors import BundleError, UsageError
from seetell.language.vocabulary import Vocabulary
from seetell.runtime import bundle as bundle_module
from seetell.runtime.bundle import Bundle, find, installed
from seetell.tasks.loading import load_bundle


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of bundled models: `able` is no captioner, `tiny` and `zebra` are."""
    write_tiny_bundle(tmp_path / "able", name="able", kind="regions")
    write_tiny_bundle(tmp_path / "tiny")
    write_tiny_bundle(tmp_path / "zebra", name="zebra")
    (tmp_path / "not-a-model").mkdir()
    monkeypatch.setattr(bundle_module, "BUNDLES", tmp_path)
    return tmp_path


def test_a_whole_bundle_reads_and_verifies(tiny_bundle: Path):
    bundle = Bundle.load(tiny_bundle)
    assert (bundle.name, bundle.kind, bundle.precision) == (NAME, "caption", "int8")
    assert bundle.decoding.beam_size == 3
    assert bundle.preprocessing.width == 8
    assert set(WORDS) < set(bundle.vocabulary.words)
    assert bundle.encoder().name == "encoder.int8.onnx"
    assert bundle.encoder("fp32").name == "encoder.onnx"
    with pytest.raises(UsageError, match=r"precision 'fp16'.*fp32, int8"):
        bundle.encoder("fp16")
    bundle.verify()


def test_find_takes_names_kinds_and_paths(bundled: Path):
    assert list(installed()) == ["able", "tiny", "zebra"]
    assert find("zebra") == bundled / "zebra"
    assert find("caption") == bundled / "tiny"
    assert find("regions") == bundled / "able"
    assert find(bundled / "zebra") == bundled / "zebra"
    assert find(str(bundled / "not-a-model")) == bundled / "not-a-model"
    with pytest.raises(UsageError, match="Did you mean 'zebra'"):
        find("zebar")
    with pytest.raises(BundleError, match=r"no model\.json"):
        Bundle.load(find(bundled / "not-a-model"))


def test_a_name_goes_before_a_folder_of_that_name(bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    work = tmp_path / "work"
    (work / "tiny").mkdir(parents=True)
    monkeypatch.chdir(work)
    assert find("tiny") == bundled / "tiny"
    assert find("./tiny") == Path("tiny")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "bundle format 2, this seetell reads 1"),
        ({"format": None}, "bundle format None"),
        ({"name": None}, "lacks 'name'"),
        ({"name": 7}, "name must be text"),
        ({"preprocessing": {"height": 8}}, "width"),
        ({"preprocessing": {"height": 8, "width": 8, "colour": 1}}, "colour"),
        ({"preprocessing": {"height": 8, "width": 8, "fit": "squeeze"}}, "fit"),
        ({"preprocessing": []}, "model.json"),
        ({"decoding": {"beam": 5}}, "unknown option 'beam'"),
        ({"decoding": {"beam_size": -5}}, "beam_size"),
        ({"encoder": {"fp32": "encoder.onnx", "default": "int8"}}, "unknown default encoder 'int8'"),
        ({"encoder": {"fp32": "encoder.onnx"}}, "lacks 'default'"),
        ({"encoder": {"fp32": "../encoder.onnx", "default": "fp32"}}, "plain names"),
        ({"encoder": {"fp32": 3, "default": "fp32"}}, "plain names"),
        ({"decoder": {"start": "decoder_start.onnx"}}, "lacks 'step'"),
        ({"decoder": {"start": "decoder_start.onnx", "step": "absent.onnx"}}, "lacks absent.onnx"),
        ({"files": {"/etc/passwd": "0"}}, "plain names"),
        ({"vocabulary_sha256": "0" * 64}, "not the one the weights were trained with"),
        ({"vocabulary_size": 3}, "expected 3 entries"),
    ],
)
def test_a_description_that_does_not_fit_is_an_error(changes: dict[str, object], said: str, tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "changed", **changes)
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    assert said in str(caught.value)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("sizes", [None, [], {}, {"grid": 7}, {"grid": [7]}, {"grid": [7, 0]}, {"grid": [7, True]}])
def test_a_grid_that_is_not_told_is_an_error_once_it_is_asked_for(
    sizes: object, tmp_path: Path, attending_bundle: Path
):
    assert Bundle.load(attending_bundle).grid == (2, 3)
    bundle = Bundle.load(write_tiny_bundle(tmp_path / "unclear", sizes=sizes))
    with pytest.raises(BundleError, match=r"sizes\.grid must be the rows and columns"):
        _ = bundle.grid


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_broken_description_is_an_error(content: str, tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "broken")
    (folder / "model.json").write_text(content)
    with pytest.raises(BundleError, match="JSON"):
        Bundle.load(folder)


def test_missing_and_exchanged_files_are_errors(tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "bundle")
    Vocabulary.build([["other", "words"]], min_count=1).save(folder / "vocabulary.json")
    with pytest.raises(BundleError, match="not the one the weights were trained with"):
        Bundle.load(folder)
    (folder / "vocabulary.json").unlink()
    (folder / "decoder_step.onnx").unlink()
    with pytest.raises(BundleError, match=r"lacks decoder_step\.onnx, vocabulary\.json"):
        Bundle.load(folder)


def test_verify_notices_one_changed_byte(tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "bundle")
    bundle = Bundle.load(folder)
    content = bytearray((folder / "encoder.onnx").read_bytes())
    content[-1] ^= 1
    (folder / "encoder.onnx").write_bytes(content)
    with pytest.raises(BundleError, match=r"encoder\.onnx: was changed or damaged"):
        bundle.verify()


@pytest.mark.skipif(not installed(), reason="no model is bundled with this checkout")
def test_the_bundled_models_are_whole_and_described():
    for name, folder in installed().items():
        bundle = load_bundle(folder)
        bundle.verify()
        assert bundle.name == name
        on_disk = {path.name for path in folder.iterdir() if path.is_file()} - {"model.json"}
        assert on_disk - set(bundle.description["files"]) <= {"README.md"}
        assert sum(path.stat().st_size for path in folder.rglob("*")) < 25e6
        for field in ("licence", "training_data", "terms", "scores"):
            assert json.dumps(bundle.description[field]) not in ('""', "{}", "null"), field
        assert (folder / "README.md").is_file()
