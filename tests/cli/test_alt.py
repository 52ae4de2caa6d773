from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli.test_caption import save
from PIL import Image

from seetell.alttext.alt_text import LONGEST, alt_text
from seetell.cli.main import main
from seetell.runtime.bundle import bundled_models
from seetell.tasks.captioning.captioner import Captioner
from seetell.tasks.loading import load
from seetell.tasks.reading import Line, WordReader


def alt(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["alt", *map(str, arguments)])
    return int(caught.value.code or 0)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    for name, colour in (("dog.png", "red"), ("cat.png", "blue")):
        save(site / "images" / name, Image.new("RGB", (40, 40), colour))
    (site / "index.html").write_bytes(
        b'<img src="images/dog.png">\r\n<img src="/images/cat.png"><img src=x.png alt="">\r\n'
    )
    (site / "about.md").write_bytes(b"# About\n\n![](images/cat.png)")
    return site


@pytest.fixture
def said(tiny_bundle: Path, site: Path) -> dict[str, str]:
    """Alt text of each photo."""
    captioner = load(tiny_bundle)
    return {path.stem: alt_text(captioner.caption(path).text) for path in (site / "images").iterdir()}


def test_a_diff_is_shown_and_nothing_written(
    site: Path, said: dict[str, str], tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
):
    before = {path: path.read_bytes() for path in (site / "index.html", site / "about.md")}
    assert alt(site, "-m", tiny_bundle) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"--- {site / 'about.md'}\n+++ {site / 'about.md'}\n@@ -1,3 +1,3 @@\n # About\n")
    assert f"\n+![{said['cat']}](images/cat.png)\n\\ No newline at end of file\n" in captured.out
    assert f'\n+<img src="images/dog.png" alt="{said["dog"]}">\r\n' in captured.out
    assert captured.err == "2 pages, 3 alt texts to write, 1 image with alt text before; --write writes them\n"
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_write_fills_in_what_is_missing_once(
    site: Path, said: dict[str, str], tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
):
    assert alt(site, "-m", tiny_bundle, "--write") == 0
    shown = capsys.readouterr().out
    assert "+++ " in shown
    expected = (
        f'<img src="images/dog.png" alt="{said["dog"]}">\r\n'
        f'<img src="/images/cat.png" alt="{said["cat"]}"><img src=x.png alt="">\r\n'
    )
    assert (site / "index.html").read_bytes() == expected.encode()
    assert (site / "about.md").read_bytes() == f"# About\n\n![{said['cat']}](images/cat.png)".encode()
    assert alt(site, "-m", "nothing is loaded", "--write") == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "2 pages, 0 alt texts written, 4 images with alt text before\n"


@pytest.mark.parametrize("command", ["patch -p0", "git apply -p0"])
def test_the_diff_is_a_patch(
    site: Path,
    tiny_bundle: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
):
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    image = '<p>\u00e9</p>\r\n<img src="images/dog.png">\r\n'
    (site / "latin.html").write_bytes(f'<meta charset="iso-8859-1">{image}'.encode("latin-1"))
    (site / "wide.html").write_bytes(f"\ufeff{image}".encode("utf-16-le"))
    (site / "deep" / "a b").mkdir(parents=True)
    (site / "deep" / "a b" / "page.md").write_bytes(b"![](../../images/dog.png)\r\n")
    monkeypatch.chdir(site)
    assert alt(".", "-m", tiny_bundle) == 0
    subprocess.run(command.split(), input=capsysbinary.readouterr().out, check=True, capture_output=True)
    pages = sorted(path for path in site.rglob("*") if path.suffix in (".html", ".md"))
    patched = {path: path.read_bytes() for path in pages}
    assert len(pages) == 5
    assert alt(".", "-m", tiny_bundle, "--write") == 0
    assert {path: path.read_bytes() for path in pages} == patched
    assert capsysbinary.readouterr().out == b""


def test_letters_with_a_byte_like_a_line_break_are_written_as_references(
    site: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
):
    (site / "wide.html").write_bytes('\ufeff<img src="images/dog.png">'.encode("utf-16-le"))
    (tmp_path / "captions.csv").write_text(f"image,caption\n{site}/images/dog.png,\u0a05 dog \u4eba\n")
    assert alt(site / "wide.html", "--captions", tmp_path / "captions.csv", "--write") == 0
    written = (site / "wide.html").read_bytes().decode("utf-16-le")
    assert written == '\ufeff<img src="images/dog.png" alt="&#2565; dog \u4eba.">'


def test_failures_are_told_and_the_rest_goes_on(site: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]):
    (site / "a.html").write_text('<p>\n<img src="absent.jpg"><img src="images/dog.png"><img src="https://a/b.jpg">')
    pages = [site / "a.html", site / "absent.html", site / "images" / "dog.png"]
    assert alt(*pages, "-m", tiny_bundle, "--write") == 1
    captured = capsys.readouterr()
    assert f"{site / 'a.html'}:2: absent.jpg: {site / 'absent.jpg'}: no such file\n" in captured.err
    assert f"{site / 'absent.html'}: no such file or folder\n" in captured.err
    assert f"{site / 'images' / 'dog.png'}: not a page" in captured.err
    assert (
        "1 alt text written, 0 images with alt text before, 1 image skipped, 1 image failed, 2 pages failed"
        in captured.err
    )
    assert (site / "a.html").read_text().count("alt=") == 1


def test_a_folder_that_is_not_there_is_told(site: Path, capsys: pytest.CaptureFixture[str]):
    name = f"{site / 'absent'}/"
    assert alt(name) == 1
    assert f"{name}: no such file or folder\n" in capsys.readouterr().err
    assert alt(name, "--check", "-f", "jsonl") == 1
    assert json.loads(capsys.readouterr().out) == {"page": name, "error": "no such file or folder"}


@pytest.mark.slow
def test_rows_for_programs(site: Path, said: dict[str, str], tiny_bundle: Path, capsys: pytest.CaptureFixture[str]):
    (site / "b.md").write_text("![](images/dog.png) ![](absent.png)\n![](https://a/b.png)")
    pages = [str(site / name) for name in ("b.md", "absent.md")]
    for written in (False, True):
        assert alt(*pages, "-m", tiny_bundle, "-f", "jsonl", *(["--write"] if written else [])) == 1
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert rows[0].pop("logprob") < 0
        assert rows[0].pop("caption")
        assert rows == [
            {
                "page": pages[0],
                "line": 1,
                "image": "images/dog.png",
                "photo": str(site / "images" / "dog.png"),
                "alt": said["dog"],
                "confidence": None,
                "kind": "sentence",
                "model": "tiny",
                "read": [],
                "read_confidence": [],
                "written": written,
            },
            {"page": pages[0], "line": 1, "image": "absent.png", "error": f"{site / 'absent.png'}: no such file"},
            {"page": pages[0], "line": 2, "image": "https://a/b.png", "skip_reason": "elsewhere"},
            {"page": pages[1], "error": "no such file or folder"},
        ]


@pytest.mark.slow
def test_the_root_is_named_or_the_folder(site: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]):
    assert alt(site / "index.html", "-m", tiny_bundle) == 1
    assert "/images/cat.png: starts at the root of the site; give its folder with --root" in capsys.readouterr().err
    assert alt(site / "index.html", "-m", tiny_bundle, "--root", site) == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_page_without_permission_is_left(site: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]):
    (site / "about.md").chmod(0o444)
    assert alt(site / "about.md", "-m", tiny_bundle, "--write") == 1
    assert "no permission to write it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--root", "nowhere"], "--root nowhere: is not a folder"),
        (["--batch-size", "0"], "Invalid value for '--batch-size': 0 is not in the range x>=1"),
        (["--model", "nothing"], "unknown model 'nothing'"),
    ],
)
def test_wrong_use(site: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    assert alt(site, *arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_a_folder_without_pages_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert alt(tmp_path) == 2
    assert "no pages found" in capsys.readouterr().err


def test_captions_of_a_file_take_the_place_of_the_models(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    rows = [{"image": f"site/images/{name}.png", "caption": f"my {name}"} for name in ("dog", "cat")]
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert alt("site", "--captions", "captions.jsonl", "-m", "nothing is loaded", "-f", "jsonl") == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["alt"], row["logprob"], row["model"]) for row in shown] == [
        ("My cat.", None, "captions.jsonl"),
        ("My dog.", None, "captions.jsonl"),
        ("My cat.", None, "captions.jsonl"),
    ]


@pytest.mark.parametrize(
    "rows", ["image;caption\r\nsite/images/dog.png;my dog\r\n", '{"image": "site/images/dog.png", "caption": "my dog"}']
)
def test_captions_are_read_from_standard_input(
    rows: str, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(rows.encode())))
    (site / "index.html").write_text("<img src=images/dog.png>")
    assert alt("site/index.html", "--captions", "-", "-m", "nothing is loaded", "-f", "jsonl") == 0
    assert json.loads(capsys.readouterr().out)["alt"] == "My dog."


@pytest.mark.slow
def test_on_a_terminal_the_photos_are_counted(
    site: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert alt(site, "--model", tiny_bundle) == 0
    told = capsys.readouterr()
    assert "2/?" in told.err
    assert "2/?" not in told.out


def test_cleared_captions_and_those_of_no_image(
    site: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "captions-2.csv").write_text("image,caption,logprob,error\nsite/images/cat.png,my cat,,\n")
    (tmp_path / "captions.csv").write_text(
        "image,caption,logprob,error\nsite/images/dog.png,,-3,\nsite/images/bird.png,a bird,,\n"
    )
    arguments = ["site", "--captions", "captions.csv", "--captions", "captions-2.csv", "-m", "nothing is loaded"]
    assert alt(*arguments, "-f", "jsonl") == 0
    told = capsys.readouterr()
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert [(row["image"], row.get("alt"), row.get("skip_reason")) for row in rows] == [
        ("images/cat.png", "My cat.", None),
        ("images/dog.png", None, "rejected"),
        ("/images/cat.png", "My cat.", None),
    ]
    assert "1 image skipped" in told.err
    assert f"--captions: 1 caption of images that no page shows: {Path('site', 'images', 'bird.png')}\n" in told.err
    assert alt(*arguments, "--empty-alt", "--write") == 0
    assert b'<img src="images/dog.png" alt="">' in (site / "index.html").read_bytes()
    capsys.readouterr()
    assert alt("site/index.html", "--captions", "captions.csv") == 0
    assert "1 caption of images that no page shows" in capsys.readouterr().err
    monkeypatch.chdir(site)
    assert alt(".", "--captions", "../captions-2.csv", "-m", tiny_bundle) == 0
    assert "cat.png; run in the folder that their paths are relative to" in capsys.readouterr().err


def test_check_lists_what_is_missing_and_what_says_nothing(site: Path, capsys: pytest.CaptureFixture[str]):
    (site / "b.html").write_text(
        '<img src="images/IMG_2031.JPG" alt="IMG_2031.JPG">\n<img src="a.jpg" alt="image">\n'
        '<img src="https://a/b.jpg"><img src="c.jpg" alt="a dog"><img {{ attributes }}><img src="d.svg">'
        '<img src="e.jpg" alt="{{ image }}">'
    )
    before = {path: path.read_bytes() for path in site.glob("*.*")}
    assert alt(site, "--check") == 1
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        f"{site / 'about.md'}:3: images/cat.png: no alt text",
        f'{site / "b.html"}:1: images/IMG_2031.JPG: alt text "IMG_2031.JPG" says nothing of the image',
        f'{site / "b.html"}:2: a.jpg: alt text "image" says nothing of the image',
        f"{site / 'b.html'}:3: https://a/b.jpg: no alt text",
        f"{site / 'b.html'}:3: d.svg: no alt text",
        f"{site / 'index.html'}:1: images/dog.png: no alt text",
        f"{site / 'index.html'}:2: /images/cat.png: no alt text",
    ]
    assert told.err == "3 pages, 5 images without alt text, 2 alt texts that say nothing, 5 images with alt text\n"
    assert {path: path.read_bytes() for path in before} == before
    assert alt(site / "b.html", site / "absent.html", "--check", "-f", "jsonl") == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == {
        "page": str(site / "b.html"), "line": 1, "image": "images/IMG_2031.JPG", "problem": "worthless",
        "alt": "IMG_2031.JPG",
    }  # fmt: skip
    assert rows[2] == {"page": str(site / "b.html"), "line": 3, "image": "https://a/b.jpg", "problem": "missing"}
    assert rows[-1] == {"page": str(site / "absent.html"), "error": "no such file or folder"}
    (site / "good.md").write_text("![a dog](a.jpg)")
    assert alt(site / "good.md", "--check") == 0


def test_check_and_write_are_wrong_use(site: Path, capsys: pytest.CaptureFixture[str]):
    assert alt(site, "--check", "--write") == 2
    assert "--check writes nothing; leave --write out" in capsys.readouterr().err


def test_drawings_do_not_fail(site: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]):
    (site / "logo.svg").write_text("<svg/>")
    (site / "a.html").write_text('<img src="logo.svg">')
    assert alt(site / "a.html", "-m", tiny_bundle) == 0
    assert "1 image skipped" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not bundled_models(), reason="no model is bundled with this checkout")
def test_what_is_no_photo_or_not_sure_is_left_to_the_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    Image.new("RGB", (60, 60), "white").save(tmp_path / "blank.png")
    photo = Path(__file__).parents[2] / "examples" / "dog.jpg"
    (tmp_path / "dog.jpg").write_bytes(photo.read_bytes())
    page = tmp_path / "a.md"
    page.write_text("![](blank.png)\n![](dog.jpg)\n")
    assert alt(page, "--min-confidence", "1") == 0
    out, err = capsys.readouterr()
    assert out == ""
    blank, dog, summary = err.splitlines()
    assert blank == f"{page}:1: blank.png: left to you: no photo: a blank picture"
    assert re.fullmatch(r".*:2: dog\.jpg: left to you: confidence 0\.\d\d is below 1", dog)
    assert summary == "1 page, 0 alt texts to write, 0 images with alt text before, 2 images left to you"
    assert alt(page, "--min-confidence", "1", "--any-picture", "-f", "jsonl") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["skip_reason"] for row in rows] == ["withheld", "withheld"]
    assert rows[0]["photo"] == str(tmp_path / "blank.png")
    assert rows[0]["reason"] == "no photo: a blank picture"
    assert rows[1]["reason"].endswith("is below 1")
    assert alt(page, "--min-confidence", "0", "--any-picture", "--write") == 0
    assert re.fullmatch(r"!\[\w.+\.\]\(blank\.png\)\n!\[\w.+\.\]\(dog\.jpg\)\n", page.read_text())


@pytest.mark.slow
def test_a_batch_is_as_large_as_the_model_chooses_unless_told(
    site: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
):
    sizes: list[int | None] = []
    original = Captioner.caption_many

    def caption_many(self: Captioner, *photos: object, batch_size: int | None, **options: object) -> object:
        sizes.append(batch_size)
        return original(self, *photos, batch_size=batch_size, **options)

    monkeypatch.setattr(Captioner, "caption_many", caption_many)
    for arguments in ((), ("--batch-size", "3")):
        assert alt(site, "-m", tiny_bundle, *arguments) == 0
    assert sizes == [None, 3]


def test_a_model_without_a_confidence_is_not_asked_for_one(site: Path, tiny_bundle: Path):
    assert alt(site / "about.md", "-m", tiny_bundle) in (0, 1)
    assert alt(site / "about.md", "-m", tiny_bundle, "--min-confidence", "0.5") == 2


@pytest.mark.slow
def test_words_that_are_not_certain_are_not_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(WordReader, "read", lambda self, image: [Line("LPMorggn POLOI", 0.1, 0.4)])
    shutil.copy(Path(__file__).parents[2] / "examples" / "dog.jpg", tmp_path)
    page = tmp_path / "a.md"
    page.write_text("![](dog.jpg)\n")
    assert alt(page, "--min-confidence", "1", "-f", "jsonl") == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert row["reason"].endswith("is below 1")
    assert alt(page, "--min-confidence", "0.5", "-f", "jsonl") == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert "LPM" not in row["alt"]
    assert (row["read"], row["read_confidence"]) == (["LPMorggn POLOI"], [0.4])
    assert alt(page, "--min-confidence", "0.3", "-f", "jsonl") == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert "with the words “LPMorggn POLOI”" in row["alt"]


@pytest.mark.slow
def test_what_is_written_in_an_image_is_told(tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copy("docs/pictures/notice.jpg", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("![](notice.jpg)\n")
    assert alt(page, "-m", tiny_bundle, "-f", "jsonl") == 0
    (told,) = (json.loads(line)["alt"] for line in capsys.readouterr().out.splitlines())
    assert " with the words “THE OLD MILL Bakery" in told
    assert re.search(r"[\w”…]\.?$", told)
    assert len(told) <= LONGEST
    assert alt(page, "-m", tiny_bundle, "-f", "jsonl", "--no-read") == 0
    (told,) = (json.loads(line)["alt"] for line in capsys.readouterr().out.splitlines())
    assert "words" not in told
    save(tmp_path / "notice.jpg", Image.new("RGB", (40, 40), "red"))
    assert alt(page, "-m", tiny_bundle, "--read") == 0
    assert "words" not in capsys.readouterr().out
