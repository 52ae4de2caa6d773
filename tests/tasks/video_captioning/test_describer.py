from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import seetell
from seetell.errors import UsageError, VideoError
from seetell.results import Caption, Shots, Word, row
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.near_duplicates import Thumbnail
from seetell.tasks.captioning.captioner import Captioner, Wanted
from seetell.tasks.captioning.withholding import withheld
from seetell.tasks.video_captioning.describer import Describer
from seetell.tasks.video_captioning.key_frames import KeyFrames, sureness
from seetell.video import watched
from seetell.video.frames import open_video


class Greys(Captioner[int]):
    """Says how bright an image is, and is the surer the brighter it is."""

    has_confidence = True

    def __init__(self) -> None:
        super().__init__("greys", threads=1)

    def prepare(self, image: np.ndarray, text: str = "") -> int:
        return int(image.mean())

    def thumbnail(self, image: int) -> Thumbnail:
        return Thumbnail(np.zeros((32, 32, 3), np.uint8), 0.0)  # all images are alike

    def _bind(self, wanted: Wanted) -> BatchFn[int, Caption]:
        if wanted.options:
            raise UsageError(f"unknown: {', '.join(wanted.options)}")

        def caption(value: int) -> Caption:
            if value / 255 < wanted.min_confidence:
                return withheld("too dark", self.name, value / 255)
            return Caption(f"grey {value // 50 * 50}", (), -1.0, self.name, confidence=value / 255)

        return lambda batch, sample_ids: [caption(value) for value in batch]


def greys(*values: int) -> list[np.ndarray]:
    return [np.full((24, 32, 3), value, np.uint8) for value in values]


@pytest.fixture(scope="module")
def model() -> Describer:
    return Describer(KeyFrames(Greys()))


def told(shots: Shots) -> list[tuple[float, float, str]]:
    return [(shot.start, shot.end, str(shot.caption)) for shot in shots]


def test_a_sentence_for_each_shot_of_the_frame_that_is_surest(model: Describer):
    frames = greys(*[20] * 6, *[22] * 6, *[21] * 8, *[200] * 20)
    with open_video(frames, fps=10) as video:
        shots = model.predict(video)
    assert told(shots) == [(0.0, 2.0, "grey 0"), (2.0, pytest.approx(4.0), "grey 200")]
    assert 0.6 <= shots[0].key_frame < 1.2
    assert (shots.size, shots.fps, shots.frame_count, shots.model, shots.problem) == ((32, 24), 10, 40, "greys", "")


def test_frames_are_described_each_by_itself_however_alike(model: Describer):
    frames = greys(*[20] * 6, *[30] * 6, *[21] * 8)
    with open_video(frames, fps=10) as video:
        (shot,) = model.predict(video)
    assert shot.caption.confidence == pytest.approx(30 / 255)
    with open_video(frames, fps=10) as video:
        (shot,) = model.predict(video, each_alone=False)
    assert shot.caption.confidence == pytest.approx(30 / 255)


def test_what_is_withheld_stays_so(model: Describer):
    shots = model.predict(open_video(greys(*[20] * 20, *[200] * 20), fps=10), min_confidence=0.5)
    assert told(shots) == [(0.0, 2.0, "too dark"), (2.0, pytest.approx(4.0), "grey 200")]
    lines = row("a.mp4", shots, input="video")
    assert json.loads(json.dumps(lines))["shots"][0] == {
        **{"from": 0.0, "to": 2.0, "key_frame": 0.3},
        **{"caption": None, "reason": "too dark", "confidence": 0.0784},
    }
    assert lines["shots"][1]["caption"] == "grey 200"
    assert (lines["video"], lines["model"], "problem" in lines) == ("a.mp4", "greys", False)


def test_a_long_shot_is_described_again_if_it_changes(model: Describer):
    still = greys(*[120] * 100)
    assert told(model.predict(open_video(still, fps=10), longest=3)) == [(0.0, pytest.approx(10.0), "grey 100")]
    brighter = greys(*np.linspace(40, 190, 100).astype(int))
    parts = told(model.predict(open_video(brighter, fps=10), longest=3))
    assert [start for start, _, _ in parts] == [0.0, 3.0, 6.0]


def test_limits_of_time(model: Describer, monkeypatch: pytest.MonkeyPatch):
    frames, seen = greys(*[20] * 50), []
    shots = model.predict(
        open_video(frames, fps=10), until=2.5, progress=lambda done, total: seen.append((done, total))
    )
    assert (shots.frame_count, shots[0].end, shots.problem) == (25, pytest.approx(2.5), "")
    assert (seen[0], seen[-1]) == ((1, 25), (25, 25))
    clock = itertools.count()
    monkeypatch.setattr(watched.time, "monotonic", lambda: float(next(clock)))
    shots = model.predict(open_video(frames, fps=10), time_limit=30)
    assert (shots.frame_count, len(shots), shots.problem) == (29, 1, "stopped at 0:02, after 30 seconds of work")


def test_what_can_be_read_of_a_damaged_video_is_described(model: Describer, tmp_path: Path):
    from PIL import Image

    for number, image in enumerate(greys(*[20] * 5)):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_bytes(b"no picture")
    shots = model.predict(str(tmp_path))
    assert (shots.frame_count, len(shots)) == (4, 1)
    assert shots.problem.startswith("1 of 5 pictures cannot be used")
    with pytest.raises(VideoError, match="no such file"):
        model.predict(str(tmp_path / "absent.mp4"))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"frames": 0}, "frames"),
        ({"frames": 13}, "at most 12 of a shot are looked at, got 13"),
        ({"shortest": 0.1}, "expected shots of 0.5 seconds or more, got from 0.1 to 20"),
        ({"shortest": 30}, "got from 30 to 20"),
        ({"until": 0}, "until: expected seconds above 0"),
        ({"time_limit": -1}, "time_limit"),
        ({"min_confidence": 2}, "min_confidence is between 0 and 1"),
        ({"attention": True}, "attention"),
        ({"colour": 1}, "colour"),
    ],
)
def test_options_are_checked_before_any_work(model: Describer, options: dict[str, float], complaint: str):
    with pytest.raises(UsageError, match=complaint):
        model.check(**options)


def test_how_captions_compare():
    words = (Word("a", -1.0), Word("dog", -1.0))
    sure, unsure = Caption("a dog", words, -2.0, "m", 0.9), Caption("a dog", words, -2.0, "m", 0.2)
    tags = Caption("dog", (), float("nan"), "m", 0.99, "tags")
    none = withheld("confidence", "m", 0.1)
    assert sorted([sure, none, tags, unsure], key=sureness) == [none, tags, unsure, sure]
    likely, unlikely = Caption("a dog", words, -2.0, "m"), Caption("a dog", words, -9.0, "m")
    unheard = Caption("a dog", (), float("nan"), "m")
    assert sorted([likely, unheard, unlikely], key=sureness) == [unheard, unlikely, likely]


def test_any_bundle_of_captioning_describes_videos(tiny_bundle: Path):
    loaded = seetell.load(tiny_bundle, task="describe", threads=1)
    shots = loaded.predict(open_video(greys(*[20] * 8), fps=10), frames=2, beam_size=1)
    assert (len(shots), shots.model, loaded.name) == (1, "tiny", "tiny")
    assert shots[0].caption.text
    with pytest.raises(UsageError, match="does not tell how sure it is"):
        loaded.check(min_confidence=0.5)
