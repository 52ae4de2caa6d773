"""How many objects of Flickr30k Entities selective search proposes, and how long it takes: a JSON line.

python benchmarks/proposal_recall.py --data flickr30k_entities --captions flickr8k --photos 200
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from seetell.data.objects import read_objects
from seetell.geometry.boxes import iou
from seetell.photos import open_photo
from seetell.tasks.detection.selective_search import SelectiveSearchConfig, selective_search

AT = (100, 300, 1000, 2000)
HALF = 0.5


def main(data: Path, captions: Path | None, photos: int, config: SelectiveSearchConfig) -> None:
    """Propose boxes for validation photos, and compare them with the true ones."""
    seconds, counts, ranks = 0.0, [], []
    for photo in read_objects(data, captions=captions).split("val")[:photos]:
        pixels = np.asarray(open_photo(photo.path))
        begun = time.process_time()
        boxes = selective_search(pixels, config)
        seconds += time.process_time() - begun
        counts.append(len(boxes))
        height, width = pixels.shape[:2]
        true = np.array(photo.boxes).reshape(-1, 4) * [width, height, width, height]
        hits = iou(boxes[:, None], true) >= HALF
        ranks += [int(column.argmax()) if column.any() else AT[-1] for column in hits.T]
    found = {f"recall@{most}": round(float(np.mean(np.array(ranks) < most)), 4) for most in AT}
    mean = {"boxes_per_photo": round(float(np.mean(counts)), 1), "cpu_ms_per_photo": round(1e3 * seconds / len(counts))}
    print(json.dumps({**found, "objects": len(ranks), "photos": len(counts), **mean, **config.to_dict()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--captions", type=Path)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--side", type=int, default=SelectiveSearchConfig.side)
    parser.add_argument("--scales", type=float, nargs="+", default=SelectiveSearchConfig.scales)
    parser.add_argument("--colours", nargs="+", default=SelectiveSearchConfig.colours)
    given = parser.parse_args()
    chosen = SelectiveSearchConfig(side=given.side, scales=tuple(given.scales), colours=tuple(given.colours))
    main(given.data, given.captions, given.photos, chosen)
