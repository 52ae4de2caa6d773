from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("av")

from toy_videos.task import TASK

from seetell.cli.main import main
from seetell.tasks import registry
from seetell.video import camera
from seetell.video.frames import open_video


@pytest.fixture(autouse=True)
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator of pictures of FFmpeg's, without end, stands for all cameras."""
    monkeypatch.setitem(camera._DEVICES, sys.platform, ("lavfi", "testsrc=size=64x48:rate=10:decimals="))


def test_a_camera_has_no_end():
    with open_video("camera:0") as video:
        assert (video.size, video.fps, video.frame_count, video.seconds) == ((64, 48), 10, None, None)
        frames = list(itertools.islice(video.frames(0.5), 4))
    assert [frame.index for frame in frames] == [5, 6, 7, 8]
    assert [frame.seconds for frame in frames] == pytest.approx([0.5, 0.6, 0.7, 0.8])
    assert frames[0].image.shape == (48, 64, 3)


def test_a_camera_is_stopped():
    with open_video("camera:0") as video:
        read = []
        for frame in video:
            read.append(frame.index)
            if len(read) == 3:
                video.stop()
    assert read == [0, 1, 2]


def test_what_a_camera_showed_before_an_interrupt_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(registry, "_registered", {})
    registry.register(TASK)
    decoded, before = camera.decoded_frames, signal.getsignal(signal.SIGINT)

    def interrupted(*arguments: Any) -> Iterator[Any]:
        for number, frame in enumerate(decoded(*arguments)):
            if number == 5:
                os.kill(os.getpid(), signal.SIGINT)
            yield frame

    monkeypatch.setattr(camera, "decoded_frames", interrupted)
    with pytest.raises(SystemExit, match="0"):
        main(["chase", "camera:0"])
    assert capsys.readouterr().out.startswith("camera:0\tpixel 1: 0:00")
    assert signal.getsignal(signal.SIGINT) == before
