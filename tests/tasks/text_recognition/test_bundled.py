"""The reader that comes with the package."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import matplotlib
import pytest
from PIL import Image, ImageDraw, ImageFont

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


@pytest.mark.slow
def test_a_notice_is_read_from_top_to_bottom(reader):
    lines = reader.predict(NOTICE)
    texts = [line.text for line in lines]
    assert texts[:3] == ["THE OLD MILL", "Bakery and tea room", "Open Tuesday to Sunday"]
    assert "Fresh bread from $3.20" in texts
    tops = [line.box[1] for line in lines]
    assert tops == sorted(tops)
    assert all(0.5 <= line.score <= 1 for line in lines)
    assert (lines.size, lines.model) == (open_photo(NOTICE).size, reader.name)


@pytest.mark.slow
def test_of_too_many_lines_it_is_told_that_some_were_not_read(reader, monkeypatch, tmp_path, capsys):
    assert "problem" not in reader.predict(NOTICE).to_dict()
    monkeypatch.setattr(predict, "MOST_LINES", 2)
    monkeypatch.setattr(executors.PredictorSpec, "load", lambda spec: reader)
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


TIGHT = (
    "A white polar bear walks through the snow. A striped cat with green eyes looks to the side. A dark rock rises "
    "above a lake with mountains in the distance. A black and white cow stands in a green meadow. People walk before "
    "a large stone gate that is lit up in the evening."
)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 3])
def test_the_words_of_long_tight_lines_are_set_apart(reader, times):
    """Without favoured blanks, a fifth of them would not be, and of the longer line, squashed, hardly any."""
    font = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "STIXGeneral.ttf"), 18)
    text = " ".join([TIGHT] * times)
    image = Image.new("RGB", (int(font.getlength(text)) + 40, 60), "white")
    ImageDraw.Draw(image).text((20, 20), text, fill="black", font=font)
    read = " ".join(line.text for line in reader.predict(image)).split()
    missing = Counter(text.split()) - Counter(read)
    assert missing.total() <= 0.06 * len(text.split()), (missing, read)


def test_a_line_is_read_whole(reader):
    image = open_photo(NOTICE).crop((180, 130, 540, 182))
    (line,) = reader.predict(image, whole=True)
    assert (line.text, line.box) == ("Bakery and tea room", (0, 0, 360, 52))
    assert len(reader.predict(image, whole=True, threshold=1.0)) == 0


@pytest.mark.slow
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
