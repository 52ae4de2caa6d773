from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from seetell.alttext.filling import SMALLEST, fill
from seetell.errors import PhotoError, SeetellError
from seetell.results import Caption


class Captioner:
    """Says of a photo its name, in batches; keeps what it was asked."""

    def __init__(self, batch_size: int = 1) -> None:
        self.asked: list[str] = []
        self._batch_size = batch_size

    def __call__(self, photos: Iterator[Path]) -> Iterator[Caption | PhotoError]:
        while batch := [photo for _, photo in zip(range(self._batch_size), photos, strict=False)]:
            self.asked += [photo.name for photo in batch]
            yield from (self._said(photo) for photo in batch)

    def _said(self, photo: Path) -> Caption | PhotoError:
        if photo.name == "broken.jpg":
            return PhotoError(f"{photo}: the file is damaged")
        return Caption("" if photo.name == "mute.jpg" else f"a {photo.stem}", (), -1.0, "named")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("dog", "cat", "broken", "mute"):
        Image.new("RGB", (40, 40)).save(tmp_path / f"{name}.jpg")
    Image.new("RGB", (400, SMALLEST - 1)).save(tmp_path / "line.png")
    (tmp_path / "logo.svg").write_text("<svg/>")
    return tmp_path


def page(site: Path, name: str, content: str) -> tuple[str, Path | None]:
    (site / name).parent.mkdir(exist_ok=True)
    (site / name).write_text(content)
    return str(site / name), site


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_pages_come_in_order_each_photo_captioned_once(site: Path, batch_size: int):
    captioner = Captioner(batch_size)
    pages = [
        page(site, "plain.md", "text"),
        page(site, "one.html", "<img src=dog.jpg><img src=/cat.jpg><img src=./dog.jpg>"),
        (str(site / "absent.md"), None),
        page(site, "sub/two.md", "![](../cat.jpg) ![](../dog.jpg)"),
        page(site, "three.md", "![](cat.jpg)"),
    ]
    filled = list(fill(pages, captioner))
    assert [item.name for item in filled] == [name for name, _ in pages]
    assert captioner.asked == ["dog.jpg", "cat.jpg"]
    assert [list(item.alts.values()) for item in filled] == [
        [],
        ["A dog.", "A cat.", "A dog."],
        [],
        ["A cat.", "A dog."],
        ["A cat."],
    ]
    assert isinstance(filled[2].page, SeetellError)


def test_pages_are_not_read_far_ahead(site: Path):
    reading: list[int] = []

    def pages() -> Iterator[tuple[str, Path | None]]:
        for number in range(50):
            reading.append(number)
            Image.new("RGB", (40, 40)).save(site / f"{number}.jpg")
            yield page(site, f"{number}.md", f"![]({number}.jpg)")

    for number, _ in enumerate(fill(pages(), Captioner(2))):
        assert len(reading) <= number + 4


@pytest.mark.parametrize(
    ("content", "left", "error"),
    [
        ("<img src=https://a/b.jpg>", "elsewhere", ""),
        ("<img src='data:image/gif;base64,R0l'>", "embedded", ""),
        ("<img src='{{ x }}'>", "template", ""),
        ("<img class=x>", "no address", ""),
        ("<img src=line.png>", "small", ""),
        ("<img src=absent.jpg>", "", "no such file"),
        ("<img src=https://a/b.jpg srcset='absent.jpg 2x'>", "", "no such file"),
        ("<img src=logo.svg>", "svg", ""),
        ("<img src='logo.SVG?v=1#x'>", "svg", ""),
        ("<img src=absent.svg>", "svg", ""),
        ("<img src='.'>", "", "is a folder"),
        ("<img src=broken.jpg>", "", "damaged"),
        ("<img src=mute.jpg>", "", "no words"),
        (f"<img src={'a' * 300}.jpg>", "", "cannot be read"),
    ],
)
def test_what_is_not_described_has_its_reason(site: Path, content: str, left: str, error: str):
    (filled,) = fill([page(site, "page.html", content)], Captioner())
    (image,) = filled.images
    assert filled.alts == {}
    assert image.skip_reason == left
    assert error in image.error
    assert bool(image.error) == bool(error)


def test_the_first_address_that_is_a_photo_counts(site: Path):
    image = "<img src='data:,' data-src=absent.jpg srcset='line.png, dog.jpg 2x'>"
    content = f"<picture><source srcset='cat.jpg'>{image}</picture>"
    (filled,) = fill([page(site, "page.html", content)], Captioner())
    assert list(filled.alts.values()) == ["A dog."]


def test_known_captions_come_before_the_models_and_are_not_cut(site: Path):
    (site / "link.jpg").symlink_to("dog.jpg")
    known = {str((site / "dog.jpg").resolve()): Caption("my dog " + "x" * 200, (), 0.0, "mine")}
    captioner = Captioner()
    pages = [page(site, "a.md", "![](dog.jpg) ![](cat.jpg)"), page(site, "b.md", "![](link.jpg)")]
    first, second = fill(pages, captioner, known)
    mine = "My dog " + "x" * 200 + "."
    assert list(first.alts.values()) == [mine, "A cat."]
    assert list(second.alts.values()) == [mine]
    assert captioner.asked == ["cat.jpg"]


def test_a_cleared_caption_is_a_veto(site: Path):
    known = {str((site / "dog.jpg").resolve()): Caption("", (), 0.0, "mine")}
    content = "<img src=dog.jpg> <img src=cat.jpg>"
    pages = [page(site, "a.html", content), page(site, "b.md", "![](dog.jpg) {{< figure src=dog.jpg >}}")]
    captioner = Captioner()
    first, second = fill(pages, captioner, known)
    assert [(image.skip_reason, image.alt) for image in first.images] == [("rejected", None), ("", "A cat.")]
    assert [image.skip_reason for image in second.images] == ["rejected", "rejected"]
    assert captioner.asked == ["cat.jpg"]
    first, second = fill(pages, Captioner(), known, empty_alt=True)
    assert [image.alt for image in first.images] == ["", "A cat."]
    assert [(image.skip_reason, image.alt) for image in second.images] == [("rejected", None), ("", "")]


def test_a_withheld_caption_is_left_to_a_person(site: Path):
    known = {str((site / "dog.jpg").resolve()): Caption("", (), 0.0, "mine", reason="no photo: text")}
    (filled,) = fill([page(site, "a.html", "<img src=dog.jpg> <img src=cat.jpg>")], Captioner(), known, empty_alt=True)
    assert [(image.skip_reason, image.withheld, image.alt) for image in filled.images] == [
        ("withheld", "no photo: text", None),
        ("", "", "A cat."),
    ]


def test_known_photos_on_a_page_are_told_whether_or_not_they_have_alt_text(site: Path):
    known = {str((site / name).resolve()): Caption("x", (), 0.0, "") for name in ("dog.jpg", "cat.jpg", "line.png")}
    (filled,) = fill([page(site, "a.md", "![a](dog.jpg) ![](line.png) ![](absent.jpg)")], Captioner(), known)
    assert {Path(path).name for path in filled.known} == {"dog.jpg", "line.png"}


def test_the_alt_text_of_a_twin_is_used(site: Path):
    content = "<img class=lazy src=spinner.gif><noscript><img src=dog.jpg alt='Rex'></noscript>"
    captioner = Captioner()
    (filled,) = fill([page(site, "a.html", content)], captioner)
    assert [(image.alt, image.caption) for image in filled.images] == [("Rex", None)]
    assert captioner.asked == []


def test_an_embed_is_found_in_the_vault(site: Path):
    for name in ("media/deep/bird.jpg", "media/bird.jpg", ".trash/fish.jpg"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40)).save(site / name)
    name, root = page(site, "notes/a.md", "![[Bird.jpg]] ![[deep/bird.jpg|300]] ![[dog.jpg]] ![[fish.jpg]]")
    (filled,) = fill([(name, root)], Captioner())
    found = [image.photo and image.photo.relative_to(site).as_posix() for image in filled.images]
    assert found == ["media/bird.jpg", "media/deep/bird.jpg", "dog.jpg", None]
    (site / ".obsidian").mkdir()
    (filled,) = fill([(name, None)], Captioner())
    assert [image.alt for image in filled.images] == ["A bird.", "A bird.", "A dog.", None]
