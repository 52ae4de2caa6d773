from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from in_process import run_python
from PIL import Image
from test_docs import blocks, commands_of

from seetell.cli.main import main
from seetell.video.frames import open_video

REPOSITORY = Path(__file__).parents[3]
HOW_TO, REFERENCE = "docs/how-to/track-videos.md", "docs/reference/object-trackers.md"


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A film in which an officer stands and the camera turns, eight frames at ten a second."""
    pytest.importorskip("av")
    from seetell.video.writing import write_video

    photo = Image.open(REPOSITORY / "examples" / "officer.jpg").convert("RGB")
    photo.thumbnail((400, 400))
    pixels = np.asarray(photo)
    width = pixels.shape[1] - 20
    path = tmp_path / "walk.mp4"
    with write_video(path, size=(width, pixels.shape[0]), fps=10) as writer:
        for index in range(8):
            writer.add(np.ascontiguousarray(pixels[:, 2 * index : 2 * index + width]), index / 10)
    monkeypatch.chdir(tmp_path)
    return path


def run(command: str) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(command.replace("'", "").split()[1:])


@pytest.mark.slow
def test_the_commands_of_the_page(walk: Path, capsys: pytest.CaptureFixture[str]):
    for command in commands_of(HOW_TO, "seetell track walk.mp4"):
        run(command)
    told = capsys.readouterr().out
    assert told.startswith("walk.mp4\tperson 1: 0:00\t0.")
    assert told.splitlines()[-1].endswith("to the left of the line, 0 to the right")
    with open_video("walk-tracked.mp4") as video:
        assert len(list(video)) == 8
    assert "person 1" in Path("walk.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_python_of_the_page(walk: Path):
    (block,) = (block for block in blocks() if block.page == HOW_TO and block.language == "python")
    assert run_python(block.text, walk.parent).startswith("1 person 0.0 0.7")


@pytest.mark.slow
def test_the_commands_for_mot_challenge(walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    home = tmp_path / "MOT15" / "train" / "TUD-Campus"
    for folder in ("img1", "gt", "det"):
        (home / folder).mkdir(parents=True)
    for number in range(1, 16):
        Image.new("RGB", (64, 48)).save(home / "img1" / f"{number:06}.jpg")
    lines = [f"{number},{{}},{3 * number},5,12,20,0.9,-1,-1,-1\n" for number in range(1, 16)]
    (home / "seqinfo.ini").write_text("[Sequence]\nimDir=img1\nframeRate=25\n", encoding="utf-8")
    (home / "gt" / "gt.txt").write_text("".join(line.format(1) for line in lines), encoding="utf-8")
    (home / "det" / "det.txt").write_text("".join(line.format(-1) for line in lines), encoding="utf-8")
    for command in commands_of(HOW_TO, "seetell track MOT15"):
        run(command)
    assert len(Path("results.txt").read_text(encoding="utf-8").splitlines()) == 15
    assert '"MOTA": 1.0' in capsys.readouterr().out


def test_the_scripts_are_there():
    page = (REPOSITORY / REFERENCE).read_text(encoding="utf-8")
    for script in re.findall(r"python (benchmarks/\w+\.py)", page):
        assert (REPOSITORY / script).is_file()


@pytest.mark.slow
def test_the_tables_are_those_of_the_benchmark(shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    if not (shared_data / "mot15").is_dir():
        pytest.skip("needs the files of MOT challenge 2015")
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    from object_tracking import score_rows

    assert "\n".join(score_rows(shared_data / "mot15")) in (REPOSITORY / REFERENCE).read_text(encoding="utf-8")
