from __future__ import annotations

import hashlib
import json
import math
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from runtime.tiny_bundle import NAME, WORDS, write_tiny_bundle

from seetell.errors import BundleError, UsageError
from seetell.language.vocabulary import Vocabulary
from seetell.runtime import bundle as bundle_module
from seetell.runtime.bundle import Bundle, bundled_models, read_description
from seetell.runtime.file_hashes import file_hash


def rewrite(folder: Path, **changes: Any) -> Path:
    """Replace fields of a bundle's description."""
    (folder / "model.json").write_text(json.dumps({**read_description(folder), **changes}))
    return folder


def test_a_complete_bundle_reads_and_verifies(tiny_bundle: Path):
    bundle = Bundle.load(tiny_bundle)
    assert (bundle.name, bundle.task, bundle.labels) == (NAME, "captioning", None)
    assert bundle.preprocessing.width == 8
    assert set(WORDS) < set(bundle.require_vocabulary().words)
    assert bundle.graph("encoder").name == "encoder.int8.onnx"
    assert bundle.graph("encoder", "fp32").name == "encoder.onnx"
    assert bundle.precisions("encoder") == ("int8", "fp32")
    assert (bundle.graphs["encoder"].inputs, bundle.graphs["encoder"].outputs) == (("images",), ("pooled",))
    with pytest.raises(UsageError, match=r"precision 'fp16'.*fp32, int8"):
        bundle.graph("encoder", "fp16")
    with pytest.raises(BundleError, match=r"no graph 'grounding'; it is a model for the task 'captioning'"):
        bundle.graph("grounding")
    bundle.verify()


ENCODER = {"fp32": "encoder.onnx", "default": "fp32", "inputs": ["images"], "outputs": ["pooled"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 1}, "bundle format 1, this seetell reads 2; export the model again"),
        ({"format": None}, "bundle format None"),
        ({"name": None}, "lacks 'name'"),
        ({"name": 7}, "name must be text"),
        ({"task": ["captioning"]}, "task must be text"),
        ({"preprocessing": {"height": 8}}, "width"),
        ({"preprocessing": {"height": 8, "width": 8, "colour": 1}}, "colour"),
        ({"preprocessing": {"height": 8, "width": 8, "fit": "squeeze"}}, "fit"),
        ({"preprocessing": []}, "model.json"),
        ({"settings": []}, "settings must be an object"),
        ({"settings": None}, "lacks 'settings'"),
        ({"graphs": {"encoder": ENCODER | {"default": "int8"}}}, "unknown default precision 'int8'"),
        ({"graphs": {"encoder": {"fp32": "encoder.onnx"}}}, "lacks 'default'"),
        ({"graphs": {"encoder": {"fp32": "encoder.onnx", "default": "fp32"}}}, "lacks 'inputs'"),
        ({"graphs": {"encoder": ENCODER | {"fp32": "../encoder.onnx"}}}, "plain names"),
        ({"graphs": {"encoder": ENCODER | {"fp32": 3}}}, "plain names"),
        ({"graphs": {"encoder": ENCODER | {"fp32": "absent.onnx"}}}, "lacks absent.onnx"),
        ({"graphs": {"encoder": "encoder.onnx"}}, "model.json"),
        ({"graphs": []}, "model.json"),
        ({"files": {"/etc/passwd": "0"}}, "plain names"),
        ({"files": ["vocabulary.json"]}, "model.json"),
        ({"shared": ["encoder"]}, "model.json"),
        ({"graphs": {"encoder": ENCODER | {"inputs": 3}}}, "model.json"),
        ({"graphs": {"encoder": ENCODER | {"inputs": ["images", []]}}}, "lists of names"),
        ({"graphs": {"encoder": ENCODER | {"fp32": "a" * 1000}}}, "lacks aaa"),
        ({"shared": {"encoder": {"model": "a" * 1000, "sha256": {}}}}, "unknown model 'aaa"),
        ({"preprocessing": {"height": math.inf, "width": 8}}, "size must be positive"),
        ({"vocabulary": {"file": "vocabulary.json"}}, "lacks 'sha256'"),
        ({"vocabulary": {"file": "vocabulary.json", "sha256": "0" * 64, "size": 3}}, "expected 3 entries with hash 00"),
        ({"shared": {"encoder": {"model": "nobody", "sha256": {}}}}, "unknown model 'nobody'"),
        ({"shared": {"encoder": {"model": "../nobody", "sha256": {}}}}, "plain names"),
    ],
)
def test_a_description_that_does_not_fit_is_an_error(changes: dict[str, object], message: str, tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "changed", **changes)
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    assert message in str(caught.value)
    assert str(folder) in str(caught.value)


def test_settings_are_parsed_when_they_are_asked_for(tmp_path: Path):
    bundle = Bundle.load(write_tiny_bundle(tmp_path / "tiny", settings={"max_words": "8", "sizes": {}}))
    assert bundle.setting("max_words", int) == 8
    for parse, message in (
        (lambda sizes: sizes["width"], r"settings\.sizes lacks 'width'; export"),
        (int, r"settings\.sizes: int\(\) argument must be .*; export"),
    ):
        with pytest.raises(BundleError, match=message):
            bundle.setting("sizes", parse)
    with pytest.raises(BundleError, match=r"lacks 'settings\.decoding'; export"):
        bundle.setting("decoding", str)


@pytest.mark.parametrize("grid", [None, 7, [7], [7, 0], [7, True]])
def test_an_unknown_grid_is_an_error_once_it_is_asked_for(grid: object, tmp_path: Path, attending_bundle: Path):
    assert Bundle.load(attending_bundle).grid == (2, 3)
    bundle = Bundle.load(write_tiny_bundle(tmp_path / "unclear", settings={"grid": grid}))
    with pytest.raises(BundleError, match=r"settings\.grid: expected the rows and columns"):
        _ = bundle.grid


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_broken_description_is_an_error(content: str, tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "broken")
    (folder / "model.json").write_text(content)
    with pytest.raises(BundleError, match="JSON"):
        Bundle.load(folder)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"name": ' * 100_000])
def test_a_description_that_is_nested_too_deeply_is_an_error(content: str, tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "deep")
    for name in ("vocabulary.json", "model.json"):
        (folder / name).write_text(content)
        with pytest.raises(BundleError, match="nested too deeply"):
            Bundle.load(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and devices")
@pytest.mark.parametrize("name", ["model.json", "vocabulary.json", "encoder.onnx", "decoder_step.onnx", "README.md"])
def test_pipes_and_devices_are_errors_at_once(name: str, tmp_path: Path):
    for kind in ("pipe", "zero"):
        folder = write_tiny_bundle(tmp_path / kind)
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name) if kind == "pipe" else (folder / name).symlink_to("/dev/zero")
        with pytest.raises(BundleError, match=r"pipe or device|lacks"):
            Bundle.load(folder).card()


def test_a_description_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seetell.regular_file.MAX_JSON", 100)
    with pytest.raises(BundleError, match="more than 100 bytes"):
        Bundle.load(write_tiny_bundle(tmp_path / "large"))


@pytest.mark.parametrize("content", ['{"min_count": 1e999, "words": []}', '{"min_count": 1, "words": ["\\ud800"]}'])
def test_a_vocabulary_that_is_none_is_an_error(content: str, tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "odd")
    (folder / "vocabulary.json").write_text(content)
    with pytest.raises(BundleError, match="not a vocabulary file"):
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
    with pytest.raises(BundleError, match="not a model folder"):
        Bundle.load(tmp_path)


def test_a_model_may_have_labels_and_no_vocabulary(tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "labelled", vocabulary=None)
    content = json.dumps(["cat", "dog"]).encode()
    (folder / "labels.json").write_bytes(content)
    entry = {"file": "labels.json", "sha256": hashlib.sha256(content).hexdigest(), "size": 2}
    bundle = Bundle.load(rewrite(folder, labels=entry))
    assert (bundle.labels, bundle.vocabulary) == (("cat", "dog"), None)
    with pytest.raises(BundleError, match="lacks 'vocabulary'"):
        bundle.require_vocabulary()
    with pytest.raises(BundleError, match=r"labels\.json is not the one .*expected 3 labels, got 2"):
        Bundle.load(rewrite(folder, labels={**entry, "size": 3}))
    for wrong, message in (('["cat", 3]', "expected a list of the names"), ("{", "cannot be read as JSON")):
        (folder / "labels.json").write_text(wrong)
        with pytest.raises(BundleError, match=message):
            Bundle.load(folder)


def test_a_graph_may_be_another_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    owner = write_tiny_bundle(tmp_path / "owner", seed=1)
    shared = {"encoder": {"model": "owner", "sha256": {"fp32": file_hash(owner / "encoder.onnx")}}}
    folder = write_tiny_bundle(tmp_path / "user", shared=shared)
    assert Bundle.load(folder).graph("encoder", "fp32") == owner / "encoder.onnx"
    other = write_tiny_bundle(tmp_path / "elsewhere" / "user", shared=shared)
    with pytest.raises(BundleError, match="unknown model 'owner'"):
        Bundle.load(other)
    monkeypatch.setattr(bundle_module, "BUNDLES", tmp_path)
    assert Bundle.load(other).graph("encoder") == owner / "encoder.int8.onnx"
    with open(owner / "encoder.onnx", "ab") as file:
        file.write(b"\0")
    with pytest.raises(BundleError, match=r"owner/encoder\.onnx: was changed or damaged; install or export"):
        Bundle.load(folder)
    rewrite(owner, files={**read_description(owner)["files"], "encoder.onnx": file_hash(owner / "encoder.onnx")})
    with pytest.raises(BundleError, match=r"made for another encoder than .* is now; export it again"):
        Bundle.load(folder)
    (owner / "encoder.onnx").unlink()
    with pytest.raises(BundleError, match=rf"user: lacks {re.escape(str(owner / 'encoder.onnx'))};"):
        Bundle.load(folder)


def test_verify_notices_one_changed_byte(tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "bundle")
    bundle = Bundle.load(folder)
    content = bytearray((folder / "encoder.onnx").read_bytes())
    content[-1] ^= 1
    (folder / "encoder.onnx").write_bytes(content)
    with pytest.raises(BundleError, match=r"encoder\.onnx: was changed or damaged"):
        bundle.verify()


@pytest.mark.skipif(not bundled_models(), reason="no model is bundled with this checkout")
def test_the_bundled_models_are_whole_and_described():
    for name, folder in bundled_models().items():
        bundle = Bundle.load(folder)
        bundle.verify()
        assert bundle.name == name
        on_disk = {path.name for path in folder.iterdir() if path.is_file()} - {"model.json"}
        assert on_disk - set(bundle.description["files"]) <= {"README.md"}
        assert sum(path.stat().st_size for path in folder.rglob("*")) < 25e6
        for field in ("licence", "training_data", "terms", "scores"):
            assert json.dumps(bundle.description[field]) not in ('""', "{}", "null"), field
        assert bundle.card().startswith(f"# {name}\n")
