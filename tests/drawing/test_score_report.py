from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.drawing.score_report import SHOWN, ScoredPhoto, ScoreReport

HOSTILE = '<script>alert("x")</script> & \0\x1b $style'


class Outline(HTMLParser):
    """Collects what a page has, and sees to it that every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.names: list[str] = []
        self.headings: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        fields = dict(attributes)
        self.names.append(tag)
        self.ids += [fields["id"] or ""] if "id" in fields else []
        self.links += [fields["href"] or ""] if "href" in fields else []
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("h2", "h3"):
            self.headings.append(data)


def photo(place: int, *scores: float, path: Path = Path("absent.jpg")) -> ScoredPhoto:
    rows = tuple({"CIDEr": score, "Bleu_4": 0.25} for score in scores)
    return ScoredPhoto(
        f"{place}.jpg", path, (f"people {place}",), tuple(f"model {n} {place}" for n in range(len(rows))), rows
    )


def report(photos: list[ScoredPhoto], names: tuple[str, ...] = ("ours.json",)) -> ScoreReport:
    return ScoreReport(
        names=names,
        about="Captions of photos.",
        header=("metric", "score"),
        rows=(("CIDEr", "58.8"),),
        notes=("scores ×100",),
        metric="CIDEr",
        others=("Bleu_4",),
        photos=photos,
    )


def test_best_and_worst_photos_are_shown_in_order():
    html = report([photo(place, place / 10) for place in range(30)]).html()
    outline = Outline(html)
    shown = [f"{place}.jpg" for place in (*range(29, 29 - SHOWN, -1), *range(SHOWN))]
    assert outline.headings == [
        "Scores", "Distribution of CIDEr over the photos", "Best photos", *shown[:SHOWN], "Worst photos", *shown[SHOWN:]
    ]  # fmt: skip
    assert set(outline.links) == {f"#{name}" for name in outline.ids} == {"#scores", "#distribution", "#best", "#worst"}
    assert "CIDEr\u00a0290.0 · Bleu_4\u00a025.0" in html
    assert "Half of the photos lie between 72.5 and 217.5; median 145.0, mean 145.0." in html


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_photos_are_each_shown_once(count: int):
    headings = Outline(report([photo(place, 0.0) for place in range(count)]).html()).headings
    assert sorted(name for name in headings if name.endswith(".jpg")) == [f"{place}.jpg" for place in range(count)]


def test_where_two_differ_most_is_shown():
    photos = [photo(0, 1.0, 1.0), photo(1, 2.0, 0.5), photo(2, 0.1, 0.4), photo(3, 0.9, 0.8)]
    html = report(photos, ("ours.json", "theirs.json")).html()
    headings = Outline(html).headings
    ahead, behind = headings.index("Where A is furthest ahead"), headings.index("Where B is furthest ahead")
    assert headings[ahead + 1 : behind] == ["1.jpg", "3.jpg"]
    assert headings[behind + 1 :] == ["2.jpg"]
    assert "model 1 2" in html
    assert "B: CIDEr\u00a040.0" in html
    assert 'class="steps"' in html


def test_what_others_wrote_stays_text():
    hostile = ScoredPhoto(HOSTILE, Path("a\0b"), (HOSTILE,), (HOSTILE,), ({"CIDEr": 0.0, "Bleu_4": 0.0},))
    html = report([hostile], (HOSTILE,)).html()
    assert "script" not in Outline(html).names
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp;    $style" in html
    assert "\0" not in html
    assert "\x1b" not in html


def test_photos_are_embedded_small_and_the_rest_is_text(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.jpg")
    Image.new("L", (1, 3000)).save(tmp_path / "line.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    photos = [photo(n, 0.1, path=tmp_path / name) for n, name in enumerate(("noise.jpg", "line.png", "broken.jpg"))]
    html = report(photos).html()
    assert html.count("data:image/jpeg;base64,") == 2
    assert 'width="192" height="144"' in html
    assert html.count("no photo") == 1
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    assert len(html) < 60_000


def test_a_caption_without_words_is_said_to_be_so():
    empty = ScoredPhoto("a", Path("a"), ("people",), ("",), ({"CIDEr": 0.0, "Bleu_4": 0.0},))
    assert '<p class="sentence" dir="auto">(no words)</p>' in report([empty]).html()
