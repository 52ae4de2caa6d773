"""Coloured boxes at known places on made-up maps of an encoder, and a dense captioner small enough to learn them."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from seetell.language.vocabulary import Vocabulary
from seetell.nn.region_proposals import ProposalConfig
from seetell.nn.roi_head import RoIHeadConfig
from seetell.tasks.captioning.models import create_captioner
from seetell.tasks.captioning.models.neuraltalk2 import NeuralTalk2Config
from seetell.tasks.captioning.models.show_attend_tell import ShowAttendTellConfig
from seetell.tasks.dense_captioning.model import DenseCap, DenseCapConfig, LossWeights

SIDE = 64
BOXES = [[[8, 8, 32, 24], [40, 40, 56, 60]], [[24, 16, 56, 48]], [[0, 32, 24, 64], [32, 0, 64, 24]]]
COLOURS = [[0, 1], [2], [1, 2]]
PHRASES = ("red square", "blue one", "green")
WORDS = Vocabulary(("<end>", "<start>", "<unk>", "red", "square", "blue", "one", "green"), 1)
CAPTIONERS = {
    "neuraltalk2": NeuralTalk2Config(embedding_size=16, hidden_size=16, image_norm="layer", dropout=0.0),
    "show_attend_tell": ShowAttendTellConfig(embedding_size=8, hidden_size=8, attention_size=8, dropout=0.0),
}


def regions() -> list[torch.Tensor]:
    """Return the boxes of three photos of 64×64 pixels."""
    return [torch.tensor(boxes, dtype=torch.float32) for boxes in BOXES]


def phrases() -> list[list[list[int]]]:
    """Return a phrase for each box, as word numbers."""
    return [[WORDS.encode(PHRASES[colour].split())] for colours in COLOURS for colour in colours]


def maps() -> list[torch.Tensor]:
    """Return maps of strides 8 and 16 whose channels are the colours."""
    pixels = torch.zeros(3, 6, SIDE + 8, SIDE + 8)
    for photo, (boxes, colours) in enumerate(zip(BOXES, COLOURS, strict=True)):
        for (left, top, right, bottom), colour in zip(boxes, colours, strict=True):
            pixels[photo, colour, top:bottom, left:right] = 1.0
    return [F.avg_pool2d(pixels, 8), F.pad(F.avg_pool2d(pixels[:, :, :SIDE, :SIDE], 16), (0, 1, 0, 1))]


def small_densecap(architecture: str = "neuraltalk2", *, context: bool = False) -> DenseCap:
    """Make a dense captioner for those maps, the same each time."""
    config = DenseCapConfig(
        strides=(8, 16),
        width=16,
        context=context,
        proposals=ProposalConfig(
            stride=8,
            anchor_sizes=(16, 32),
            hidden_channels=16,
            batch_size_per_image=32,
            pre_nms_top_n=100,
            post_nms_top_n_train=30,
            post_nms_top_n_test=20,
        ),
        roi_head=RoIHeadConfig(
            output_size=3, canonical_box_size=32, code_size=32, dropout=0.0, batch_size_per_image=16
        ),
        losses=LossWeights(1.0, 1.0, 1.0, 1.0, 1.0),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        captioner = create_captioner(
            architecture,
            CAPTIONERS[architecture],
            feature_size=config.feature_size,
            vocabulary_size=len(WORDS),
            locations=config.roi_head.output_size**2,
        )
        return DenseCap(config, channels={8: 6, 16: 6}, image_size=(SIDE, SIDE), captioner=captioner)
