"""The arguments that the scripts of the chain share."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def script_arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the pack, the work folder and the device."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    return parser
