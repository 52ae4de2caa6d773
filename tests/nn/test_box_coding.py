from __future__ import annotations

import torch
from torchvision.models.detection._utils import BoxCoder

from seetell.nn.box_coding import ROI_SCALES, decode_boxes, encode_boxes

BOXES = torch.tensor([[10.0, 20.0, 30.0, 60.0], [0.0, 0.0, 8.0, 4.0]])
TARGETS = torch.tensor([[14.0, 20.0, 34.0, 60.0], [0.0, 0.0, 16.0, 4.0]])


def test_by_hand():
    deltas = encode_boxes(BOXES, TARGETS)
    # a fifth of the width to the right; half a width to the right, and twice as wide
    torch.testing.assert_close(deltas, torch.tensor([[0.2, 0, 0, 0], [0.5, 0, torch.log(torch.tensor(2.0)), 0]]))


def test_decoding_inverts_and_clips():
    deltas = encode_boxes(BOXES, TARGETS, scales=ROI_SCALES)
    torch.testing.assert_close(decode_boxes(BOXES, deltas, image_size=(100, 100), scales=ROI_SCALES), TARGETS)
    assert decode_boxes(BOXES, deltas, image_size=(50, 15), scales=ROI_SCALES)[0].tolist() == [14, 20, 15, 50]


def test_it_is_torchvisions():
    torch.manual_seed(0)
    deltas, coder = torch.randn(2, 4) * 3, BoxCoder(ROI_SCALES)
    ours = decode_boxes(BOXES, deltas, image_size=(10000, 10000), scales=ROI_SCALES)
    torch.testing.assert_close(ours, coder.decode_single(deltas, BOXES).clamp(0, 10000))
    torch.testing.assert_close(encode_boxes(BOXES, TARGETS, scales=ROI_SCALES), coder.encode_single(TARGETS, BOXES))


def test_an_untrained_network_cannot_stretch_without_end():
    wild = decode_boxes(BOXES, torch.full((2, 4), 1e9), image_size=(50, 50))
    assert torch.isfinite(wild).all()
    assert wild.max() <= 50
