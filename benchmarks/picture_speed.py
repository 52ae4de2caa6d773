"""How long pictures of a network take, and how good the fast ones are: prints one JSON line.

    python benchmarks/picture_speed.py examples --threads 2

Measured are the map of occlusion of all words of a caption; a picture of 512 pixels in a style by optimisation, by
``seetell style`` with its defaults; and one in one pass, with the error of its texture in each style, relative to that
of a picture without features, and the correlation of its brightness with the photo's. ``cpu`` is the time of all
threads together, which a busy machine stretches less than ``seconds``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from PIL import Image

import seetell
from seetell.explain.drawn_styles import draw_style
from seetell.explain.fast_style import unlike_in_brightness
from seetell.explain.gram import targets, texture_error
from seetell.explain.pictures import Activations, fitted, to_input
from seetell.explain.style import STYLE_LAYERS, StyleOptions, style_transfer
from seetell.explain.style_model import StyleModel, load_style_model
from seetell.nn.backbones import create_encoder
from seetell.photos.opening import open_photo
from seetell.tasks.explanation import explain

SIDE = 512
STYLE_SIDE = 384
"""Of the styles that pictures are compared with, as in the training."""


def timed(work: Callable[[], Any], *, times: int = 3) -> dict[str, float]:
    """Return the median of the seconds that work takes, after a first run, and of those of all threads together."""
    work()
    taken = []
    for _ in range(times):
        began, cpu = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - began, time.process_time() - cpu))
    return {
        name: round(median(each), 2) for name, each in zip(("seconds", "cpu"), zip(*taken, strict=True), strict=True)
    }


def textures(model: StyleModel, photos: Sequence[Image.Image]) -> dict[str, float]:
    """Return the mean error of the texture by style, and the mean correlation of the brightness."""
    encoder = create_encoder("efficientnet_lite0", weights="imagenet").eval().requires_grad_(False)
    activations, preprocessing = Activations(encoder, STYLE_LAYERS), encoder.preprocessing
    errors, unlike = {}, []
    with torch.no_grad():
        for name in model.styles:
            style = activations(to_input(fitted(draw_style(name), STYLE_SIDE), preprocessing))
            wanted, found = targets([style], [1.0]), []
            for photo in photos:
                drawn, shown = (
                    to_input(each, preprocessing)
                    for each in (model.draw(photo, {name: 1.0}, side=SIDE), fitted(photo, SIDE))
                )
                found.append(float(texture_error(activations(drawn), wanted)))
                unlike.append(float(unlike_in_brightness(drawn, shown)))
            errors[f"texture_error_{name}"] = round(sum(found) / len(found), 3)
    return {**errors, "brightness_correlation": round(1 - sum(unlike) / len(unlike), 3)}


def measured(photos: Sequence[Image.Image], *, threads: int, steps: int) -> dict[str, Any]:
    """Return what is measured."""
    torch.set_num_threads(threads)
    captioner, model = seetell.load("caption", threads=threads), load_style_model(threads=threads)
    encoder = create_encoder("efficientnet_lite0", weights="imagenet").eval().requires_grad_(False)
    photo = photos[0]

    def optimised() -> None:
        style_transfer(encoder, photo, [draw_style("strokes")], options=StyleOptions(side=SIDE, steps=steps))

    began, cpu = time.perf_counter(), time.process_time()
    optimised()
    by_optimisation = {
        "seconds": round(time.perf_counter() - began, 1),
        "cpu": round(time.process_time() - cpu, 1),
        "steps": 2 * steps,
    }
    return {
        "occlusion": timed(lambda: explain(captioner, photo, methods=["occlusion"])),
        "style_optimised": by_optimisation,
        "style_fast": timed(lambda: model.draw(photo, {"strokes": 1.0}, side=SIDE)),
        "fast": textures(model, photos),
        "threads": threads,
        "load_before": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="a folder of photos")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--steps", type=int, default=StyleOptions.steps, help="of the optimisation, at each of two sizes"
    )
    parser.add_argument("--most", type=int, default=10, help="photos whose textures are measured")
    options = parser.parse_args()
    opened = [open_photo(path) for path in sorted(options.photos.glob("*.jpg"))[: options.most]]
    print(json.dumps(measured(opened, threads=options.threads, steps=options.steps)))
