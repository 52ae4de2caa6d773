"""Encode every photo of a pack, as it is and mirrored.

    python scripts/everyday/make_features.py everyday.pack work

For each set of photos ``work`` then holds ``SET.grid.npy`` ``(N, 2, 64, 1280)`` float16 and ``SET.imagenet.npy``
``(N, 2, 1000)`` float32: the captioner's grid, and the logits of the bundled classifier.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from arguments import script_arguments
from corpus import SETS, VIEWS, Corpus, PhotoSet
from safetensors.torch import load_file
from torch import Tensor

from seetell.nn.backbones import Encoder, Tags, create_encoder
from seetell.photos.preprocessing import Preprocessing
from seetell.runtime.bundle import Bundle, bundled_models
from seetell.runtime.sessions import Graph
from seetell.tasks.classification.imagenet import published_classifier

BATCH = 32
ENCODER_OF = "everyday-transformer"
"""The bundle that has the encoder."""


def bundled_encoder() -> Encoder:
    """Return the encoder of that bundle."""
    bundle = Bundle.load(bundled_models()[ENCODER_OF])
    encoder = create_encoder(bundle.description["encoder"], weights="none", image_size=bundle.preprocessing.height)
    weights = load_file(bundle.folder / "weights.safetensors")
    own = {name.removeprefix("encoder."): each for name, each in weights.items() if name.startswith("encoder.")}
    encoder.load_state_dict({name: each.float() if each.is_floating_point() else each for name, each in own.items()})
    return encoder.eval()


class FeatureWriter:
    """The two encoders, on a device.

    Args:
        device: to compute on.
        encoder: of the captioner; the bundled one when absent.
    """

    def __init__(self, device: torch.device, encoder: Encoder | None = None) -> None:
        self._device = device
        self._encoder = (encoder or bundled_encoder()).to(device)
        classifier = Bundle.load(bundled_models()["imagenet-efficientnet-lite2"])
        self._imagenet = published_classifier(classifier.description["encoder"])[0].to(device)
        self._logits = Graph.open(classifier, "classifier", threads=1)  # calibrated

    @property
    def preprocessings(self) -> tuple[Preprocessing, Preprocessing]:
        """How photos are prepared for each."""
        return self._encoder.preprocessing, self._imagenet.preprocessing

    @torch.no_grad()
    def encode(self, images: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return grids ``(B, L, D)`` and logits ``(B, 1000)`` of images prepared for each encoder."""
        one, other = (torch.from_numpy(each).to(self._device) for each in images)
        grid = self._encoder(one).grid
        assert grid is not None
        pooled = self._imagenet(other).pooled.cpu().numpy()
        return grid.half().cpu().numpy(), self._logits.run({"pooled": pooled}, ["logits"])[0]


def prepared(
    corpus: Corpus, name: str, ways: tuple[Preprocessing, ...], workers: int
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the photos of a set in batches, each photo followed by its mirror image, for each preprocessing."""

    def views(index: int) -> list[np.ndarray]:
        photo = corpus.photo(name, index)
        return [np.stack([image, image[..., ::-1]]) for image in (way(photo) for way in ways)]

    count = len(corpus.sets[name])
    with ThreadPoolExecutor(workers) as pool:
        for first in range(0, count, BATCH):
            batch = list(pool.map(views, range(first, min(first + BATCH, count))))
            yield tuple(np.concatenate(each) for each in zip(*batch, strict=True))


def main(pack: Path, work: Path, *, device: torch.device, workers: int) -> None:
    """Encode all photos that are not encoded yet."""
    corpus, writer = Corpus(pack), None
    work.mkdir(parents=True, exist_ok=True)
    for name in SETS:
        target = work / f"{name}.grid.npy"
        if target.exists():
            continue
        writer = writer or FeatureWriter(device)
        count, unfinished, logits = len(corpus.sets[name]), work / "unfinished.npy", []
        grids = np.lib.format.open_memmap(unfinished, "w+", np.float16, (count, VIEWS, 64, 1280))
        for number, images in enumerate(prepared(corpus, name, writer.preprocessings, workers)):
            grid, scores = writer.encode(images)
            grids[number * BATCH : number * BATCH + BATCH] = grid.reshape(-1, *grids.shape[1:])
            logits.append(scores)
        grids.flush()
        np.save(work / f"{name}.imagenet.npy", np.concatenate(logits).reshape(count, VIEWS, -1))
        unfinished.rename(target)
        print(f"{name}: {count} photos encoded", flush=True)


class Photos:
    """A set of photos with everything that the captioner reads.

    Attributes:
        set: names and captions.
        grid: ``(N, 2, 64, 1280)`` float16.
        imagenet: ``(N, 2, 1000)``.
        words: ``(N, 2, W)``, probabilities of the detected words; empty before they are learnt.
        presence: ``(N, 2, 80)``, logits; empty before.
    """

    def __init__(self, corpus: Corpus, work: Path, name: str, *, device: torch.device) -> None:
        self.set: PhotoSet = corpus.sets[name]
        self.device = device
        self.grid = np.load(work / f"{name}.grid.npy", mmap_mode="r")
        self.imagenet = np.load(work / f"{name}.imagenet.npy")
        files = [work / f"{name}.{part}.npy" for part in ("words", "presence")]
        self.words, self.presence = (np.load(file) if file.exists() else np.zeros(0, np.float32) for file in files)

    @property
    def pooled(self) -> np.ndarray:
        """``(N, 2, 1280)``, the mean of the grid."""
        return np.stack([np.asarray(views, np.float32).mean(axis=1) for views in self.grid])

    def grids(self, photos: np.ndarray, views: np.ndarray) -> Tensor:
        """Return the grids of photos ``(B,)``, each of one view, as ``(B, 64, 1280)`` float32 on the device."""
        rows = np.stack([self.grid[photo, view] for photo, view in zip(photos, views, strict=True)])
        return torch.from_numpy(rows).to(self.device).float()

    def tags(self, photos: np.ndarray, views: np.ndarray) -> Tags:
        """Return the tags of photos ``(B,)``, each of one view."""
        parts = self.set.objects, self.set.object_boxes, self.words, self.presence
        return Tags(*(torch.from_numpy(part[photos, views]).to(self.device) for part in parts))


if __name__ == "__main__":
    parser = script_arguments(__doc__)
    parser.add_argument("--workers", type=int, default=2, help="threads that open photos")
    options = parser.parse_args()
    main(options.pack, options.work, device=options.device, workers=options.workers)
