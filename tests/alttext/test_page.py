from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.alttext.page import Page, decoded, pages
from seetell.errors import SeetellError


def filled(path: Path, alt: str = "A dog.") -> None:
    page = Page.read(str(path))
    page.write(page.filled(dict.fromkeys(page.findings.missing, alt)))


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + "<p>é\r\n<img src=a.jpg>\r\r\n".encode(),
        "\ufeff<p>犬<img src=a.jpg>\n".encode("utf-16-le"),
        "\ufeff<p>犬<img src=a.jpg>\n".encode("utf-16-be"),
        b"<meta charset=iso-8859-1><p>\xe9<img src=a.jpg> ",
        b"\xff\xc3<img src=a.jpg>\0\x1a",
        "<meta charset=shift_jis>ソ<img src=a.jpg>表".encode("shift_jis"),
    ],
)
def test_encoding_mark_and_line_ends_stay(tmp_path: Path, content: bytes):
    path = tmp_path / "page.html"
    path.write_bytes(content)
    filled(path)
    encoding = (
        "utf-16-le" if content[:2] == codecs.BOM_UTF16_LE else "utf-16-be" if content[:2] == b"\xfe\xff" else "ascii"
    )
    inserted = ' alt="A dog."'.encode(encoding)
    written = path.read_bytes()
    assert written != content
    assert written.replace(inserted, b"") == content
    filled(path)
    assert path.read_bytes() == written


def test_letters_that_the_page_cannot_hold_are_references(tmp_path: Path):
    path = tmp_path / "page.htm"
    path.write_bytes(b"<meta charset=iso-8859-1>\xe9<img src=a.jpg>")
    filled(path, "Ein Café 犬.")
    assert path.read_bytes() == b'<meta charset=iso-8859-1>\xe9<img src=a.jpg alt="Ein Caf\xe9 &#29356;.">'


@pytest.mark.skipif(os.name != "posix", reason="file modes and links as on POSIX")
def test_mode_and_link_stay_and_nothing_is_left_beside(tmp_path: Path):
    target, link = tmp_path / "real.md", tmp_path / "link.md"
    target.write_text("![](a.jpg)")
    target.chmod(0o640)
    link.symlink_to("real.md")
    filled(link)
    assert link.is_symlink()
    assert target.read_text() == "![A dog.](a.jpg)"
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.md", "real.md"]


def test_hard_links_stay(tmp_path: Path):
    (tmp_path / "a.md").write_text("![](a.jpg)")
    os.link(tmp_path / "a.md", tmp_path / "b.md")
    filled(tmp_path / "a.md")
    assert (tmp_path / "b.md").read_text() == "![A dog.](a.jpg)"


def test_a_page_that_changed_meanwhile_is_left(tmp_path: Path):
    path = tmp_path / "page.md"
    path.write_text("![](a.jpg)")
    page = Page.read(str(path))
    path.write_text("![](a.jpg) and more")
    with pytest.raises(SeetellError, match="has changed since"):
        page.write(page.filled(dict.fromkeys(page.findings.missing, "A dog.")))
    assert path.read_text() == "![](a.jpg) and more"


def test_a_failed_write_leaves_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "page.md"
    path.write_text("![](a.jpg)")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seetell.atomic_write.os.replace", full)
    with pytest.raises(SeetellError, match="No space left"):
        filled(path)
    assert path.read_text() == "![](a.jpg)"
    assert os.listdir(tmp_path) == ["page.md"]


@pytest.mark.parametrize(
    ("name", "said"), [("absent.html", "no such file"), ("a.txt", "not a page"), ("folder.md", "a folder")]
)
def test_what_is_no_page_is_an_error(tmp_path: Path, name: str, said: str):
    (tmp_path / "a.txt").touch()
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(SeetellError, match=said):
        Page.read(str(tmp_path / name))


def test_pages_are_found_in_order_and_once(tmp_path: Path):
    for name in ("b.md", "a.HTML", "c.txt", ".hidden.md", "sub/d.markdown", ".git/e.md", "node_modules/x/f.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = list(pages([str(tmp_path / "b.md"), str(tmp_path), str(tmp_path / "no.html")]))
    assert [(os.path.relpath(path, tmp_path), folder) for path, folder in found] == [
        ("b.md", None),
        ("a.HTML", tmp_path),
        (os.path.join("sub", "d.markdown"), tmp_path),
        ("no.html", None),
    ]


def test_lines_are_counted_from_one(tmp_path: Path):
    (tmp_path / "a.md").write_bytes(b"x\r\n\r\n![](a.jpg)")
    page = Page.read(str(tmp_path / "a.md"))
    assert [page.line(missing.offset) for missing in page.findings.missing] == [3]


HEAD = '<meta charset="{}"><p>é</p>'


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("é".encode(), "utf-8"),
        ("\ufeffé".encode(), "utf-8"),
        ("\ufeffé".encode("utf-16-le"), "utf-16-le"),
        ("\ufeffé".encode("utf-16-be"), "utf-16-be"),
        (HEAD.format("windows-1252").encode("cp1252"), "windows-1252"),
        (HEAD.format("Shift_JIS").replace("é", "犬").encode("shift_jis"), "shift_jis"),
        (HEAD.format("unicode_escape").encode("latin-1"), "latin-1"),
        (HEAD.format("nonsense").encode("latin-1"), "latin-1"),
        (b"\xff\xfe\x00", "latin-1"),
        (HEAD.format("gbk").encode("latin-1"), "latin-1"),
    ],
)
def test_the_encoding_is_found(content: bytes, encoding: str):
    text, found = decoded(content)
    assert found == encoding
    assert text.encode(found) == content


@given(st.binary() | st.text().map(str.encode))
def test_decoding_is_reversible(content: bytes):
    text, encoding = decoded(content)
    assert text.encode(encoding) == content
