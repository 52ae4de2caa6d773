"""seetell's dense captioner as a measured system."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from answering import Caption, answer

import seetell


def load() -> Caption:
    """Load the model of ``--model`` and return a function that describes a batch of files."""
    model = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "regions"
    captioner = seetell.load(model, threads=int(os.environ["OMP_NUM_THREADS"]))

    def describe(files: Sequence[str], mode: str) -> list[str]:
        return ["; ".join(region.text for region in captioner.predict(file)) for file in files]

    return describe


if __name__ == "__main__":
    answer(load, ["numpy", "onnxruntime", "pillow"])
