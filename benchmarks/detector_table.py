"""The table of detectors: scores of runs of the recipes ``entities-…``, what a photo and a step cost, and the papers.

python benchmarks/detector_table.py runs

prints Markdown, a row for each run in the folder, and the ratios of R-CNN, Fast R-CNN and Faster R-CNN. Scores, photos
and processor time come from the runs' logs; times are measured side by side as in ``detector_steps.py``, with the sizes
of each run.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from detector_steps import measured

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
class Row:
    """A detector.

    Attributes:
        model: its name.
        ap50: on the validation photos.
        ap: likewise.
        photos: that it was validated on; -1 for all.
        cpu_seconds: of training and validation.
        step_ms: a training step.
        parts: milliseconds a photo of encoder, selective search and detector.
        parameters: of the detector, without the encoder.
    """

    model: str
    ap50: float
    ap: float
    photos: int
    cpu_seconds: float
    step_ms: float
    parts: tuple[float, float, float]
    parameters: int

    @property
    def photo_ms(self) -> float:
        """Milliseconds a photo in all."""
        return sum(self.parts)

    def markdown(self) -> str:
        """Return a row of the table."""
        cells = [
            f"`{self.model}`" + ("" if self.photos == -1 else "¹"),
            f"{100 * self.ap50:.1f}",
            f"{100 * self.ap:.1f}",
            f"{self.photo_ms:,.0f}",
            f"{self.parts[2]:,.0f}" if self.parts[2] >= 10 else f"{self.parts[2]:.1f}",
            f"{self.step_ms:,.0f}",
            f"{self.cpu_seconds / 60:.1f}",
            f"{self.parameters / 1e6:.2f}",
            PUBLISHED[self.model],
        ]
        return f"| {' | '.join(cells)} |"


HEAD = """\
| model | AP50 | AP | a photo, ms | of it the detector | a step, ms | training, min | parameters, M | AP50 in print |
|---|---|---|---|---|---|---|---|---|"""


def row_of(run: Path, steps: int) -> Row | None:
    """Return the row of a run; ``None`` for one that was not validated."""
    log = read_log(RunFolder(run).log)
    scores = [entry for entry in log if "AP50" in entry]
    if not scores:
        return None
    config: RunConfig = load_config(RunFolder(run).config, lambda task: find_task(task).load("config"))
    section = config.section
    cost = measured(section.model, steps, options=section.options, search=section.selective_search)
    return Row(
        section.model,
        scores[-1]["AP50"],
        scores[-1]["AP"],
        config.validation.photos,
        max(entry.get("cpu_seconds", 0.0) for entry in log),
        float(cost["step_ms"]),
        (float(cost["encoder_ms"]), float(cost["search_ms"]), float(cost["photo_ms"])),
        int(cost["parameters"]),
    )


def main(runs: Path, steps: int) -> None:
    """Print the table of a folder of runs, and the ratios."""
    torch.set_num_threads(1)
    made = (row_of(file.parent, steps) for file in sorted(runs.glob("*/recipe.yaml")))
    rows = {row.model: row for row in made if row is not None}
    print(HEAD)
    for model in PUBLISHED:
        if model in rows:
            print(rows[model].markdown(), flush=True)
    story = [rows[model] for model in ("rcnn", "sppnet", "fast_rcnn", "faster_rcnn") if model in rows]
    print(json.dumps({row.model: {"photo_ms": row.photo_ms, "parts": row.parts} for row in story}))
    for one, other in pairwise(story):
        print(f"{one.model} takes {one.photo_ms / other.photo_ms:.1f} times as long a photo as {other.model}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--steps", type=int, default=3)
    given = parser.parse_args()
    main(given.runs, given.steps)
