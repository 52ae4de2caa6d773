"""BLIP-base as transformers runs it, with random weights: 384 px, twelve new tokens, greedy or three beams.

``--weights FOLDER`` names where the weights are; ``--prepare`` writes them there and ends.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from answering import Caption, answer

TOKENS = 12
BEAMS = {"greedy": 1, "beam": 3}


def prepare(folder: Path) -> None:
    """Write random weights in the shape of BLIP-base; its text decoder has 12 heads, the class's default is 8."""
    from transformers import BlipConfig, BlipForConditionalGeneration

    config = BlipConfig(text_config={"num_attention_heads": 12}, vision_config={"initializer_range": 0.02})
    BlipForConditionalGeneration(config).save_pretrained(folder)


def load(folder: Path) -> Caption:
    """Load the weights and return what captions a batch of files; the sentences are token numbers."""
    import torch
    from PIL import Image
    from transformers import BlipForConditionalGeneration, BlipImageProcessor

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model = BlipForConditionalGeneration.from_pretrained(folder).eval()
    processor = BlipImageProcessor()

    def caption(files: Sequence[str], mode: str) -> list[str]:
        photos = [Image.open(file).convert("RGB") for file in files]
        pixels = processor(images=photos, return_tensors="pt")["pixel_values"]  # (B, 3, 384, 384)
        tokens = model.generate(
            pixel_values=pixels, num_beams=BEAMS[mode], do_sample=False, min_new_tokens=TOKENS, max_new_tokens=TOKENS
        )
        return [" ".join(str(token) for token in row[-TOKENS:].tolist()) for row in tokens]

    return caption


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", nargs="?")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--prepare", action="store_true")
    options = parser.parse_args()
    if options.prepare:
        prepare(options.weights)
    else:
        answer(lambda: load(options.weights), ["torch", "transformers"])
