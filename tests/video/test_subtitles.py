from __future__ import annotations

import math

import pytest

from seetell.results import Caption, Shot
from seetell.video.subtitles import subrip, webvtt

SHOTS = [
    Shot(0.0, 2.5, 1.0, Caption("a dog & a <cat>\nplay", (), -1.0, "m")),
    Shot(2.5, 4.0, 3.0, Caption("", (), math.nan, "m", reason="confidence 0.10 is below 0.5")),
    Shot(4.0, 3661.0005, 9.0, Caption("a child --> runs", (), -1.0, "m")),
]


def test_webvtt():
    assert webvtt(SHOTS) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.499\na dog &amp; a &lt;cat&gt; play\n\n"
        "00:00:04.000 --> 01:01:01.000\na child --&gt; runs\n"
    )


def test_subrip():
    assert subrip(SHOTS) == (
        "1\n00:00:00,000 --> 00:00:02,499\na dog & a <cat> play\n\n2\n00:00:04,000 --> 01:01:01,000\na child --> runs\n"
    )


def test_an_empty_file_is_one_of_its_format():
    assert (webvtt([]), subrip([])) == ("WEBVTT\n", "")


def test_ffmpeg_reads_both(tmp_path):
    av = pytest.importorskip("av")
    for name, content in (("a.vtt", webvtt(SHOTS)), ("a.srt", subrip(SHOTS))):
        (tmp_path / name).write_text(content, encoding="utf-8")
        with av.open(str(tmp_path / name)) as file:
            packets = [packet for packet in file.demux() if packet.size]
        assert [float(packet.pts * packet.time_base) for packet in packets] == [0.0, 4.0]
        assert bytes(packets[1]).decode().endswith("runs")
