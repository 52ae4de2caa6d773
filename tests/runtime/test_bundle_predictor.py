from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runtime.tiny_aligner import write_tiny_aligner

import seetell
from seetell.runtime.bundle import Bundle, bundled_models
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.tasks.retrieval.predict import BundleEmbedder

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))


class OneAtATime(BundleEmbedder):
    batch_per_thread = False


@pytest.mark.parametrize(("threads", "batch_size"), [(1, 16), (2, 8), (3, 6), (40, 1)])
def test_the_images_of_a_batch_are_divided_among_the_threads(threads: int, batch_size: int, tmp_path: Path):
    bundle = Bundle.load(write_tiny_aligner(tmp_path / "tiny"))
    predictor = BundleEmbedder(bundle, threads=threads)
    assert (predictor.batch_size, predictor.batches_at_once) == (batch_size, threads)
    assert BundleEmbedder.batch_size == BundlePredictor.batch_size == 16
    alone = OneAtATime(bundle, threads=threads)
    assert (alone.batch_size, alone.batches_at_once) == (16, 1)


def told(result: Any) -> Any:
    return result.whole.tolist() if hasattr(result, "whole") else result.to_dict()


def assert_alike(one: Any, other: Any) -> None:
    """Check that results are the same, but for the last digits of numbers, which the size of a batch may change."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list | tuple):
        for each, wanted in zip(one, other, strict=True):
            assert_alike(each, wanted)
    else:
        assert one == (pytest.approx(other, rel=1e-4, abs=1e-4) if isinstance(other, float) else other)


@pytest.mark.nightly
@pytest.mark.skipif(not bundled_models(), reason="no model is bundled with this checkout")
@pytest.mark.parametrize(
    "command", ["caption", "regions", "detect", "segment", "classify", "retrieval", "align", "read"]
)
def test_bundled_models_tell_the_same_on_any_number_of_threads(command: str):
    photos: list[Any] = [str(path) for path in EXAMPLES[:9]]
    if command == "align":
        photos = [(path, "a dog runs on grass") for path in photos]
    one, several = seetell.load(command, threads=1), seetell.load(command, threads=3)
    expected = [told(result) for result in one.predict_many(photos)]
    assert len(expected) == len(photos)
    prepared = [several.prepare(*(photo if isinstance(photo, tuple) else (photo,))) for photo in photos]
    for results in (several.predict_many(photos), several.predict_prepared(prepared)):
        for result, other in zip(results, expected, strict=True):
            assert_alike(told(result), other)
