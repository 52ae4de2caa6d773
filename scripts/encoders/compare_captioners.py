"""What encoders give captioners: each is trained with each recipe on some photos of Flickr8k, for as many steps.

    python scripts/encoders/compare_captioners.py FLICKR8K WORK --encoder efficientnet_lite0 --encoder resnet18=none

``NAME=WEIGHTS`` takes the weights of a file, ``NAME=none`` random ones. The encoder is frozen, and its features are
computed once. ``WORK`` keeps runs and features; a cell that is finished is not trained again. The table is printed in
Markdown: CIDEr-D and BLEU-4 of greedy sentences for all dev photos, the best of the run's validations, and the
processor's minutes of the whole command, features included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from seetell.training.run_log import read_log

TEXT = "Flickr8k_text"
PHOTOS = "Flicker8k_Dataset"
TOKENS = "Flickr8k.token.txt"
SPLITS = ("Flickr_8k.trainImages.txt", "Flickr_8k.devImages.txt")
RECIPES = ("flickr8k-neuraltalk2-frozen", "flickr8k-transformer-frozen")


def subset(flickr8k: Path, folder: Path, photos: int) -> None:
    """Write a Flickr8k of the first training photos and all dev photos; the photos themselves are linked."""
    for part in (TEXT, PHOTOS):
        (folder / part).mkdir(parents=True, exist_ok=True)
    kept: set[str] = set()
    for file, count in zip(SPLITS, (photos, None), strict=True):
        names = (flickr8k / TEXT / file).read_text(encoding="utf-8").split()[:count]
        (folder / TEXT / file).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        kept |= {*names}
    for name in kept:
        link = folder / PHOTOS / name
        if not link.is_symlink():
            link.symlink_to((flickr8k / PHOTOS / name).resolve())
    with (flickr8k / TEXT / TOKENS).open(encoding="utf-8") as lines:
        text = "".join(line for line in lines if line.partition("#")[0] in kept)
    (folder / TEXT / TOKENS).write_text(text, encoding="utf-8")


def train(encoder: str, recipe: str, options: argparse.Namespace) -> dict[str, float]:
    """Train one cell, unless it is there; return its scores and the processor's minutes."""
    name, _, weights = encoder.partition("=")
    run = options.work / f"{Path(weights).stem or 'imagenet'}-{name.replace('/', '-')}-{recipe}"
    result = run.with_suffix(".json")
    if not result.is_file():
        settings = {
            "data.path": options.work / "flickr8k",
            "data.flip": "false",
            "encoder.name": name,
            "encoder.weights": weights or "imagenet",
            "encoder.image_size": "null",
            "encoder.cache": options.work / "features",
            "schedule.warmup": options.steps // 10,
            "validation.every": options.steps,
            "steps": options.steps,
            "threads": 1,
        }
        command = [sys.executable, "-m", "seetell", "train", recipe, "--output", str(run)]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        before = os.times()
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        after = os.times()
        seconds = after.children_user + after.children_system - before.children_user - before.children_system
        (scores,) = [line for line in read_log(run / "log.jsonl") if "CIDEr" in line]
        kept = {"CIDEr": scores["CIDEr"], "Bleu_4": scores["Bleu_4"], "minutes": seconds / 60}
        result.write_text(json.dumps(kept), encoding="utf-8")
    found: dict[str, float] = json.loads(result.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Train every cell and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flickr8k", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--encoder", action="append", required=True, metavar="NAME[=WEIGHTS]")
    parser.add_argument("--recipe", action="append", help="default: " + ", ".join(RECIPES))
    parser.add_argument("--photos", type=int, default=1500, help="to train on (default 1500)")
    parser.add_argument("--steps", type=int, default=300, help="of 16 photos (default 300)")
    options = parser.parse_args()
    recipes = options.recipe or RECIPES
    subset(options.flickr8k, options.work / "flickr8k", options.photos)
    print("| encoder | recipe | CIDEr-D | BLEU-4 | CPU minutes |\n|---|---|---|---|---|")
    for encoder in options.encoder:
        for recipe in recipes:
            cell = train(encoder, recipe, options)
            scores = f"{cell['CIDEr']:.3f} | {100 * cell['Bleu_4']:.1f} | {cell['minutes']:.1f}"
            print(f"| `{encoder}` | `{recipe}` | {scores} |", flush=True)


if __name__ == "__main__":
    main()
