from __future__ import annotations

import functools
import gc
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import described_boxes
import hypothesis
import pytest
import small_encoder as small
from runtime.fake_hub import FakeHub, fake_hub
from runtime.tiny_aligner import write_tiny_aligner
from runtime.tiny_bundle import write_tiny_bundle

gc.disable()  # until all tests are collected: nothing of what is imported is garbage, and it is a quarter of that time
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch loads: tests run side by side, threads would only wait
hypothesis.settings.register_profile("busy machine", deadline=None, derandomize=True)
hypothesis.settings.load_profile("busy machine")

GARBAGE = 10_000
"""Objects made, less those let go, after which garbage is looked for: fourteen times as many as usually."""

ALL_MARKED = re.compile(r"^pytestmark = \[?pytest\.mark\.(slow|nightly)\b", re.MULTILINE)
LEFT_OUT = {"not slow": ("slow", "nightly"), "slow and not nightly": ("nightly",)}
"""Marks of the tests that do not run, by what ``-m`` says."""
TRAINED = {"dense_bundle", "characters_bundle"}
"""Fixtures that take many seconds."""
PARAPHRASES = "seetell.metrics.meteor.scorer.read_paraphrases"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the tests out in our own way, unless ``--dist`` says how."""
    from sharing_out import BySharedFixtures

    return BySharedFixtures(config, log) if config.getoption("dist") == "load" else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import files of whose tests none is to run, unless they are named: some load large libraries."""
    left_out = LEFT_OUT.get(config.option.markexpr, ())
    named = any(Path(arg.partition("::")[0]).resolve() == collection_path for arg in config.args)
    if not left_out or named or not collection_path.name.startswith("test_"):
        return None
    marked = ALL_MARKED.search(collection_path.read_text(encoding="utf-8"))
    return True if marked and marked[1] in left_out else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """What is for the night is slow, and what needs a model that is trained and exported first."""
    if item.get_closest_marker("nightly") or not TRAINED.isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Keep what is imported by now out of the search for garbage, which goes through it again and again otherwise."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    gc.enable()


def pytest_sessionfinish() -> None:
    """Let it go at the end."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A caption bundle with random weights, not to be written to."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="session")
def attending_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that attends to two rows of three places; it says what the other says. Not to be written to."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "attending", grid=(2, 3))


@pytest.fixture(scope="session")
def tiny_aligner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An aligner that knows colours, not to be written to."""
    return write_tiny_aligner(tmp_path_factory.mktemp("bundles") / "colours")


@pytest.fixture(scope="session")
def tiny_hub(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a model of transformers with random weights, by its kind, such as ``blip``; to be read only."""
    from runtime import tiny_hub

    folder = tmp_path_factory.mktemp("hub")
    return functools.cache(lambda name: tiny_hub.make(name, folder / name))


@pytest.fixture(scope="session")
def small_encoder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a recipe says of a small encoder with random weights, the same for all runs."""
    small.register()
    weights = tmp_path_factory.mktemp("encoder") / "weights.safetensors"
    small.write_weights(weights)
    return {"name": small.NAME, "weights": str(weights)}


@pytest.fixture(scope="session")
def one_registry() -> Iterator[None]:
    """Let torch's exporter gather its operators once, not for each graph: most of the time that a small graph takes."""
    import torchvision.ops  # noqa: F401 its operators are gathered, too
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ONNXRegistry, "from_torchlib", staticmethod(functools.cache(ONNXRegistry.from_torchlib)))
        yield


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub on this machine, which nobody waits for."""
    monkeypatch.setattr("seetell.runtime.download.FIRST_WAIT", 0.0)
    with fake_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def no_paraphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let METEOR do without its table of five million paraphrases, which takes seconds to go through."""
    monkeypatch.setattr(PARAPHRASES, lambda file, sentences: {})


@pytest.fixture(scope="session")
def dense_run(tmp_path_factory: pytest.TempPathFactory, small_encoder: dict[str, str]) -> Path:
    """The run of a dense captioner that has begun to learn coloured boxes; not to be written to."""
    from training_runs import configured, loop_of

    from seetell.data.regions import read_regions

    folder = tmp_path_factory.mktemp("dense")
    boxes = described_boxes.write_described_boxes(folder / "boxes")
    config = configured(described_boxes.dense_run(boxes, small_encoder, folder / "cache"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PARAPHRASES, lambda file, sentences: {})
        patched.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
        loop_of(config, read_regions(boxes), folder / "run").run()
    return folder / "run"


@pytest.fixture(scope="session")
def dense_bundle(dense_run: Path, one_registry: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That dense captioner as a bundle, not to be written to."""
    from seetell.export.exporter import export_run
    from seetell.tasks.registry import find_task

    target = tmp_path_factory.mktemp("bundles") / "boxes"
    export_run(dense_run, target, find_task=find_task, precisions=("fp32",))  # random weights do not fit into 8 bits
    return target
