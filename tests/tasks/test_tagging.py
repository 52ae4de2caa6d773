from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from runtime.tiny_bundle import write_tiny_bundle
from runtime.tiny_tagger import CLASSES, DETECTED, OBJECTS, add_tagger

from seetell.runtime.bundle import Bundle
from seetell.tasks.tagging import CachedTags, PhotoTagger

NAMES = ("imagenet", "objects", "object_boxes", "words", "detections")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    return Bundle.load(add_tagger(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")))


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    for name, colour in {"red": (250, 0, 0), "blue": (0, 0, 250)}.items():
        photo = Image.new("RGB", (24, 24), colour)
        photo.paste((0, 250, 0), (0, 0, 12, 12))
        photo.save(folder / f"{name}.png")
    return sorted(folder.iterdir())


def test_tags_are_cached_and_read_by_name(bundle, photos, tmp_path):
    tagger = PhotoTagger(bundle, NAMES, threads=1)
    shapes = {"imagenet": (CLASSES,), "objects": (3,), "object_boxes": (3, 5), "words": (4,), "detections": (20, 6)}
    assert tagger.features == shapes
    assert (tagger.objects, tagger.words) == (tuple(OBJECTS), tuple(DETECTED))
    cache, failures = tagger.cache(str(tmp_path), photos, flips=True, progress=lambda done, total: None)
    assert failures == {}
    tags = CachedTags(tagger, cache).read(photos, 0)
    assert {name: found.shape[1:] for name, found in tags.items()} == shapes
    assert (tags["imagenet"][0] != tags["imagenet"][1]).any()
    mirrored = CachedTags(tagger, cache).read(photos, np.array([1, 0]))
    assert torch.equal(mirrored["objects"][1], tags["objects"][1])
    boxes, other = (found["detections"][0, :, 2:] for found in (tags, mirrored))
    assert not torch.equal(boxes, other)  # the green quarter is on the other side
    again, _ = PhotoTagger(bundle, NAMES, threads=1).cache(str(tmp_path), photos, flips=True, progress=print)
    assert again.folder == cache.folder


def test_what_is_not_asked_for_is_not_recorded(bundle):
    everything, some = PhotoTagger(bundle, NAMES, threads=1), PhotoTagger(bundle, ("objects",), threads=1)
    assert some.features == {"objects": (3,)}
    assert some.hash != everything.hash
    assert len(some.preprocessings) == 2  # without words, the encoder's is not needed
    assert len(everything.preprocessings) == 3
