"""How many objects of Flickr30k Entities selective search or a model proposes, and how long it takes: a JSON line.

python benchmarks/proposal_recall.py --data flickr30k_entities --captions flickr8k --photos 200
python benchmarks/proposal_recall.py --data flickr30k_entities --captions flickr8k --photos 200 --model regions
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import seetell
from seetell.data.objects import read_objects
from seetell.geometry.boxes import iou
from seetell.photos import open_photo
from seetell.tasks.detection.selective_search import SelectiveSearchConfig, selective_search

AT = (100, 300, 1000, 2000)
HALF = 0.5


Proposals = Iterator[tuple[np.ndarray, tuple[int, int]]]
"""Of each photo, boxes ``(N, 4)`` in pixels, best first, and its width and height."""


def searched(photos: Sequence[Path], config: SelectiveSearchConfig) -> Proposals:
    """Return what selective search proposes."""
    for path in photos:
        pixels = np.asarray(open_photo(path))
        yield selective_search(pixels, config), (pixels.shape[1], pixels.shape[0])


def proposed(photos: Sequence[Path], model: str) -> Proposals:
    """Return what a detector or dense captioner proposes, up to 300 boxes."""
    predictor: Any = seetell.load(model, threads=1)
    for regions in predictor.propose_many(photos, top=300):
        yield np.array([region.box for region in regions.regions]).reshape(-1, 4), regions.size


def main(data: Path, captions: Path | None, photos: int, propose: Callable[[Sequence[Path]], Proposals]) -> None:
    """Propose boxes for validation photos, and compare them with the true ones."""
    counts, ranks = [], []
    chosen = read_objects(data, captions=captions).split("val")[:photos]
    begun = time.process_time()
    for photo, (boxes, (width, height)) in zip(chosen, propose([photo.path for photo in chosen]), strict=True):
        counts.append(len(boxes))
        true = np.array(photo.boxes).reshape(-1, 4) * [width, height, width, height]
        hits = iou(boxes[:, None], true) >= HALF
        ranks += [int(column.argmax()) if column.any() else AT[-1] for column in hits.T]
    seconds = time.process_time() - begun
    found = {f"recall@{most}": round(float(np.mean(np.array(ranks) < most)), 4) for most in AT}
    mean = {"boxes_per_photo": round(float(np.mean(counts)), 1), "cpu_ms_per_photo": round(1e3 * seconds / len(counts))}
    print(json.dumps({**found, "objects": len(ranks), "photos": len(counts), **mean}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--captions", type=Path)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--side", type=int, default=SelectiveSearchConfig.side)
    parser.add_argument("--scales", type=float, nargs="+", default=SelectiveSearchConfig.scales)
    parser.add_argument("--colours", nargs="+", default=SelectiveSearchConfig.colours)
    parser.add_argument(
        "--model", help="bundled model or model folder that proposes boxes, instead of selective search"
    )
    given = parser.parse_args()
    chosen = SelectiveSearchConfig(side=given.side, scales=tuple(given.scales), colours=tuple(given.colours))
    main(
        given.data,
        given.captions,
        given.photos,
        partial(proposed, model=given.model) if given.model else partial(searched, config=chosen),
    )
