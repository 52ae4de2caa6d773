"""What a training step and a photo cost each detector in the sizes of its recipe, on the maps of a frozen encoder.

python benchmarks/detector_steps.py --models ssd faster_rcnn

prints a JSON line for each. Times are CPU time of one thread: of a step on eight photos of 256 × 256 pixels with five
objects each, and of one photo in torch from the encoder's maps to candidates. What the encoder costs is the same for
all, and given beside, and what selective search costs on the photos of ``examples``; ``rcnn`` alone runs the encoder
for every box.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seetell.nn.backbones import create_encoder
from seetell.photos import open_photo
from seetell.tasks.detection.models import DETECTORS, create_detector
from seetell.tasks.detection.models.detector import DetectorNetwork, DetectorSpec, Targets
from seetell.tasks.detection.selective_search import SelectiveSearchConfig, selective_search
from seetell.tasks.registry import find_task
from seetell.training.config import load_config
from seetell.training.recipes import shipped_recipes

SIDE, PHOTOS, OBJECTS, GIVEN = 256, 8, 5, 850
"""Of photos; the last is how many boxes selective search finds in one, at 128 × 128 pixels."""

MODELS = [name for name, (_, network) in DETECTORS.items() if not network.finds]
EXAMPLES = Path(__file__).parents[1] / "examples"


def random_boxes(count: int, random: torch.Generator) -> torch.Tensor:
    """Return boxes of 16 pixels and more, ``(count, 4)``."""
    corners = torch.rand(count, 2, generator=random) * (SIDE - 32)
    sides = 16 + torch.rand(count, 2, generator=random) * 96
    return torch.cat([corners, (corners + sides).clamp(max=SIDE)], dim=1)


def search_ms(config: SelectiveSearchConfig) -> float:
    """Return the milliseconds that selective search takes for a photo."""
    photos = [np.asarray(open_photo(path).resize((SIDE, SIDE))) for path in sorted(EXAMPLES.glob("*.jpg"))]
    selective_search(photos[0], config)
    begun = time.process_time()
    for photo in photos:
        selective_search(photo, config)
    return 1e3 * (time.process_time() - begun) / len(photos)


def measured(model: str, steps: int) -> dict[str, float | str]:
    """Measure a detector with the sizes of its recipe."""
    recipe = shipped_recipes()[f"entities-{model.replace('_', '-')}"]
    section: Any = load_config(recipe, lambda task: find_task(task).load("config")).section
    search: SelectiveSearchConfig = section.selective_search
    random = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    encoder = create_encoder("efficientnet_lite2", weights="imagenet", image_size=SIDE).eval().requires_grad_(False)
    spec = DetectorSpec(encoder.feature_map_channels, (SIDE, SIDE), 7, encoder)
    detector: DetectorNetwork = create_detector(model, section.options, spec)
    images = torch.randn(PHOTOS, 3, SIDE, SIDE, generator=random)
    with torch.no_grad():
        encoder.feature_maps(images)
        begun = time.process_time()
        maps = encoder.feature_maps(images)
        encoding = (time.process_time() - begun) / PHOTOS
    inputs = [images] if detector.reads_pixels else [maps[stride] for stride in detector.strides]
    labels = [torch.randint(7, (OBJECTS,), generator=random) for _ in range(PHOTOS)]
    targets = Targets([random_boxes(OBJECTS, random) for _ in range(PHOTOS)], labels)
    count = min(GIVEN, search.most)
    given = [random_boxes(count, random) for _ in range(PHOTOS)] if detector.proposals_given else None
    detector.fit(inputs)
    optimiser = torch.optim.AdamW(detector.parameters(), 1e-3)
    for step in range(steps + 1):
        if step == 1:  # the first warms up
            begun = time.process_time()
        optimiser.zero_grad()
        torch.stack([mean for mean, _ in detector.losses(inputs, targets, given).values()]).sum().backward()
        optimiser.step()
    training = (time.process_time() - begun) / steps
    detector.eval()
    with torch.inference_mode():
        begun = time.process_time()
        for _ in range(steps):
            detector.detect([each[:1] for each in inputs], None if given is None else given[:1])
    return {
        "model": model,
        "step_ms": round(1e3 * training),
        "photo_ms": round(1e3 * (time.process_time() - begun) / steps, 1),
        "encoder_ms": 0.0 if detector.reads_pixels else round(1e3 * encoding, 1),
        "search_ms": round(search_ms(search), 1) if detector.proposals_given else 0.0,
        "parameters": sum(each.numel() for each in detector.parameters()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--steps", type=int, default=3)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for name in chosen.models:
        print(json.dumps(measured(name, chosen.steps)), flush=True)
