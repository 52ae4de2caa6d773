from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_videos.follow import Follower
from toy_videos.task import TASK

import seetell
from seetell.cli.command import Format
from seetell.cli.main import main
from seetell.cli.video_names import named_videos
from seetell.cli.video_rows import VideoRows
from seetell.errors import UsageError
from seetell.results import Tracks
from seetell.tasks import registry
from seetell.tasks.loading import load_for


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    registry.register(TASK)


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """Five pictures in which a white pixel goes to the right."""
    folder = tmp_path / "walk"
    folder.mkdir()
    for number in range(5):
        pixels = np.zeros((10, 20, 3), np.uint8)
        pixels[4, 2 * number] = 255
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


def test_a_line_is_an_object_and_when_it_is_seen(walk: Path, capsys: pytest.CaptureFixture[str]):
    assert run("chase", str(walk), "--fps", "1") == 0
    assert capsys.readouterr().out == f"{walk}\tpixel 1: 0:00–0:04\t1.00\n"


def test_a_film_in_which_nothing_is_found_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    dark = tmp_path / "dark"
    dark.mkdir()
    for number in range(3):
        Image.new("RGB", (20, 10)).save(dark / f"{number}.png")
    assert run("chase", str(dark)) == 0
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", f"{dark}: nothing was found in 3 frames")
    assert run("chase", str(dark), "--format", "mot") == 0
    out, err = capsys.readouterr()
    assert (out, "was found" in err) == ("", False)
    for number in (1, 2):
        (dark / f"{number}.png").unlink()
    assert run("chase", str(dark)) == 0
    assert capsys.readouterr().err.endswith(f"{dark}: nothing was found in 1 frame\n")


def test_what_was_left_out_is_not_told_as_nothing_found(capsys: pytest.CaptureFixture[str]):
    rows = VideoRows(Format.text, "tracks")
    for left_out in (1, 2):
        rows.write("walk", Tracks((), (20, 10), 25.0, 5, "model", left_out=left_out))
    assert capsys.readouterr().err.splitlines() == [
        "walk: nothing was seen for long enough in 5 frames; 1 object left out by --shortest",
        "walk: nothing was seen for long enough in 5 frames; 2 objects left out by --shortest",
    ]


def test_json_lines_and_csv(walk: Path, capsys: pytest.CaptureFixture[str]):
    assert run("chase", str(walk), "--format", "jsonl", "--margin", "0") == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["video"], row["size"], row["fps"], row["frame_count"]) == (str(walk), [20, 10], 25, 5)
    assert (row["model"], "problem" in row) == ("brightest", False)
    (track,) = row["tracks"]
    assert (track["id"], track["text"], track["from"], track["to"]) == (1, "pixel", 0.0, 0.16)
    assert track["boxes"] == [[2.0 * number, 4.0, 2.0 * number + 1, 5.0] for number in range(5)]
    assert run("chase", str(walk), "--format", "csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [line["frame"] for line in lines] == ["0", "1", "2", "3", "4"]
    assert (lines[1]["video"], lines[1]["left"], lines[1]["seconds"]) == (str(walk), "1.0", "0.04")


def test_what_fails_costs_the_others_nothing(walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (walk / "3.png").write_bytes(b"no picture")
    assert run("chase", str(tmp_path / "absent"), str(walk), "--fps", "1") == 1
    captured = capsys.readouterr()
    assert captured.out == f"{walk}\tpixel 1: 0:00–0:04\t1.00\n"
    assert f"{tmp_path / 'absent'}: no such file or folder" in captured.err
    assert f"{walk}: 1 of 5 pictures cannot be used" in captured.err
    assert run("chase", str(tmp_path / "absent"), "--format", "jsonl") == 1
    row = json.loads(capsys.readouterr().out)
    assert row == {"video": str(tmp_path / "absent"), "error": "no such file or folder"}


def test_wrong_use(walk: Path, capsys: pytest.CaptureFixture[str]):
    assert run("chase", str(walk), "--margin", "-1") == 2
    assert run("chase", str(walk), "--precision", "int8") == 2
    assert "brightest: precision is for bundles; it needs no model" in capsys.readouterr().err
    assert run("chase") == 2


def test_a_predictor_without_a_model_is_loaded_by_its_command_and_its_name():
    for loaded in (seetell.load("chase"), load_for(TASK), load_for(TASK, "brightest")):
        assert (type(loaded), loaded.name) == (Follower, "brightest")
    images = np.zeros((2, 4, 6, 3), np.uint8)
    images[1, 2, 3] = 9
    assert loaded.predict(images)[0].boxes[1].tolist() == [2, 1, 5, 4]
    with pytest.raises(UsageError, match="margin must be at least 0, got -1"):
        loaded.check(margin=-1)


def test_folders_of_videos_and_of_pictures(tmp_path: Path, walk: Path):
    for name in ("b.mp4", "a.MKV", "notes.txt"):
        (tmp_path / name).touch()
    films = [str(tmp_path / "a.MKV"), str(tmp_path / "b.mp4")]
    assert named_videos([str(tmp_path), str(walk), "camera:0"]) == [*films, str(walk), "camera:0"]
    assert named_videos([str(tmp_path / "*.mp4"), str(walk / "*.png")]) == [films[1], str(walk / "*.png")]


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".txt", ".html", ".mp4"])
def test_the_result_is_written_to_a_file(walk: Path, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]):
    if ending == ".mp4":
        pytest.importorskip("av")
    path = tmp_path / f"result{ending}"
    assert run("chase", str(walk), "--output", str(path)) == 0
    assert capsys.readouterr().out == f"{walk}\tpixel 1: 0:00\t1.00\n"
    if ending == ".mp4":
        from seetell.video.frames import open_video

        assert len(list(open_video(path))) == 5
        return
    text = path.read_text(encoding="utf-8")
    begins = {".jsonl": f'{{"video": "{walk}"', ".csv": "video,id,text,", ".txt": "1,1,0.00,4.00,3.00,3.00,1.0000,-1"}
    assert text.startswith(begins.get(ending, "<!doctype html>"))
    assert text.count("\n") == {".jsonl": 1, ".csv": 6, ".txt": 5}.get(ending, text.count("\n"))


def test_results_of_mot_challenge_on_standard_output(walk: Path, capsys: pytest.CaptureFixture[str]):
    assert run("chase", str(walk), "--format", "mot") == 0
    assert capsys.readouterr().out.splitlines()[1] == "2,1,2.00,4.00,3.00,3.00,1.0000,-1,-1,-1"
    assert run("chase", str(walk), str(walk), "--format", "mot") == 2
    assert "--format mot is for one video" in capsys.readouterr().err


def test_files_that_cannot_be_written(walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("chase", str(walk), "--output", str(tmp_path / "a.xml")) == 2
    assert "expected a name in .mp4, .mov, .mkv, .webm, .html" in capsys.readouterr().err
    assert run("chase", str(walk), str(walk), "--output", str(tmp_path / "a.html")) == 2
    assert "--output is for one video" in capsys.readouterr().err
    assert run("chase", str(walk), "--output", str(tmp_path / "no" / "a.html")) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_what_a_camera_showed_is_not_read_again(capsys: pytest.CaptureFixture[str]):
    for name in ("a.mp4", "a.html"):
        assert run("chase", "camera:0", "--output", name) == 2
        assert "cannot be read again; expected a name in .jsonl, .csv, .txt" in capsys.readouterr().err


def test_a_file_that_an_option_names_is_not_overwritten(walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    detections = tmp_path / "det.txt"
    detections.write_text("1,-1,1,1,5,5,0.9,-1,-1,-1\n", encoding="utf-8")
    assert run("track", str(walk), "--detections", str(detections), "--output", str(detections)) == 2
    assert "would overwrite what this command reads" in capsys.readouterr().err
    assert detections.read_text(encoding="utf-8") == "1,-1,1,1,5,5,0.9,-1,-1,-1\n"
