"""DenseCap's design in eager torch, with random weights: VGG16 at 720 px, 300 proposals, a phrase for each.

Johnson, Karpathy & Fei-Fei, "DenseCap", CVPR 2016: twelve anchors a cell of conv5, suppression at 0.7, 7×7 bilinear
samples, two layers of 4,096, an LSTM of 512 over 10,497 words, fifteen of which it says. ``--weights FOLDER`` names
where the weights are; ``--prepare`` writes them there and ends.
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

LONGER_SIDE, STRIDE = 720, 16
ANCHORS = ((45, 90), (90, 45), (64, 64), (90, 180), (180, 90), (128, 128))
ANCHORS += ((181, 362), (362, 181), (256, 256), (362, 724), (724, 362), (512, 512))
BEFORE_NMS, PROPOSALS = 6000, 300
VOCABULARY, SIZE, WORDS = 10497, 512, 15
START = 0


def build() -> nn.ModuleDict:
    """Return the network, untrained."""
    from torch import nn
    from torchvision.models import vgg16

    return nn.ModuleDict(
        {
            "encoder": vgg16(weights=None).features[:-1],
            "hidden": nn.Conv2d(512, 256, 3, padding=1),
            "proposals": nn.Conv2d(256, 5 * len(ANCHORS), 1),
            "code": nn.Sequential(nn.Linear(512 * 49, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU()),
            "final": nn.Linear(4096, 5),
            "image": nn.Linear(4096, SIZE),
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
    """Load the weights and return what describes files; the phrases are word numbers."""
    import torch
    from PIL import Image
    from safetensors.torch import load_file
    from torch import Tensor
    from torchvision.ops import clip_boxes_to_image, nms, roi_align
    from torchvision.transforms import v2

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    with torch.device("meta"):  # without it, loading would first draw random weights
        model = build().eval()
    model.load_state_dict(load_file(folder / "model.safetensors"), assign=True)
    transform = v2.Compose(
        [
            v2.Resize(None, max_size=LONGER_SIDE),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )

    def proposed(activation: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the best boxes, ``(300, 4)``."""
        made = model["proposals"](torch.relu(model["hidden"](activation)))[0]
        rows, columns = made.shape[1:]
        made = made.view(5, len(ANCHORS), rows, columns)
        y, x = torch.meshgrid(torch.arange(rows) * STRIDE, torch.arange(columns) * STRIDE, indexing="ij")
        sides = torch.tensor(ANCHORS)[:, :, None, None]
        middle = torch.stack([x, y])[:, None] + made[1:3] * sides.transpose(0, 1)
        half = sides.transpose(0, 1) * made[3:5].clamp(max=4).exp() / 2
        boxes = torch.cat([middle - half, middle + half]).flatten(1).T
        scores, best = made[0].flatten().topk(min(BEFORE_NMS, made[0].numel()))
        boxes = clip_boxes_to_image(boxes[best], size)
        return boxes[nms(boxes, scores, 0.7)[:PROPOSALS]]

    @torch.inference_mode()
    def describe(files: Sequence[str], mode: str) -> list[str]:
        described = []
        for file in files:
            image = transform(Image.open(file).convert("RGB"))[None]  # (1, 3, H, W)
            activation = model["encoder"](image)
            boxes = proposed(activation, tuple(image.shape[2:]))
            code = model["code"](roi_align(activation, [boxes], 7, 1 / STRIDE, 2).flatten(1))  # (R, 4096)
            model["final"](code)
            state = model["cell"](model["image"](code))
            tokens = torch.full((len(code),), START)
            said = []
            for _ in range(WORDS):
                state = model["cell"](model["embedding"](tokens), state)
                tokens = model["output"](state[0]).argmax(-1)
                said.append(tokens)
            described.append("; ".join(" ".join(map(str, row)) for row in torch.stack(said, 1).tolist()))
        return described

    return describe


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
