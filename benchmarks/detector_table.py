"""The table of detectors: scores of runs of the recipes ``entities-…``, what a photo and a step cost, and the papers.

python benchmarks/detector_steps.py > costs.jsonl
python benchmarks/detector_table.py runs --costs costs.jsonl

prints Markdown, a row for each run in the folder, and the ratios of R-CNN, Fast R-CNN and Faster R-CNN. Scores, photos
and processor time of the training come from the runs' logs.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from seetell.tasks.registry import find_task
from seetell.training.config import RunConfig, load_config
from seetell.training.run_folder import RunFolder
from seetell.training.run_log import read_log

PUBLISHED = {
    "rcnn": "66.0 VOC (VGG-16), 47 s",
    "sppnet": "63.1 VOC (VGG-16), 2.3 s",
    "fast_rcnn": "66.9 VOC (VGG-16), 0.32 s",
    "faster_rcnn": "69.9 VOC (VGG-16), 0.2 s",
    "fpn": "56.9 COCO (ResNet-50)",
    "rfcn": "79.5 VOC (ResNet-101, 2012 too), 0.17 s",
    "light_head_rcnn": "41.5 AP COCO (ResNet-101)",
    "cascade_rcnn": "62.1 COCO (ResNet-101)",
    "grid_rcnn": "60.9 COCO (ResNet-101)",
    "ssd": "74.3 VOC (VGG-16, 2012 too), 0.02 s",
    "yolo": "63.4 VOC (2012 too), 0.02 s",
    "retinanet": "59.1 COCO (ResNet-101)",
    "fcos": "60.7 COCO (ResNet-101)",
}
"""AP50 in print, of Pascal VOC's test photos of 2007 or of COCO's, times 100; seconds a photo without the search for
boxes, on the GPU of the time. The first three are of Girshick 2015, tables 1 and 4, the others of each paper itself."""


@dataclass(frozen=True)
class Run:
    """What the log of a run says.

    Attributes:
        ap50: on the validation photos.
        ap: likewise.
        photos: that it was validated on; -1 for all.
        cpu_seconds: of training, from the first step on.
    """

    ap50: float
    ap: float
    photos: int
    cpu_seconds: float


@dataclass(frozen=True)
class Cost:
    """What ``detector_steps.py`` measured.

    Attributes:
        step_ms: a training step.
        parts: milliseconds a photo of encoder, selective search and detector.
        parameters: of the detector, without the encoder.
    """

    step_ms: float
    parts: tuple[float, float, float]
    parameters: int

    @property
    def photo_ms(self) -> float:
        """Milliseconds a photo in all."""
        return sum(self.parts)


HEAD = """\
| model | AP50 | AP | a photo, ms | of it the detector | a step, ms | training, min | parameters, M | AP50 in print |
|---|---|---|---|---|---|---|---|---|"""


def read_runs(folder: Path) -> dict[str, Run]:
    """Return the runs of a folder that were validated, by detector."""
    runs = {}
    for file in sorted(folder.glob("*/recipe.yaml")):
        run = RunFolder(file.parent)
        log = read_log(run.log)
        scores, spent = ([entry for entry in log if name in entry] for name in ("AP50", "cpu_seconds"))
        if scores:
            config: RunConfig = load_config(run.config, lambda task: find_task(task).load("config"))
            section: Any = config.section
            clock = [entry["cpu_seconds"] for entry in spent]
            seconds = sum(max(after - before, 0.0) for before, after in pairwise(clock))  # 0 where it was resumed
            runs[section.model] = Run(scores[-1]["AP50"], scores[-1]["AP"], config.validation.photos, seconds)
    return runs


def read_costs(file: Path) -> dict[str, Cost]:
    """Return what detectors cost; encoder and selective search are the same for all, and theirs is the median."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    usual = {name: median([row[name] for row in rows if row[name]] or [0.0]) for name in ("encoder_ms", "search_ms")}
    return {
        row["model"]: Cost(
            row["step_ms"],
            (
                usual["encoder_ms"] * bool(row["encoder_ms"]),
                usual["search_ms"] * bool(row["search_ms"]),
                row["photo_ms"],
            ),
            row["parameters"],
        )
        for row in rows
    }


def markdown(model: str, run: Run | None, cost: Cost) -> str:
    """Return a row of the table."""
    cells = [
        f"`{model}`" + ("" if run is None or run.photos == -1 else "¹"),
        *(["–", "–"] if run is None else [f"{100 * run.ap50:.1f}", f"{100 * run.ap:.1f}"]),
        f"{cost.photo_ms:,.0f}",
        f"{cost.parts[2]:,.0f}" if cost.parts[2] >= 10 else f"{cost.parts[2]:.1f}",
        f"{cost.step_ms:,.0f}",
        "–" if run is None else f"{run.cpu_seconds / 60:.1f}",
        f"{cost.parameters / 1e6:.2f}",
        PUBLISHED[model],
    ]
    return f"| {' | '.join(cells)} |"


def main(folder: Path, file: Path) -> None:
    """Print the table of a folder of runs, and the ratios."""
    runs, costs = read_runs(folder), read_costs(file)
    print(HEAD)
    for model in PUBLISHED:
        if model in costs:
            print(markdown(model, runs.get(model), costs[model]))
    story = [model for model in ("rcnn", "sppnet", "fast_rcnn", "faster_rcnn") if model in costs]
    for one, other in pairwise(story):
        whole, head = costs[one].photo_ms / costs[other].photo_ms, costs[one].parts[2] / costs[other].parts[2]
        print(f"{one} takes {whole:.1f} times as long a photo as {other}, behind encoder and search {head:.1f} times")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--costs", type=Path, required=True, help="what detector_steps.py printed")
    given = parser.parse_args()
    main(given.runs, given.costs)
