"""The reader that comes with the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import seetell
from seetell.bulk import executors
from seetell.cli.main import main
from seetell.photos import open_photo
from seetell.tasks.text_recognition import predict
from seetell.tasks.text_recognition.predict import BundleReader

NOTICE = Path("docs/pictures/notice.jpg")


@pytest.fixture(scope="module")
def reader() -> BundleReader:
    return seetell.load("read", threads=1)


def test_a_notice_is_read_from_top_to_bottom(reader):
    lines = reader.predict(NOTICE)
    texts = [line.text for line in lines]
    assert texts[:3] == ["THE OLD MILL", "Bakery and tea room", "Open Tuesday to Sunday"]
    assert "Fresh bread from $3.20" in texts
    tops = [line.box[1] for line in lines]
    assert tops == sorted(tops)
    assert all(0.5 <= line.score <= 1 for line in lines)
    assert (lines.size, lines.model) == (open_photo(NOTICE).size, reader.name)


def test_of_too_many_lines_it_is_told_that_some_were_not_read(reader, monkeypatch, tmp_path, capsys):
    assert "problem" not in reader.predict(NOTICE).to_dict()
    monkeypatch.setattr(predict, "MOST_LINES", 2)
    monkeypatch.setattr(executors.LoadedBy, "load", lambda recipe: reader)
    told = f"only 2 of the {len(reader.finder.find(open_photo(NOTICE)).scores)} lines in it were read"
    for options in ((), ("--output", str(tmp_path / "rows.jsonl"))):
        with pytest.raises(SystemExit, match="0"):
            main(["read", str(NOTICE), "--format", "text" if options else "jsonl", *options])
        out, err = capsys.readouterr()
        row = json.loads((tmp_path / "rows.jsonl").read_text() if options else out)
        assert (len(row["regions"]), row["problem"]) == (2, told)
        assert f"{NOTICE}: {told}\n" in err


@pytest.mark.parametrize("name", ["bear", "cat", "cows", "dog", "giraffes"])
def test_where_nothing_is_written_nothing_is_read(reader, name):
    assert len(reader.predict(f"examples/{name}.jpg")) == 0


def test_a_line_is_read_whole(reader):
    image = open_photo(NOTICE).crop((180, 130, 540, 182))
    (line,) = reader.predict(image, whole=True)
    assert (line.text, line.box) == ("Bakery and tea room", (0, 0, 360, 52))
    assert len(reader.predict(image, whole=True, threshold=1.0)) == 0


@pytest.mark.parametrize("size", [(1, 1), (20000, 3), (3, 20000)])
def test_nothing_is_written_in_an_image_of_extreme_shape(reader, size):
    assert len(reader.predict(Image.new("RGB", size, "white"))) == 0


def test_a_word_is_read_alike_beside_a_longer_one(reader):
    notice = open_photo(NOTICE)
    short, long = notice.crop((225, 240, 490, 295)), notice.crop((160, 195, 560, 250))
    (alone,) = reader.recogniser.read([short])
    assert reader.recogniser.read([long, short])[1].score == pytest.approx(alone.score, abs=1e-4)


def test_it_is_as_small_as_is_said(reader):
    assert sum(file.stat().st_size for file in reader.bundle.folder.iterdir()) < 3.2e6
