"""seetell as a measured system: the bundled captioner with its default decoding, or greedily."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from answering import Caption, answer

import seetell


def load() -> Caption:
    """Load the model of ``--model`` and return a function that captions a batch of files."""
    model = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "caption"
    captioner = seetell.load(model, threads=int(os.environ["OMP_NUM_THREADS"]))

    def caption(files: Sequence[str], mode: str) -> list[str]:
        options = {"method": "greedy"} if mode == "greedy" else {}
        if len(files) == 1:
            return [captioner.caption(files[0], **options).text]
        return [str(result) for result in captioner.caption_many(files, **options)]

    return caption


if __name__ == "__main__":
    answer(load, ["numpy", "onnxruntime", "pillow"])
