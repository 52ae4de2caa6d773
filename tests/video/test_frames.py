from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell import extras
from seetell.errors import UsageError, VideoError
from seetell.video.frames import open_video


def write(folder: Path, *names: str, size: tuple[int, int] = (8, 6)) -> None:
    for number, name in enumerate(names):
        Image.new("RGB", size, (10 * number, 0, 0)).save(folder / name)


def greys(video_frames: object) -> list[int]:
    return [int(frame.image[..., 0].mean().round()) for frame in video_frames]  # type: ignore[attr-defined]


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path):
    write(tmp_path, "frame1.png", "frame2.png", "frame10.png")
    (tmp_path / "notes.txt").touch()
    with open_video(tmp_path, fps=2) as video:
        assert (video.size, video.fps, video.frame_count, video.seconds) == ((8, 6), 2, 3, 1.5)
        assert greys(video) == [0, 10, 20]
        assert [(frame.index, frame.seconds) for frame in video.frames(0.5)] == [(1, 0.5), (2, 1.0)]
        assert greys(open_video(str(tmp_path / "frame1*.png"))) == [0, 20]


def test_a_sequence_of_mot_challenge_says_its_rate(tmp_path: Path):
    (tmp_path / "img1").mkdir()
    write(tmp_path / "img1", "000001.jpg", "000002.jpg")
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nname=a\nimDir=img1\nframeRate=14\n", encoding="utf-8")
    video = open_video(tmp_path)
    assert (video.fps, video.frame_count) == (14, 2)
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nimDir=../..\nframeRate=14\n", encoding="utf-8")
    with pytest.raises(VideoError, match=r"a folder within, got 14\.0 and '\.\./\.\.'"):
        open_video(tmp_path)


def test_a_broken_picture_costs_itself_only(tmp_path: Path):
    write(tmp_path, "1.png", "2.png", "3.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    Image.new("RGB", (16, 12), (50, 0, 0)).save(tmp_path / "3.png")
    video = open_video(tmp_path)
    frames = list(video)
    assert [frame.index for frame in frames] == [0, 2]
    assert frames[1].image.shape == (6, 8, 3)
    assert video.problem.startswith("1 of 3 pictures cannot be used; the first: ")


def test_without_pyav_a_missing_file_and_a_photo_are_told_for_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(extras.EXTRAS, "video", ("no_such_module",))
    write(tmp_path, "dog.jpg")
    for name in ("no.jpg", "no.mp4", "no/"):
        with pytest.raises(VideoError, match=f"{name}: no such file or folder"):
            open_video(f"{tmp_path}/{name}")
    with pytest.raises(VideoError, match=r"dog\.jpg: has the name of a photo"):
        open_video(tmp_path / "dog.jpg")
    (tmp_path / "film.gif").touch()
    for name in (str(tmp_path / "film.gif"), "camera:0"):
        with pytest.raises(UsageError, match="needs no_such_module, which is not installed"):
            open_video(name)


def test_arrays_are_a_video():
    images = np.arange(4, dtype=np.uint8).repeat(18).reshape(4, 2, 3, 3)
    video = open_video(images, fps=10)
    assert (video.size, video.fps, greys(video)) == ((3, 2), 10, [0, 1, 2, 3])
    assert [frame.seconds for frame in video] == [0.0, 0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    "images",
    [[], [np.zeros((2, 3), np.uint8)], [np.zeros((2, 3, 3))], [np.zeros((n, 3, 3), np.uint8) for n in (2, 4)]],
    ids=["none", "grey", "floats", "sizes"],
)
def test_other_arrays_are_refused(images: list[np.ndarray]):
    with pytest.raises(VideoError, match="expected "):
        open_video(images)


def test_what_is_no_video_is_refused(tmp_path: Path):
    with pytest.raises(VideoError, match="there are no pictures"):
        open_video(tmp_path)
    for fps in (0, 1e-9, 1e300, float("nan")):
        with pytest.raises(UsageError, match=r"fps: expected a number from 0\.001 to 1000, got "):
            open_video(tmp_path, fps=fps)
    write(tmp_path, "1.png", size=(100, 100))
    with pytest.raises(VideoError, match="100×100 pixels; at most 9,999"):
        open_video(tmp_path, max_pixels=9_999)


def test_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "walk.mp4").touch()
    with pytest.raises(UsageError, match=r"reading .*walk.mp4 needs av, which is not installed: .*\[video\]"):
        open_video(tmp_path / "walk.mp4")
