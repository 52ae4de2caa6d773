"""Parse the two file formats of Flickr30k Entities (Plummer et al. 2015): sentences and boxes.

A sentence is tokens separated by spaces, with phrases as ``[/EN#ID/TYPE/TYPE… word word]``; ID 0 means no entity. Boxes
are in an XML file like PASCAL VOC's: its ``object`` elements have one or more ``name`` elements with the ids they
belong to and either a ``bndbox`` or the flags ``scene`` and ``nobndbox``. Its coordinates count pixels from 1 and
include the last one: the authors' own reader subtracts 1 from all four, and in the files ``xmin`` is never below 1
while ``xmax`` reaches the width. With edges between pixels the box is therefore ``(xmin - 1, ymin - 1, xmax, ymax)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from xml.etree import ElementTree

from seetell.data.entity_records import TYPES, Entity, Phrase, Sentence
from seetell.data.records import Problem
from seetell.data.voc import parse_xml
from seetell.geometry.boxes import Box

_NO_ENTITY = "0"
_MARK = re.compile(r"\[/EN#(?P<entity>[^\s/\[\]]+)(?P<types>(?:/[^\s/\[\]]+)+)(?=\s)|[\[\]]")
_WHOLE = re.compile(r"\s*(-?[0-9]{1,6})\s*")


@dataclass(frozen=True)
class Annotation:
    """The boxes of one photo.

    Attributes:
        size: width and height of the annotated photo.
        entities: entities by id, with boxes in pixels of that size.
    """

    size: tuple[int, int]
    entities: Mapping[str, Entity]


def parse_sentences(raw: bytes, file: str) -> tuple[tuple[Sentence, ...], list[Problem]]:
    """Parse the sentences of one photo, one per line.

    Args:
        raw: content of ``Sentences/ID.txt``.
        file: its name, for messages.

    Returns:
        The sentences, and a problem for each line that was skipped or has a phrase of an unknown type.
    """
    sentences: list[Sentence] = []
    problems: list[Problem] = []
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")):
        where = f"{file}:{number + 1}"
        try:
            sentence = _sentence(line.decode(), number)
        except UnicodeDecodeError:
            problems.append(Problem("malformed", where, "not valid UTF-8; the sentence was skipped"))
            continue
        except _MarkupError as error:
            problems.append(Problem("malformed", where, f"{error}; the sentence was skipped"))
            continue
        if sentence.tokens:
            sentences.append(sentence)
        unknown = {kind for phrase in sentence.phrases for kind in phrase.types if kind not in TYPES}
        problems += [
            Problem("unknown-type", where, f"a phrase of type {kind!r}; expected one of {', '.join(TYPES)}; kept")
            for kind in sorted(unknown)
        ]
    return tuple(sentences), problems


class _MarkupError(Exception):
    """An error in a sentence's markup."""


def _sentence(line: str, number: int) -> Sentence:
    tokens: list[str] = []
    phrases: list[Phrase] = []
    opened: tuple[int, re.Match[str]] | None = None
    at = 0
    for mark in _MARK.finditer(line):
        tokens += line[at : mark.start()].split()
        at = mark.end()
        if mark["entity"] is not None:
            if opened is not None:
                raise _MarkupError("a phrase starts inside another")
            opened = len(tokens), mark
        elif mark[0] == "[":
            raise _MarkupError(f"expected [/EN#ID/TYPE and words, but found a single bracket: {_from(line, mark)}")
        elif opened is None:
            raise _MarkupError(f"a bracket closes no phrase: {_from(line, mark)}")
        else:
            start, head = opened
            if start == len(tokens):
                raise _MarkupError(f"a phrase has no word: {_from(line, head)}")
            entity = None if head["entity"] == _NO_ENTITY else head["entity"]
            phrases.append(Phrase(start, len(tokens), entity, tuple(head["types"][1:].split("/"))))
            opened = None
    if opened is not None:
        raise _MarkupError(f"a phrase does not end: {_from(line, opened[1])}")
    tokens += line[at:].split()
    return Sentence(number, tuple(tokens), tuple(phrases))


def _from(line: str, mark: re.Match[str]) -> str:
    shown = line[mark.start() : mark.start() + 40]
    return repr(shown)


def parse_annotation(raw: bytes, file: str) -> tuple[Annotation | None, list[Problem]]:
    """Parse the boxes of one photo, in Pascal VOC's format with several names to an object.

    Args:
        raw: content of ``Annotations/ID.xml``.
        file: its name, for messages.

    Returns:
        The boxes, clipped to the photo, or ``None`` if the file cannot be used; and the problems.
    """
    try:
        root = parse_xml(raw)
    except ValueError as error:
        return None, [Problem("malformed", file, f"{error}; skipped")]
    width, height = (_whole(root.findtext(f"size/{side}")) for side in ("width", "height"))
    if not width or not height or min(width, height) < 1:
        return None, [Problem("malformed", file, "does not state the photo's size; skipped")]
    entities: dict[str, Entity] = {}
    problems: list[Problem] = []
    for number, item in enumerate(root.findall("object"), 1):
        where = f"{file}: object {number}"
        names = [name for name in ((element.text or "").strip() for element in item.findall("name")) if name]
        if not names:
            problems.append(Problem("malformed", where, "has no name; skipped"))
            continue
        boxes: list[Box] = []
        for element in item.findall("bndbox"):
            box = _box(element, (width, height), where, problems)
            if box is not None:
                boxes.append(box)
        scene, nobox = (_whole(item.findtext(mark)) == 1 for mark in ("scene", "nobndbox"))
        for name in dict.fromkeys(names):
            known = entities.get(name, Entity(name))
            entities[name] = replace(
                known, boxes=(*known.boxes, *boxes), scene=known.scene or scene, nobox=known.nobox or nobox
            )
    return Annotation((width, height), entities), problems


def _box(element: ElementTree.Element, size: tuple[int, int], where: str, problems: list[Problem]) -> Box | None:
    """Return a box clipped to the photo, with edges between pixels, or report why there is none."""
    sides = [_whole(element.findtext(side)) for side in ("xmin", "ymin", "xmax", "ymax")]
    left, top, right, bottom = sides
    if left is None or top is None or right is None or bottom is None or left > right or top > bottom:
        given = ", ".join("nothing" if side is None else str(side) for side in sides)
        message = f"expected xmin, ymin, xmax, ymax as ascending whole numbers, got {given}; the box was skipped"
        problems.append(Problem("malformed", where, message))
        return None
    width, height = size
    box = float(max(left - 1, 0)), float(max(top - 1, 0)), float(min(right, width)), float(min(bottom, height))
    if box == (float(left - 1), float(top - 1), float(right), float(bottom)):
        return box
    beyond = f"the box {left}, {top}, {right}, {bottom} extends beyond the photo of {width}×{height}"
    empty = box[0] >= box[2] or box[1] >= box[3]
    problems.append(Problem("box-outside-photo", where, f"{beyond}; {'skipped' if empty else 'clipped'}"))
    return None if empty else box


def _whole(text: str | None) -> int | None:
    found = _WHOLE.fullmatch(text or "")
    return None if found is None else int(found[1])
