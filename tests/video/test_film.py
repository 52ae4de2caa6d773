from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

from small_films import SIZE, grey, write_greys

from seetell.errors import SeetellError, UsageError, VideoError
from seetell.video.frames import open_video
from seetell.video.writing import write_video

VALUES = [10 * number for number in range(20)]


def greys(frames: object) -> list[int]:
    return [10 * round(float(frame.image.mean()) / 10) for frame in frames]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_greys(tmp_path_factory.mktemp("films") / "greys.mp4", VALUES)


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".webm", ".mov"])
def test_what_is_written_is_read(tmp_path: Path, ending: str):
    with open_video(write_greys(tmp_path / f"film{ending}", VALUES)) as video:
        assert (video.size, round(video.fps, 3)) == (SIZE, 10)
        assert video.seconds == pytest.approx(2.0, abs=0.11)
        frames = list(video)
    assert greys(frames) == VALUES
    assert [frame.index for frame in frames] == list(range(20))
    assert [frame.seconds for frame in frames] == pytest.approx([number / 10 for number in range(20)], abs=1e-3)
    assert frames[0].image.shape == (48, 64, 3)
    assert frames[0].image.dtype == np.uint8
    assert video.problem == ""


def test_a_film_is_read_from_a_second_on_and_again(film: Path):
    with open_video(film, threads=2) as video:
        late = list(video.frames(1.25))
        assert greys(late) == VALUES[13:]
        assert [frame.index for frame in late] == list(range(13, 20))
        assert video.problem == ""
        assert greys(video) == VALUES
        one, other = video.frames(), video.frames(1.0)
        assert (next(one).index, next(other).index, next(one).index) == (0, 10, 1)
        assert list(video.frames(60)) == []


def test_frames_have_the_times_at_which_they_are_shown(tmp_path: Path):
    times = [0.0, 0.1, 0.2, 0.7, 0.75, 2.0]
    video = open_video(write_greys(tmp_path / "film.mp4", VALUES[:6], times=times))
    assert [frame.seconds for frame in video] == pytest.approx(times, abs=1e-3)
    assert [frame.seconds for frame in video.frames(0.5)] == pytest.approx(times[3:], abs=1e-3)


@pytest.mark.parametrize("ending", [".mkv", ".mp4", ".webm"])
def test_a_film_whose_times_begin_later_is_whole(tmp_path: Path, ending: str):
    times = [10 + index / 10 for index in range(20)]
    with open_video(write_greys(tmp_path / f"film{ending}", VALUES, times=times)) as video:
        assert [frame.seconds for frame in video] == pytest.approx([at - 10 for at in times], abs=2e-3)
        assert video.problem == ""
        assert video.seconds == pytest.approx(2, abs=0.2)


def test_odd_sides_are_written(tmp_path: Path):
    with write_video(tmp_path / "odd.mp4", size=(63, 47), fps=5) as writer:
        writer.add(grey(90, (63, 47)), 0.0)
    assert open_video(tmp_path / "odd.mp4").size == (64, 48)


@pytest.mark.parametrize(("degrees", "matrix"), [(90, (0, 1, -1, 0)), (180, (-1, 0, 0, -1)), (270, (0, -1, 1, 0))])
def test_a_film_that_was_turned_is_read_upright(tmp_path: Path, degrees: int, matrix: tuple[int, int, int, int]):
    stored = np.zeros((48, 64, 3), np.uint8)
    stored[:16, :16] = 255  # upper left
    path = tmp_path / "turned.mp4"
    with write_video(path, size=SIZE, fps=5) as writer:
        writer.add(stored, 0.0)
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 40  # of the matrix in the header of the track
    for position, value in zip((0, 4, 12, 16), matrix, strict=True):
        content[place + position : place + position + 4] = (value << 16).to_bytes(4, "big", signed=True)
    path.write_bytes(content)
    with open_video(path) as video:
        image = next(iter(video)).image
        assert video.size == (image.shape[1], image.shape[0]) == (SIZE if degrees == 180 else SIZE[::-1])
    # turned clockwise, the upper left corner comes to the upper right, and so on
    corners = {90: image[:12, -12:], 180: image[-12:, -12:], 270: image[-12:, :12]}
    assert corners[degrees].mean() > 200
    assert image.mean() < 40


def test_a_film_that_was_cut_off_is_read_to_there(tmp_path: Path):
    rng = np.random.default_rng(0)
    path = tmp_path / "whole.mkv"
    with write_video(path, size=SIZE, fps=10) as writer:
        for number in range(100):
            writer.add(rng.integers(0, 255, (48, 64, 3), np.uint8), number / 10)
    content = path.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(content[: len(content) // 2])
    video = open_video(cut)
    assert 30 < len(list(video)) < 70
    assert "ends after " in video.problem
    assert " of 10.0 seconds" in video.problem


def test_damaged_frames_are_left_out_and_counted(tmp_path: Path):
    path = tmp_path / "damaged.mp4"
    with write_video(path, size=SIZE, fps=10) as writer:
        for number in range(50):
            writer.add(np.random.default_rng(number).integers(0, 255, (48, 64, 3), np.uint8), number / 10)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 10] = bytes(len(content) // 10)
    path.write_bytes(content)
    video = open_video(path)
    assert 40 < len(list(video)) < 50
    assert "frames are damaged" in video.problem


@pytest.mark.parametrize(
    "content",
    [
        b"no video",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile other.mp4\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    ],
    ids=["text", "playlist", "list", "address"],
)
def test_what_is_no_film_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"film\.mp4: is no video that can be read"):
        open_video(path)


def test_large_frames_are_refused_before_they_are_decoded(film: Path):
    with pytest.raises(VideoError, match="64×48 pixels; at most 3,000"):
        open_video(film, max_pixels=3000)


def test_what_is_no_file_is_refused(tmp_path: Path):
    with pytest.raises(VideoError, match="no such file"):
        open_video(tmp_path / "absent.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(VideoError, match="pipe or device"):
        open_video(tmp_path / "pipe.mp4")
    with pytest.raises(VideoError, match="zero byte"):
        open_video("a\0.mp4")
    with pytest.raises(VideoError, match="camera:99: is no video"):
        open_video("camera:99")


def test_a_failing_block_leaves_the_old_film(film: Path, tmp_path: Path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="expected a frame of"), write_video(path, size=SIZE, fps=5) as writer:
        writer.add(grey(1, (8, 8)), 0.0)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["film.mp4"]
    with (
        pytest.raises(UsageError, match=r"expected the name of a video in \.mp4"),
        write_video(tmp_path / "film.txt", size=SIZE, fps=5),
    ):
        pass
    with (
        pytest.raises(SeetellError, match="cannot be written"),
        write_video(tmp_path / "no" / "film.mp4", size=SIZE, fps=5),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("film.mp4", b"", r"film\.mp4: the file is empty"),
        ("photo.png", b"photo", r"photo\.png: has the name of a photo; expected a video, or a folder of its pictures"),
    ],
)
def test_what_is_no_film_at_all(tmp_path: Path, name: str, content: bytes, message: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=message), open_video(str(tmp_path / name)):
        pass
