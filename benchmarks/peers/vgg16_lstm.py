"""The classic captioner in eager torch, with random weights: VGG16 at 224 px, then an LSTM of 512 over 9,567 words.

Twelve words, greedy or two beams, batched over beams. ``--weights FOLDER`` names where the weights are;
``--prepare`` writes them there and ends.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from answering import Caption, answer

if TYPE_CHECKING:
    from torch import nn

VOCABULARY = 9567
SIZE = 512
WORDS = 12
BEAMS = {"greedy": 1, "beam": 2}
START = 0


def build() -> nn.ModuleDict:
    """Return the network, untrained."""
    from torch import nn
    from torchvision.models import vgg16

    encoder = vgg16(weights=None)
    encoder.classifier = nn.Sequential(*list(encoder.classifier)[:-1], nn.Linear(4096, SIZE))
    return nn.ModuleDict(
        {
            "encoder": encoder,
            "embedding": nn.Embedding(VOCABULARY, SIZE),
            "cell": nn.LSTMCell(SIZE, SIZE),
            "output": nn.Linear(SIZE, VOCABULARY),
        }
    )


def prepare(folder: Path) -> None:
    """Write random weights."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(build().state_dict(), folder / "model.safetensors")


def load(folder: Path) -> Caption:
    """Load the weights and return what captions a batch of files; the sentences are word numbers."""
    import torch
    from PIL import Image
    from safetensors.torch import load_file
    from torchvision.transforms import v2

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    with torch.device("meta"):  # without it, loading would first draw random weights
        model = build().eval()
    model.load_state_dict(load_file(folder / "model.safetensors"), assign=True)
    transform = v2.Compose(
        [
            v2.Resize((224, 224)),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )

    @torch.inference_mode()
    def caption(files: Sequence[str], mode: str) -> list[str]:
        images = torch.stack([transform(Image.open(file).convert("RGB")) for file in files])  # (B, 3, 224, 224)
        batch, beams = len(files), BEAMS[mode]
        state = model["cell"](model["encoder"](images))  # two of (B, 512)
        state = tuple(part.repeat_interleave(beams, 0) for part in state)  # (B·K, 512)
        tokens = torch.full((batch * beams,), START)
        scores = torch.full((batch, beams), -torch.inf)
        scores[:, 0] = 0
        sentences = torch.empty(batch * beams, 0, dtype=torch.long)
        for _ in range(WORDS):
            state = model["cell"](model["embedding"](tokens), state)
            logprobs = model["output"](state[0]).log_softmax(-1)  # (B·K, V)
            totals = (scores.flatten()[:, None] + logprobs).view(batch, -1)
            scores, best = totals.topk(beams)  # (B, K)
            rows = (best // VOCABULARY + torch.arange(batch)[:, None] * beams).flatten()
            tokens = (best % VOCABULARY).flatten()
            state = tuple(part[rows] for part in state)
            sentences = torch.cat([sentences[rows], tokens[:, None]], 1)
        return [" ".join(str(word) for word in row.tolist()) for row in sentences[::beams]]

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
        answer(lambda: load(options.weights), ["torch", "torchvision"])
