"""A small model of no task: what is written, compared, refused and replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from captioned_shapes import write_shapes
from torch import Tensor, nn

from seetell.data import read
from seetell.errors import BundleError, UsageError
from seetell.export import exporter, graph_files
from seetell.export.declaration import Declaration, Examples, FeaturesGraph, GraphSpec, ParityCheck, encoder_graph
from seetell.export.description import portable_config
from seetell.export.exporter import export_run
from seetell.language.decoding import Decoding
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Features
from seetell.photos import Preprocessing
from seetell.runtime.sessions import Graph
from seetell.training.config import CardConfig


class SmallEncoder(nn.Module):
    """Convolutions with enough left to quantise behind the first, which stay in float."""

    def __init__(self) -> None:
        super().__init__()
        self.preprocessing = Preprocessing(height=16, width=16, mean=(127.0,) * 3, std=(128.0,) * 3)
        layers = [nn.Conv2d(3 if index == 0 else 8, 8, 3, padding=1) for index in range(5)]
        self.layers = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))

    def forward(self, images: Tensor) -> Features:
        activation = self.layers(images)
        return Features(activation.mean(dim=(2, 3)), activation.flatten(2).transpose(1, 2))


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 200)

    def forward(self, pooled: Tensor) -> tuple[Tensor, ...]:
        return (self.linear(pooled),)


CONFIG = {
    "name": "small",
    "data": {"path": "/here", "photos": None, "min_count": 1},
    "validation": {"photos": -1},
    "threads": 2,
}

pytestmark = pytest.mark.usefixtures("one_registry", "traced_once")


@pytest.fixture(scope="module")
def traced_once() -> Iterator[None]:
    """Trace each module once, as long as its weights stay as they are; most of an export's time goes there."""
    traced: dict[Any, tuple[Any, bytes]] = {}
    trace = GraphSpec.to_onnx

    def once(spec: GraphSpec) -> bytes:
        arrays = (*spec.module.parameters(), *spec.module.buffers())
        key = id(spec.module), *spec.inputs, *spec.outputs, *((id(array), array._version) for array in arrays)
        if key not in traced:
            traced[key] = spec.module, trace(spec)
        return traced[key][1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(GraphSpec, "to_onnx", once)
        yield


@pytest.fixture(scope="module")
def trained() -> SimpleNamespace:
    torch.manual_seed(0)
    return SimpleNamespace(
        config=SimpleNamespace(
            name="small",
            task="captioning",
            init_from="runs/first",
            encoder=SimpleNamespace(name="small_encoder"),
            card=SimpleNamespace(licence="CC0", training_data="twelve shapes", terms="none"),
            to_dict=lambda: CONFIG,
        ),
        vocabulary=Vocabulary.build([["a", "red", "square"]], min_count=1),
        encoder=SmallEncoder().eval(),
        model=Head().eval(),
        metadata={"step": 1200, "scores": {"accuracy": 0.5}},
    )


@pytest.fixture(scope="module")
def examples(trained, tmp_path_factory) -> Examples:
    dataset = read(write_shapes(tmp_path_factory.mktemp("shapes")))
    return Examples(dataset.split("train"), dataset.split("val"), trained.encoder.preprocessing)


@pytest.fixture(scope="module")
def declared(trained, examples) -> Declaration:
    head = GraphSpec(
        name="head",
        module=trained.model,
        examples=(torch.ones(3, 8),),
        inputs=("pooled",),
        outputs=("logits",),
        dynamic_shapes=({0: torch.export.Dim("photos", min=1)},),
        tolerance=1e-3,
    )
    return Declaration(
        architecture="linear",
        graphs=(encoder_graph(FeaturesGraph(trained.encoder, with_grid=True), ("pooled", "grid"), examples), head),
        examples=examples,
        models=(trained.model,),
        settings={"decoding": Decoding().to_dict()},
    )


def written(trained: Any, declared: Declaration, target: Path, **options: Any) -> dict[str, Any]:
    """Export a model of a task that declares this."""
    task = SimpleNamespace(about_settings=lambda settings: (), load=lambda part: lambda given: declared)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(exporter, "load_trained", lambda run, build, sections: trained)
        return export_run(Path("run"), target, find_task=lambda name: task, **options)


@pytest.mark.slow
def test_what_is_written(trained, declared, tmp_path: Path):
    description = written(trained, replace(declared, labels=("cat", "dog")), tmp_path / "bundle")
    assert json.loads((tmp_path / "bundle" / "model.json").read_text()) == json.loads(json.dumps(description))
    assert (description["name"], description["task"], description["architecture"]) == ("small", "captioning", "linear")
    assert description["graphs"] == {
        "encoder": {
            "int8": "encoder.int8.onnx",
            "fp32": "encoder.onnx",
            "default": "int8",
            "inputs": ["images"],
            "outputs": ["pooled", "grid"],
        },
        "head": {"fp32": "head.onnx", "default": "fp32", "inputs": ["pooled"], "outputs": ["logits"]},
    }
    assert "shared" not in description
    assert description["vocabulary"]["size"] == len(trained.vocabulary)
    assert description["labels"]["size"] == 2
    assert json.loads((tmp_path / "bundle" / "labels.json").read_text()) == ["cat", "dog"]
    assert description["parameters"] == {"encoder": 4 * 584 + 224, "model": 1800}
    assert (description["started_from"], description["trained_steps"]) == ("first", 1200)
    assert description["scores"] == {"val": {"accuracy": 0.5, "command": "seetell train small"}}
    assert description["config"] == {"name": "small", "data": {"min_count": 1}, "validation": {"photos": -1}}
    assert set(description["parity"]) == {
        "encoder_fp32_max_difference",
        "encoder_int8_cosine_distance",
        "head_max_difference",
    }
    assert set(description["files"]) == {path.name for path in (tmp_path / "bundle").iterdir()} - {
        "model.json",
        "README.md",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.slow
def test_unstated_rights_are_those_of_the_bundle_it_started_from(trained, declared, tmp_path: Path):
    first = written(trained, declared, tmp_path / "first")
    assert first["licence"] == "CC0"
    config = SimpleNamespace(**{**vars(trained.config), "init_from": str(tmp_path / "first"), "card": CardConfig()})
    second = written(SimpleNamespace(**{**vars(trained), "config": config}), declared, tmp_path / "second")
    assert (second["licence"], second["terms"]) == ("CC0", "none")
    assert second["training_data"] == "the photos of this run; before, as small: twelve shapes"
    config.card = CardConfig(licence="mine", training_data="mine")
    third = written(SimpleNamespace(**{**vars(trained), "config": config}), declared, tmp_path / "third")
    assert (third["licence"], third["training_data"], third["terms"]) == ("mine", "mine", "none")


@pytest.mark.slow
def test_one_precision(trained, declared, tmp_path: Path):
    for precision, file in (("fp32", "encoder.onnx"), ("int8", "encoder.int8.onnx")):
        target = tmp_path / precision
        description = written(trained, declared, target, precisions=[precision], name="other")
        assert description["name"] == "other"
        assert {path.name for path in target.glob("encoder*")} == {file}
        assert description["graphs"]["encoder"]["default"] == precision
        assert "encoder_fp32_max_difference" in description["parity"]
    with pytest.raises(UsageError, match="--precision: unknown precision 'int4'"):
        written(trained, declared, tmp_path / "wrong", precisions=["int4"])


@pytest.mark.parametrize("weights", ["own", "half", "shared"])
def test_where_weights_are_kept(trained, declared, tmp_path: Path, weights):
    encoder, head = declared.graphs
    changed = replace(
        declared,
        graphs=(replace(encoder, quantise=""), replace(head, weights=weights)),
        weights={"linear": trained.model.linear.state_dict()} if weights == "shared" else {},
    )
    written(trained, changed, tmp_path / "bundle")
    graph = tmp_path / "bundle" / "head.onnx"
    assert not onnx.load(graph, load_external_data=False).graph.value_info
    assert (graph.stat().st_size < 5000) == (weights != "own")
    assert (tmp_path / "bundle" / "weights.safetensors").exists() == (weights == "shared")
    kinds = {array.data_type for array in onnx.load(graph, load_external_data=False).graph.initializer}
    assert (onnx.TensorProto.FLOAT16 in kinds) == (weights != "own")
    pooled = np.ones((1, 8), np.float32)
    (logits,) = Graph(graph, threads=1).run({"pooled": pooled}, ["logits"])
    expected = trained.model(torch.from_numpy(pooled))[0].detach().numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-5 if weights == "own" else 5e-3)


def test_decoding_defaults_are_replaced_before_anything_is_written(trained, declared, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(graph_files, "quantise", lambda *given: pytest.fail("written"))
    monkeypatch.setattr(GraphSpec, "to_onnx", lambda spec: pytest.fail("written"))
    with pytest.raises(UsageError, match="beam"):
        written(trained, declared, tmp_path / "bundle", decoding={"beams": 2})
    with pytest.raises(UsageError, match="a model for captioning generates no text"):
        written(trained, replace(declared, settings={}), tmp_path / "bundle", decoding={"beam_size": 2})
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_differs_from_torch_is_refused(trained, declared, tmp_path: Path, monkeypatch):
    def careless(source: Path, target: Path, images: np.ndarray) -> None:
        """Replace every weight by its sign."""
        model = onnx.load(source)
        for array in model.graph.initializer:
            if len(array.dims) == 4:
                signs = np.sign(onnx.numpy_helper.to_array(array))
                array.CopyFrom(onnx.numpy_helper.from_array(signs, array.name))
        onnx.save(model, target)

    monkeypatch.setattr(graph_files, "quantise", careless)
    with pytest.raises(BundleError, match=r"encoder_int8_cosine_distance is .* at most 0.05 is allowed; nothing was"):
        written(trained, declared, tmp_path / "refused")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("difference", [0.2, float("nan")])
def test_a_check_of_the_task_is_held_to_its_tolerance(trained, declared, tmp_path: Path, difference):
    seen = {}

    def measure(graphs: Any) -> float:
        seen.update(graphs)
        return difference

    check = ParityCheck(name="box_difference", tolerance=0.1, measure=measure)
    with pytest.raises(BundleError, match=r"box_difference is (0.2|nan), at most 0.1 is allowed"):
        written(trained, replace(declared, checks=(check,)), tmp_path / "refused")
    assert set(seen) == {"head"}
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_kept_unless_replaced(trained, declared, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    with pytest.raises(BundleError, match="exists; name another folder"):
        written(trained, declared, tmp_path / "mine")
    assert (tmp_path / "mine" / "diary.txt").exists()
    written(trained, declared, tmp_path / "mine", replace=True, precisions=["fp32"])
    assert not (tmp_path / "mine" / "diary.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_encoder_that_is_another_models(trained, declared, tmp_path: Path):
    first = written(trained, declared, tmp_path / "first")
    second = written(trained, declared, tmp_path / "second", encoder_of="first")
    assert not list((tmp_path / "second").glob("encoder*"))
    assert second["graphs"] == first["graphs"]
    hashes = {"int8": first["files"]["encoder.int8.onnx"], "fp32": first["files"]["encoder.onnx"]}
    assert second["shared"] == {"encoder": {"model": "first", "sha256": hashes}}
    assert "- **Shared encoder:** that of `first`" in (tmp_path / "second" / "README.md").read_text()
    torch.manual_seed(1)
    other = replace(declared.graphs[0], module=FeaturesGraph(SmallEncoder().eval(), with_grid=True))
    with pytest.raises(BundleError, match="encoder_fp32_max_difference is"):
        written(trained, replace(declared, graphs=(other,)), tmp_path / "third", encoder_of="first")
    encoder = SmallEncoder()
    encoder.preprocessing = replace(encoder.preprocessing, height=8)
    changed = SimpleNamespace(**{**vars(trained), "encoder": encoder})
    with pytest.raises(BundleError, match="prepares images in another way"):
        written(changed, declared, tmp_path / "third", encoder_of="first")
    with pytest.raises(UsageError, match="unknown model 'no-such'"):
        written(trained, declared, tmp_path / "third", encoder_of="no-such")
    with pytest.raises(UsageError, match="small has no graph 'encoder'"):
        written(trained, replace(declared, graphs=declared.graphs[1:]), tmp_path / "third", encoder_of="first")


def test_a_portable_configuration_names_no_place():
    content = {
        "data": {"path": "/here", "photos": "/there", "captions": None, "format": None},
        "encoder": {"name": "x", "cache": ".cache"},
        "validation": {"photos": 1000},
        "captioner": {"words": 520},
        "synthetic": {"words": "/usr/share/dict/words", "fonts": "/usr/share/fonts", "difficulty": 1},
        "init_from": "runs/a",
        "device": "cuda",
    }
    kept = {
        "data": {"format": None},
        "encoder": {"name": "x"},
        "validation": {"photos": 1000},
        "captioner": {"words": 520},
        "synthetic": {"difficulty": 1},
    }
    assert portable_config(content) == kept


def test_examples_skip_unreadable_photos(trained, examples, tmp_path: Path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    broken = replace(examples.train[0], path=tmp_path / "broken.png")
    some = Examples([broken, *examples.train[:3]], [], trained.encoder.preprocessing)
    assert some.comparison.shape == some.calibration.shape == (3, 3, 16, 16)
    with pytest.raises(BundleError, match="at least two readable photos"):
        _ = Examples([broken, examples.train[0]], [], trained.encoder.preprocessing).comparison
