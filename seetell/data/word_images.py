"""Pictures of single words, in the layouts of IIIT5K, SVT and ICDAR's word recognition.

- IIIT5K: ``traindata.mat`` and ``testdata.mat``, each a structure with the image's name, its word and two lexicons;
- Street View Text: ``train.xml`` and ``test.xml``, boxes in photos, each with its word, and a lexicon per photo;
- ICDAR 2013 and 2015: a text file with a line per image, ``word_1.png, "Tiredness"``;
- ICDAR 2003: ``word.xml``, an ``image`` with ``file`` and ``tag`` per word.

ICDAR's are of one split each: that which the file's or its folder's name tells, ``test`` where it tells none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from seetell.data.mat_file import read_mat
from seetell.data.records import PhotoDataset, Problem
from seetell.data.source import leads_outside, numbered_lines, read_bytes, read_text
from seetell.errors import DataError, unknown
from seetell.geometry.boxes import Box


@dataclass(frozen=True)
class WordPhoto:
    """A picture of a word, or a word in a photo.

    Attributes:
        id: unique in the data set.
        path: the image file.
        text: the word as written.
        split: ``train``, ``val`` or ``test``.
        box: of the word, ``xyxy`` in pixels of the photo; ``None`` for the whole picture.
        lexicon: words that it is one of, where the data set has such a list.
    """

    id: str
    path: Path
    text: str
    split: str
    box: Box | None = None
    lexicon: tuple[str, ...] = ()


def read_word_images(folder: str | Path, *, format: str | None = None) -> PhotoDataset[WordPhoto]:
    """Read pictures of words.

    Args:
        folder: of the data set, or its file of words.
        format: ``iiit5k``, ``svt``, ``icdar`` or ``icdar2003``; detected when absent.

    Raises:
        DataError: it is in none of these layouts, damaged, or has no words.
    """
    path = Path(folder)
    if format is not None and format not in FORMATS:
        raise DataError(f"{path}: {unknown('format', format, FORMATS)}")
    problems: list[Problem] = []
    for name, (pattern, read) in FORMATS.items():
        if format not in (None, name):
            continue
        files = [path] if path.is_file() else sorted(path.glob(pattern)) if path.is_dir() else []
        files = [file for file in files if file.match(pattern)]
        words = [word for file in files for word in read(file, problems)]
        if words:
            return PhotoDataset(path.name, path, tuple(words), tuple(problems), format=name)
    raise DataError(
        f"{path}: expected pictures of words: IIIT5K's testdata.mat, SVT's test.xml, ICDAR's gt.txt with lines as "
        'word_1.png, "Tiredness", or word.xml'
    )


def _iiit5k(file: Path, problems: list[Problem]) -> Iterator[WordPhoto]:
    for name, rows in read_mat(file).items():
        if name not in ("traindata", "testdata") or not isinstance(rows, list):
            continue
        for number, row in enumerate(rows, 1):
            image, text = row.get("ImgName"), row.get("GroundTruth")
            if not isinstance(image, str) or not isinstance(text, str) or not text:
                problems.append(Problem("malformed", f"{file.name}: {name}({number})", "has no image or no word"))
                continue
            lexicon = row.get("smallLexi")
            yield from _found(
                WordPhoto(
                    image,
                    file.parent / image,
                    text,
                    name.removesuffix("data"),
                    lexicon=tuple(map(str, lexicon)) if isinstance(lexicon, list) else (),
                ),
                problems,
            )


def _svt(file: Path, problems: list[Problem]) -> Iterator[WordPhoto]:
    for image in _xml(file).iter("image"):
        name = image.findtext("imageName", "").strip()
        lexicon = tuple(word for word in image.findtext("lex", "").split(",") if word)
        for number, rectangle in enumerate(image.iter("taggedRectangle")):
            where = f"{file.name}: {name}, word {number + 1}"
            try:
                left, top, width, height = (float(rectangle.attrib[key]) for key in ("x", "y", "width", "height"))
            except (KeyError, ValueError):
                problems.append(Problem("malformed", where, "expected x, y, width and height"))
                continue
            text = rectangle.findtext("tag", "").strip()
            if not text or width <= 0 or height <= 0:
                problems.append(Problem("malformed", where, "has no word or no area"))
                continue
            box = (left, top, left + width, top + height)
            yield from _found(
                WordPhoto(f"{name}#{number}", file.parent / name, text, file.stem, box, lexicon), problems
            )


def _icdar(file: Path, problems: list[Problem]) -> Iterator[WordPhoto]:
    text, bad = read_text(file)
    problems += bad
    split = _split_of(file)
    for number, line in numbered_lines(text):
        match = re.fullmatch(r'\s*([^,\t]+?)\s*[,\t]\s*(?:"(.*)"|(.*?))\s*', line)
        word = "" if match is None else (match[2] if match[2] is not None else match[3]).replace(r"\"", '"')
        if match is None or not word:
            problems.append(
                Problem("malformed", f"{file.name}:{number}", 'expected an image and its word, as 1.png, "a"')
            )
            continue
        yield from _found(WordPhoto(match[1], file.parent / match[1], word, split), problems)


def _icdar2003(file: Path, problems: list[Problem]) -> Iterator[WordPhoto]:
    for number, image in enumerate(_xml(file).iter("image"), 1):
        name, text = image.get("file", ""), image.get("tag", "")
        if not name or not text:
            problems.append(Problem("malformed", f"{file.name}: image {number}", "has no file or no tag"))
            continue
        yield from _found(WordPhoto(name, file.parent / name, text, _split_of(file)), problems)


Reader = Callable[[Path, list[Problem]], Iterator[WordPhoto]]
FORMATS: Mapping[str, tuple[str, Reader]] = {
    "iiit5k": ("t*data.mat", _iiit5k),
    "icdar2003": ("word.xml", _icdar2003),
    "svt": ("t*.xml", _svt),
    "icdar": ("*.txt", _icdar),
}
"""By name: a pattern of the file of words, and its reader."""


def _found(word: WordPhoto, problems: list[Problem]) -> Iterator[WordPhoto]:
    """Yield the word if its image is there and not outside the data set's folder."""
    if leads_outside(word.id):
        problems.append(Problem("malformed", word.id, "expected an image inside the data set"))
    elif not word.path.is_file():
        problems.append(Problem("missing-photo", word.id, f"{word.path}: no such file"))
    else:
        yield word


def _split_of(file: Path) -> str:
    names = f"{file.parent.name} {file.stem}".lower()
    return "train" if "train" in names else "val" if "val" in names else "test"


def _xml(file: Path) -> Any:
    """Parse an XML file; one with declarations of its own, which could make it huge, is refused."""
    content = read_bytes(file)
    if b"<!ENTITY" in content:
        raise DataError(f"{file}: expected XML without entities of its own")
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise DataError(f"{file}: expected XML, but {error}") from error
