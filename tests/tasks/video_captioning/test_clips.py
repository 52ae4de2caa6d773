from __future__ import annotations

import torch

from seetell.nn.backbones import create_encoder
from seetell.tasks.video_captioning.clips import ClipEncoder


def test_a_clip_begins_with_a_detail_and_ends_with_the_whole(small_encoder: dict[str, str]):
    encoder = create_encoder(small_encoder["name"], weights=small_encoder["weights"]).eval()
    clips = ClipEncoder(encoder, 3).eval()
    assert (clips.grid_size, clips.channels) == ((1, 3), encoder.channels)
    assert (clips.preprocessing.height, clips.preprocessing.width) == (53, 53)  # 32 / 0.6
    images = torch.rand(2, 3, 53, 53)
    with torch.no_grad():
        pooled, frames, _ = clips(images)
        assert frames.shape == (2, 3, encoder.channels)
        torch.testing.assert_close(pooled, frames.mean(dim=1))
        detail = encoder(images[:, :, 10:42, :32]).pooled  # 32 of 53 rows in the middle, the 32 columns on the left
        torch.testing.assert_close(frames[:, 0], detail, rtol=1e-4, atol=1e-5)
        images[:, :, :, 40:] = 0  # what only the last frames show
        changed = clips(images).grid
    torch.testing.assert_close(changed[:, 0], frames[:, 0])
    assert not torch.allclose(changed[:, 2], frames[:, 2], atol=1e-4)
