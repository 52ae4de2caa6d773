"""What the everyday captioner begins as and what it learns from, in one file: see ``pack.py``."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import load, save

from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import Vocabulary

TRAINING = ("flickr_train", "coco_train")
DEVELOPMENT = ("flickr_dev", "coco_dev")
SETS = (*TRAINING, "coco_unlabelled", *DEVELOPMENT)
"""Sets of photos; no photo or sentence of ``DEVELOPMENT`` is trained on."""

DIMENSIONS = 50
"""Of the vectors of words."""

VIEWS = 2
"""Every photo as it is, and mirrored."""


@dataclass(frozen=True)
class PhotoSet:
    """Photos of one origin.

    Attributes:
        names: of ``N`` photos, unique.
        captions: reference captions of each; none of unlabelled photos.
        boxed: for each photo the classes that have a box, ``None`` where nobody drew boxes.
        objects: ``(N, 2, 80)`` float32, the highest score of each object class.
        object_boxes: ``(N, 2, 80, 5)`` float32, its box and count; see :class:`seetell.runtime.tags.ImageTags`.
    """

    names: tuple[str, ...]
    captions: tuple[tuple[str, ...], ...]
    boxed: tuple[tuple[str, ...] | None, ...]
    objects: np.ndarray
    object_boxes: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def tokens(self) -> list[list[list[str]]]:
        """The captions of each photo as words."""
        return [[tokenize(caption) for caption in photo] for photo in self.captions]


@dataclass(frozen=True)
class Start:
    """The captioner that training begins with.

    Attributes:
        sizes: fields of its ``TransformerConfig``.
        vocabulary: its words.
        weights: by name, float32.
    """

    sizes: dict[str, Any]
    vocabulary: Vocabulary
    weights: dict[str, np.ndarray]


class Corpus:
    """A pack, opened.

    Attributes:
        start: the captioner that training begins with.
        sets: by name, one of ``SETS``.
        sentences: sentences of photos that are not in the pack, as words.
        owners: the photo that each describes, ``(S,)`` int64, numbered from 0.
        vectors: of words, 50 dimensions, by which words that are new to the captioner find known ones like them.
    """

    def __init__(self, file: Path) -> None:
        self._zip = zipfile.ZipFile(file)
        content = json.loads(self._zip.read("corpus.json"))
        arrays = np.load(io.BytesIO(self._zip.read("arrays.npz")))
        self.sets = {
            name: PhotoSet(
                tuple(entry["names"]),
                tuple(map(tuple, entry["captions"])),
                tuple(None if classes is None else tuple(classes) for classes in entry["boxed"]),
                arrays[f"{name}.objects"].astype(np.float32),
                arrays[f"{name}.boxes"].astype(np.float32),
            )
            for name, entry in content["sets"].items()
        }
        self.sentences = [tokenize(sentence) for _, sentence in content["sentences"]]
        _, self.owners = np.unique([photo for photo, _ in content["sentences"]], return_inverse=True)
        weights = load(self._zip.read("captioner.safetensors"))
        self.start = Start(
            content["captioner"],
            Vocabulary(tuple(content["vocabulary"])),
            {name: each.astype(np.float32) if each.dtype == np.float16 else each for name, each in weights.items()},
        )
        self.vectors = dict(zip(content["words"], arrays["vectors"].astype(np.float32), strict=True))

    def photo(self, name: str, index: int) -> Image.Image:
        """Return a photo of a set."""
        with Image.open(io.BytesIO(self._zip.read(f"{name}/{index}"))) as photo:
            return photo.convert("RGB")


def write_corpus(
    file: Path,
    sets: dict[str, PhotoSet],
    photos: dict[str, Sequence[bytes]],
    sentences: Sequence[tuple[int, str]],
    vectors: dict[str, np.ndarray],
    start: Start,
) -> None:
    """Write a pack.

    Args:
        file: to write.
        sets: by name.
        photos: the image file of each photo of each set.
        sentences: the number of the photo described, and the sentence.
        vectors: of words.
        start: the captioner that training begins with.
    """
    described = {
        name: {"names": photo_set.names, "captions": photo_set.captions, "boxed": photo_set.boxed}
        for name, photo_set in sets.items()
    }
    arrays = {"vectors": np.array([*vectors.values()], np.float16).reshape(-1, DIMENSIONS)}
    for name, photo_set in sets.items():
        arrays[f"{name}.objects"] = photo_set.objects.astype(np.float16)
        arrays[f"{name}.boxes"] = photo_set.object_boxes.astype(np.float16)
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    with zipfile.ZipFile(file, "w") as archive:
        content = {"sets": described, "sentences": sentences, "words": [*vectors]}
        content |= {"captioner": start.sizes, "vocabulary": start.vocabulary.words}
        archive.writestr("corpus.json", json.dumps(content), zipfile.ZIP_DEFLATED)
        archive.writestr("captioner.safetensors", save(start.weights))
        archive.writestr("arrays.npz", packed.getvalue())
        for name, images in photos.items():
            for index, image in enumerate(images):
                archive.writestr(f"{name}/{index}", image)
