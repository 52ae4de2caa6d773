from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from seetell.alttext.captions_file import read_captions
from seetell.errors import UsageError


@pytest.mark.parametrize(
    "content",
    [
        'image,caption,logprob,error\na.jpg,"a ""dog"", brown",-1,\nb.jpg,,,no such file\n'
        "c.jpg,a\u2028cat,,\nd.jpg,,-2,\n",
        '\ufeffcaption,image\r\n"a ""dog"", brown",a.jpg\r\na\u2028cat,c.jpg\r\n \t,d.jpg\r\n',
        '{"image": "a.jpg", "caption": "a \\"dog\\", brown", "edited": true}\n\n{"image": "b.jpg", "error": "x"}\n'
        '{"image": "c.jpg", "caption": "a\u2028cat"}\n{"image": "d.jpg", "caption": "", "edited": true}',
        '{"image": "a.jpg", "caption": "a \\"dog\\", brown"}\n'
        '{"image": "c.jpg", "caption": "a\u2028cat"}\n{"image": "d.jpg", "caption": null}\n{"caption": "x"}',
    ],
)
def test_captions_are_read_by_their_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "captions").write_bytes(content.encode())
    captions = read_captions(Path("captions"))
    assert {os.path.basename(photo): caption.text for photo, caption in captions.items()} == {
        "a.jpg": 'a "dog", brown',
        "c.jpg": "a\u2028cat",
        "d.jpg": "",
    }
    assert all(os.path.dirname(photo) == os.path.realpath(tmp_path) for photo in captions)


@pytest.mark.parametrize(
    "content",
    [
        '{"image": "a.jpg", "caption": null, "reason": "no photo: text"}\n'
        '{"image": "b.jpg", "caption": "", "reason": ""}\n'
        '{"image": "c.jpg", "caption": "a cat", "reason": "no photo: text"}',
        "image,caption,reason\na.jpg,,no photo: text\nb.jpg,,\nc.jpg,a cat,no photo: text\n",
    ],
)
def test_a_withheld_caption_is_no_veto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "captions").write_text(content)
    captions = {os.path.basename(photo): caption for photo, caption in read_captions(Path("captions")).items()}
    assert {photo: (caption.text, caption.reason) for photo, caption in captions.items()} == {
        "a.jpg": ("", "no photo: text"),
        "b.jpg": ("", ""),
        "c.jpg": ("a cat", ""),
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"\xff\xfe\xff", "starts like UTF-16 but is not valid"),
        (b"image,caption\na.jpg,\xe9t\xe9\n", "captions:2: expected UTF-8"),
        (b"", "expected the columns image and caption, got an empty file"),
        (b"photo,words\n", "got photo, words"),
        (b'{"image": 1}\n{"image"', r"captions:2: is not JSON"),
        (b'{"image": 1}\n[1]', r"captions:2: expected an object"),
        (b"image,caption\na," + b"x" * 200_000, "captions:2: not a valid row .field larger than field limit"),
        (b'image,caption\na.jpg,"a dog\nb.jpg,a cat\n', "captions:2: not a valid row"),
        (b"image,caption\na.jpg,a dog, brown\n", "captions:2: 3 cells under 2 columns"),
        (b'{"image": "a", "caption": ' + b"[" * 100_000, "captions:1: is not JSON .nested too deeply"),
        (b'{"image": "a\\u0000b", "caption": "c"}', "expected the path of an image"),
        (b'{"image": "a.jpg", "caption": {"text": "a dog"}}', "expected text as the caption of a.jpg, got"),
        (b'{"image": "a.jpg", "caption": NaN}', "expected text as the caption of a.jpg, got nan"),
        (b'{"image": "a.jpg", "caption": null, "reason": 3}', "expected text as the reason of a.jpg, got 3"),
        (b'[{"image": "a.jpg", "caption": "a dog"}]', "captions:1: expected an object such as"),
    ],
)
def test_other_files_are_wrong_use(tmp_path: Path, content: bytes | None, said: str):
    path = tmp_path / "captions"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_captions(path)


@pytest.mark.parametrize(
    "content",
    [
        "image;caption;reason\r\na.jpg;a dog, brown;\r\nb.jpg\r\n".encode("utf-8-sig"),
        b'Image,CAPTION\na.jpg,"a dog, brown",,\nb.jpg,,\n',
        "image\tcaption\na.jpg\ta dog, brown\nb.jpg\t\n".encode("utf-16"),
    ],
)
def test_what_spreadsheets_save_is_read(tmp_path: Path, content: bytes):
    (tmp_path / "captions.csv").write_bytes(content)
    captions = read_captions(tmp_path / "captions.csv")
    assert {os.path.basename(image): caption.text for image, caption in captions.items()} == {
        "a.jpg": "a dog, brown",
        "b.jpg": "",
    }


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_a_pipe_of_the_shell_is_read(folder: str):
    if not os.path.exists(folder):
        pytest.skip(f"needs {folder}")
    end, beginning = os.pipe()
    os.write(beginning, b"image,caption\na.jpg,a dog\n")
    os.close(beginning)
    try:
        assert [caption.text for caption in read_captions(Path(f"{folder}/{end}")).values()] == ["a dog"]
    finally:
        os.close(end)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "captions")
    with pytest.raises(UsageError, match="is a pipe or device"):
        read_captions(tmp_path / "captions")


def test_cells_that_would_be_formulas_are_read_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "captions.csv").write_text("image,caption\n'=1.jpg,'- a dog\n'tis.jpg,'tis a cat\n")
    captions = read_captions(Path("captions.csv"))
    assert {os.path.basename(image): caption.text for image, caption in captions.items()} == {
        "=1.jpg": "- a dog",
        "'tis.jpg": "'tis a cat",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("image,caption\na.jpg,a dog\n./a.jpg,a cat\n", "captions:3: ./a.jpg has the caption 'a cat' here and the"),
        ("image;caption\na.jpg;a dog\n\nb.jpg;\na.jpg;\n", "captions:5: a.jpg has no caption here and the"),
    ],
)
def test_rows_that_say_different_things_of_an_image_are_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, said: str
):
    monkeypatch.chdir(tmp_path)
    Path("captions").write_text(content)
    with pytest.raises(UsageError, match=rf"{re.escape(said)} caption 'a dog' at captions:[12]; leave one of"):
        read_captions(Path("captions"))


@pytest.mark.parametrize("second", ["a cat", "", "long " * 20 + "cat"])
def test_so_are_those_of_two_files(tmp_path: Path, second: str):
    first = "long " * 20 + "dog"
    for name, caption in (("one.csv", first), ("other.csv", second)):
        (tmp_path / name).write_text(f"image,caption\na.jpg,{caption}\n")
    with pytest.raises(UsageError, match=r"other\.csv:2: .* at .*one\.csv:2;"):
        read_captions(tmp_path / "one.csv", tmp_path / "other.csv")


@pytest.mark.parametrize(("said", "told"), [("a dog", "a dog"), ("", "")])
@pytest.mark.parametrize("withheld_first", [True, False])
def test_what_somebody_said_counts_instead_of_what_the_model_withheld(
    tmp_path: Path, said: str, told: str, withheld_first: bool
):
    withheld = '{"image": "a.jpg", "caption": null, "reason": "unsure"}'
    rows = [withheld, f'{{"image": "a.jpg", "caption": "{said}"}}']
    (tmp_path / "rows").write_text("\n".join(rows if withheld_first else rows[::-1]))
    (caption,) = read_captions(tmp_path / "rows").values()
    assert (caption.text, caption.reason) == (told, "")


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path):
    listed = iter([b"image,caption\n", b"a.jpg,a dog\n"])
    (caption,) = read_captions(Path("-"), Path("-"), listed=listed).values()
    assert caption.text == "a dog"


def test_an_image_may_be_named_again_with_the_same_caption(tmp_path: Path):
    (tmp_path / "table").write_text("image,caption,reason\na.jpg,a dog,\nb.jpg,,unsure\n./a.jpg, a dog,\n")
    (tmp_path / "rows").write_text(
        '{"image": "a.jpg", "caption": "a dog"}\n{"image": "b.jpg", "caption": "", "reason": "x"}'
    )
    captions = read_captions(tmp_path / "table", tmp_path / "rows")
    assert [caption.text for caption in captions.values()] == ["a dog", ""]
