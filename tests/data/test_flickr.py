from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.data import read
from seetell.data.flickr import parse_tokens
from seetell.errors import DataError

Paint = Callable[[Path, list[str]], Path]


def write_flickr(root: Path, paint: Paint, *, photos: int = 12) -> Path:
    """The layout of the distribution: texts and photos in a folder each, photos called 0.jpg, 1.jpg, …"""
    names = [f"{number}.jpg" for number in range(photos)]
    paint(root / "Flicker8k_Dataset", names)
    text = root / "Flickr8k_text"
    text.mkdir()
    lines = [f"{name}#{number}\tA dog runs past {number} cats ." for name in names for number in range(5)]
    (text / "Flickr8k.token.txt").write_text("\n".join(lines) + "\n")
    (text / "Flickr8k.lemma.token.txt").write_text("0.jpg#0\ta dog run\n")
    (text / "Flickr_8k.trainImages.txt").write_text("\n".join(names[:8]) + "\n")
    (text / "Flickr_8k.devImages.txt").write_text("\n".join(names[8:]) + "\n")
    return root


def test_official_layout(tmp_path: Path, paint: Paint):
    dataset = read(write_flickr(tmp_path, paint))
    assert (dataset.name, dataset.format, dataset.problems, dataset.notes) == (
        "flickr8k",
        "Flickr8k/30k token file",
        (),
        (),
    )
    assert [len(dataset.split(split)) for split in ("train", "val", "test")] == [8, 4, 0]
    first = dataset.photos[0]
    assert (first.id, first.path) == ("0.jpg", tmp_path / "Flicker8k_Dataset" / "0.jpg")
    assert first.captions == tuple(f"A dog runs past {number} cats ." for number in range(5))


@pytest.mark.parametrize("given_path", ["Flickr8k_text", "Flickr8k_text/Flickr8k.token.txt"])
def test_its_text_folder_or_token_file_will_do(tmp_path: Path, paint: Paint, given_path: str):
    write_flickr(tmp_path, paint)
    dataset = read(tmp_path / given_path)
    assert len(dataset.photos) == 12
    assert len(dataset.split("val")) == 4


def test_flickr30k_without_lists_is_divided(tmp_path: Path, paint: Paint):
    paint(tmp_path / "flickr30k-images", [f"{number}.jpg" for number in range(30)])
    lines = "".join(f"{number}.jpg#0\tTwo men talk .\n" for number in range(30))
    (tmp_path / "results_20130124.token").write_text(lines)
    dataset = read(tmp_path)
    assert dataset.name == "flickr30k"
    assert {photo.split for photo in dataset.photos} == {"train", "val", "test"}
    assert "assigned by seed 0" in dataset.notes[0]


def test_lists_of_bare_ids(tmp_path: Path, paint: Paint):
    paint(tmp_path / "images", ["7.jpg", "8.jpg"])
    (tmp_path / "results_20130124.token").write_text("7.jpg#0\tTwo men .\n8.jpg#0\tA dog .\n")
    (tmp_path / "train.txt").write_text("7\n")
    (tmp_path / "val.txt").write_text("8\n")
    assert [(photo.id, photo.split) for photo in read(tmp_path).photos] == [("7.jpg", "train"), ("8.jpg", "val")]


def test_quirks_become_problems(tmp_path: Path, paint: Paint):
    write_flickr(tmp_path, paint)
    text = tmp_path / "Flickr8k_text"
    with (text / "Flickr8k.token.txt").open("a") as file:
        file.write("5.jpg.1#0\tA man .\n5.jpg.1#1\tA man .\nno number\tA cat .\n0.jpg#0\tAnother .\n")
        file.write("gone.jpg#0\tA bird .\n")
    with (text / "Flickr_8k.trainImages.txt").open("a") as file:
        file.write("8.jpg\nunknown.jpg\n")
    paint(tmp_path / "Flicker8k_Dataset", ["uncaptioned.jpg"])
    (tmp_path / "Flicker8k_Dataset" / "11.jpg").unlink()
    dataset = read(tmp_path)
    assert len(dataset.photos) == 11
    assert next(photo.split for photo in dataset.photos if photo.id == "8.jpg") == "val"
    assert [(problem.kind, problem.where.rpartition("/")[2]) for problem in dataset.problems] == [
        ("malformed", "Flickr8k.token.txt:63"),
        ("two-splits", "Flickr_8k.trainImages.txt:9"),
        ("unknown-in-split", "Flickr_8k.trainImages.txt:10"),
        ("duplicate-id", "Flickr8k.token.txt:1"),
        ("caption-without-photo", "Flickr8k.token.txt:61"),
        ("photo-without-caption", "uncaptioned.jpg"),
        ("missing-photo", "Flickr8k.token.txt:56"),
        ("missing-photo", "Flickr8k.token.txt:65"),
    ]
    assert "5.jpg.1 is not the name of a photo" in dataset.problems[4].message


def test_a_file_without_tokens_is_refused(tmp_path: Path):
    (tmp_path / "a.txt").write_text("hello\nworld\n")
    with pytest.raises(DataError, match=r"expected a Flickr8k/30k token file with lines NAME\.jpg#K, a tab"):
        read(tmp_path / "a.txt", format="flickr")
    with pytest.raises(DataError, match=r"expected a Flickr8k/30k token file such as Flickr8k\.token\.txt"):
        read(tmp_path, format="flickr")
    for name in ("one.token.txt", "two.token.txt"):
        (tmp_path / name).write_text("a.jpg#0\tA dog .\n")
    with pytest.raises(DataError, match=r"expected one token file, but there are one\.token\.txt, two\.token\.txt"):
        read(tmp_path)


@given(st.text(max_size=300))
def test_any_text_is_parsed_or_listed_line_by_line(text: str):
    tokens, problems = parse_tokens(text, "f")
    lines = [line for line in text.split("\n") if line.strip()]
    assert sum(map(len, tokens.values())) + len(problems) == len(lines)
    assert all(name and name == name.strip() for name in tokens)
    written = text.split("\n")
    assert all(written[line - 1].endswith(caption) for found in tokens.values() for line, _, caption in found)


_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n"), min_size=1).filter(
    lambda name: name.strip() == name
)
_captions = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))


@pytest.mark.slow
@given(st.dictionaries(_names, st.lists(_captions, min_size=1, max_size=3), max_size=5))
def test_what_is_written_is_read_back(photos: dict[str, list[str]]):
    text = "".join(
        f"{name}#{number}\t{caption}\n" for name, captions in photos.items() for number, caption in enumerate(captions)
    )
    tokens, problems = parse_tokens(text, "f")
    assert {name: [token[1:] for token in found] for name, found in tokens.items()} == {
        name: list(enumerate(written)) for name, written in photos.items()
    }
    assert not problems


@pytest.mark.slow
def test_the_real_flickr8k(flickr8k: Path):
    dataset = read(flickr8k)
    assert len(dataset.photos) == 7000
    assert sum(len(photo.captions) for photo in dataset.photos) == 35000
    assert [len(dataset.split(split)) for split in ("train", "val", "test")] == [6000, 1000, 0]
    assert dataset.problems == ()
    (note,) = (note for note in dataset.notes if "repeat" in note)
    assert note.startswith("9 captions repeat another of their photo, the first Flickr8k.token.txt:")
    assert all(photo.path.is_file() for photo in dataset.photos[::100])
