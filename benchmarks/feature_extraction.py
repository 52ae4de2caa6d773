"""Time to fill a feature cache before training: the frozen encoder in ONNX Runtime and in torch.

    .venv-dev/bin/python benchmarks/feature_extraction.py

prints one JSON line. Both fill new caches from the same JPEG files, including opening them, in turns.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from figures import machine, summary
from photo_set import write_photos

from seetell.data.feature_cache import FeatureCache
from seetell.nn.backbones import Encoder, create_encoder
from seetell.training.encoding import AllFeatures, onnx_encode_fn, torch_encode_fn

HERE = Path(__file__).resolve().parent
KINDS = ("seconds", "processor_seconds")


def timed(action: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what an action gives, and the seconds and processor seconds that it takes."""
    started, processor = time.perf_counter(), time.process_time()
    given = action()
    return given, time.perf_counter() - started, time.process_time() - processor


def measure(encoder: Encoder, photos: Sequence[Path], folder: Path, runs: int) -> dict[str, dict[str, Any]]:
    """Fill caches by turns.

    Args:
        encoder: frozen, on the CPU.
        photos: to fill them with.
        folder: where the caches live.
        runs: caches filled by each.
    """
    module = AllFeatures(encoder, with_grid=True).eval()
    graph, *writing = timed(lambda: onnx_encode_fn(module, encoder.preprocessing))
    systems = {"onnx_runtime": graph, "torch": torch_encode_fn(module)}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in systems}
    shape = (1 + math.prod(encoder.grid_size), encoder.channels)
    for run in range(runs):
        for name, encode in systems.items():
            key = f"{name} {run}"
            cache = FeatureCache(folder, weights_hash=key, preprocessing=encoder.preprocessing, shape=shape)
            failures, *seconds = timed(partial(cache.fill, photos, encode))
            assert failures == {}
            taken[name].append(tuple(seconds))
    report = {
        name: {kind: summary(values) for kind, values in zip(KINDS, zip(*rows, strict=True), strict=True)}
        for name, rows in taken.items()
    }
    report["onnx_runtime"]["writing_the_graph"] = dict(zip(KINDS, (round(value, 2) for value in writing), strict=True))
    return report


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="efficientnet_lite0", help="as a recipe's encoder.name")
    parser.add_argument("--photos", type=Path, default=HERE.parent / "examples", help="folder to cut the photos from")
    parser.add_argument("--count", type=int, default=200, help="photos in a cache")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    described = machine(options.threads)
    torch.set_num_threads(options.threads)
    encoder = create_encoder(options.encoder).requires_grad_(False).to(memory_format=torch.channels_last)
    with tempfile.TemporaryDirectory() as name:
        photos = write_photos(options.photos, Path(name), options.count)
        report = measure(encoder, photos, Path(name), options.runs)
    ours, theirs = report["onnx_runtime"], report["torch"]
    result = {
        "machine": described,
        "versions": {package: version(package) for package in ("seetell", "torch", "onnxruntime")},
        "encoder": options.encoder,
        "photos": f"{options.count} of 640x427, JPEG",
        "runs": options.runs,
        **report,
        "times_as_fast": {kind: round(theirs[kind]["median"] / ours[kind]["median"], 1) for kind in KINDS},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
