from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seetell.drawing.tracks import TrackPainter, colour_of, write_tracked
from seetell.drawing.tracks_page import tracks_page
from seetell.geometry.crossings import crossings
from seetell.geometry.masks import encode
from seetell.results import Track, Tracks
from seetell.video.frames import Frame, open_video

SIZE = (200, 150)


def track(number: int, text: str, frames: list[int], left: float, *, mask: bool = False) -> Track:
    """Return an object that goes to the right by 4 pixels a frame."""
    at = np.array(frames)
    boxes = np.column_stack([left + 4 * at, np.full(len(at), 50), left + 30 + 4 * at, np.full(len(at), 100)])
    inside = np.zeros(SIZE[::-1], bool)
    inside[120:140, 150:190] = True
    masks = (encode(inside),) * len(at) if mask else ()
    return Track(number, text, at, at / 10, boxes.astype(np.float64), np.full(len(at), 0.5), masks)


@pytest.fixture
def tracks() -> Tracks:
    return Tracks(
        (track(1, "dog", [0, 1, 2, 3, 4], 20.0), track(2, "<cat>", [2, 3, 7], 120.0)), SIZE, 10.0, 10, "model"
    )


def frames(count: int) -> list[np.ndarray]:
    return [np.full((SIZE[1], SIZE[0], 3), 10 * number, np.uint8) for number in range(count)]


def has(pixels: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((pixels == colour).all(axis=-1).any())


def test_objects_are_drawn_in_the_frames_in_which_they_are_seen(tracks: Tracks):
    painter = TrackPainter(tracks)
    drawn = [np.asarray(painter.draw(Frame(index, index / 10, image))) for index, image in enumerate(frames(10))]
    assert [has(picture, colour_of(1)) for picture in drawn] == [True] * 5 + [False] * 5
    assert [has(picture, colour_of(2)) for picture in drawn] == [index in (2, 3, 7) for index in range(10)]
    assert (drawn[3][56:94, 42:56] == 30).all()  # inside the box the frame is as it was
    assert (drawn[8] == 80).all()


def test_only_the_frames_that_were_followed_are_written(tmp_path: Path):
    pytest.importorskip("av")
    followed = Tracks((track(1, "dog", [0, 1], 20.0),), SIZE, 10.0, 2, "model")
    write_tracked(tmp_path / "walk.mp4", open_video(frames(10), fps=10), followed)
    assert len(list(open_video(tmp_path / "walk.mp4"))) == 2


def test_masks_are_coloured():
    painter = TrackPainter(Tracks((track(1, "dog", [0], 20.0, mask=True),), SIZE, 10.0, 1, "model"))
    picture = np.asarray(painter.draw(Frame(0, 0.0, frames(1)[0])))
    assert picture[130, 170].tolist() == [round(0.45 * part) for part in colour_of(1)]


def test_a_line_counts_what_has_crossed_it(tracks: Tracks):
    line = ((45.0, 0.0), (45.0, 150.0))
    counted = Tracks(*(tracks.tracks, SIZE, 10.0, 10, "model"), line=line, crossings=crossings(tracks, line))
    painter = TrackPainter(counted)
    before, after = (painter.draw(Frame(index, index / 10, frames(1)[0])) for index in (0, 4))
    assert np.asarray(before)[140, 45].tolist() == [255, 255, 255]
    assert np.asarray(before.crop((0, 0, 190, 30))).tolist() != np.asarray(after.crop((0, 0, 190, 30))).tolist()
    assert counted.crossed == "1 to the left of the line, 0 to the right"


def test_the_page_has_a_line_of_time(tracks: Tracks):
    page = tracks_page(open_video(frames(10), fps=10), tracks, name="walk.mp4")
    assert "<title>walk.mp4: 1 dog, 1 &lt;cat&gt;</title>" in page
    assert page.count("<img src=") == 3  # the frame and each object
    assert 'left: 20.00%; width: 10.00%"></span><span style="left: 70.00%; width: 0.00%"' in page
    assert "&lt;cat&gt; 2</span>" in page
    assert "model model" in page
    nothing = tracks_page(open_video(frames(2)), Tracks((), SIZE, 25.0, 2, "model", "cut off"), name="a")
    assert "nothing followed" in nothing
    assert "cut off" in nothing
