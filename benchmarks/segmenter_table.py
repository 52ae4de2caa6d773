"""The table of segmenters: scores on CamVid's test images, and the processor time of their training.

python benchmarks/segmenter_table.py runs/camvid-fcn32s runs/camvid-fcn16s runs/camvid-fcn8s

prints Markdown, a row for each run. The folder of a run has its log, and ``test.json``, which ``seetell evaluate BUNDLE
--data camvid --split test`` printed. A run that was initialised from another one of the table costs what that did, too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

from seetell.training.run_log import read_log

CLASSES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")


def minutes(run: Path) -> float:
    """Return the processor minutes of training and validation."""
    return max(entry.get("cpu_seconds", 0.0) for entry in read_log(run / "log.jsonl")) / 60


def row(run: Path, before: dict[str, float]) -> str:
    """Return the row of a run.

    Args:
        run: its folder.
        before: minutes of earlier runs by their names; this one is added.
    """
    recipe: dict[str, Any] = yaml.safe_load((run / "recipe.yaml").read_text("utf-8"))
    scores = json.loads((run / "test.json").read_text("utf-8"))
    earlier = before.get(Path(recipe["init_from"]).name, 0.0)
    before[run.name] = minutes(run) + earlier
    spent = f"{before[run.name]:.1f}" if not earlier else f"{earlier:.1f} + {minutes(run):.1f}"
    cells = [
        f"`{run.name}`",
        recipe["encoder"]["name"],
        spent,
        f"**{scores['mean_iou']:.3f}**",
        f"{100 * scores['pixel_accuracy']:.1f} %",
        *(f"{scores['classes'].get(name, 0):.3f}" for name in CLASSES),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    before: dict[str, float] = {}
    head = ["recipe", "encoder", "minutes", "mean IoU", "pixels right", *CLASSES]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for run in parser.parse_args().runs:
        print(row(run, before))


if __name__ == "__main__":
    main()
