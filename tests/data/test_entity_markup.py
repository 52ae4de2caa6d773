from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.data.entity_markup import parse_annotation, parse_sentences
from seetell.data.entity_records import TYPES, Entity, Phrase

TWO_SENTENCES = b"""\
[/EN#3/people A small child] and [/EN#0/notvisual it] climb [/EN#4/other/scene the stairs] .
Nothing is marked .
"""


def annotation_of(*objects: str, size: str = "<width>10</width><height>20</height>") -> bytes:
    return f"<annotation><size>{size}</size>{''.join(objects)}</annotation>".encode()


def framed(*corners: object, names: tuple[str, ...] = ("1",)) -> str:
    sides = "".join(
        f"<{side}>{at}</{side}>" for side, at in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    )
    named = "".join(f"<name>{name}</name>" for name in names)
    return f"<object>{named}<bndbox>{sides}</bndbox></object>"


def marked(name: str, *, scene: int, nobox: int) -> str:
    return f"<object><name>{name}</name><scene>{scene}</scene><nobndbox>{nobox}</nobndbox></object>"


def test_phrases_are_spans_of_tokens():
    (first, second), problems = parse_sentences(TWO_SENTENCES, "7.txt")
    assert not problems
    assert first.text == "A small child and it climb the stairs ."
    assert first.phrases == (
        Phrase(0, 3, "3", ("people",)),
        Phrase(4, 5, None, ("notvisual",)),
        Phrase(6, 8, "4", ("other", "scene")),
    )
    assert first.words(first.phrases[2]) == ("the", "stairs")
    assert (second.number, second.text, second.phrases) == (1, "Nothing is marked .", ())


def test_other_line_ends_and_blank_lines():
    sentences, problems = parse_sentences(b"\xef\xbb\xbfA dog .\r\n\r\n  \nA cat .", "7.txt")
    assert [(sentence.number, sentence.text) for sentence in sentences] == [(0, "A dog ."), (3, "A cat .")]
    assert not problems


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[/EN#1/people A man", "a phrase does not end: '[/EN#1/people A man'"),
        ("[/EN#1/people A [/EN#2/people man] ]", "a phrase starts inside another"),
        ("[/EN#1/people A man]]", "a bracket closes no phrase: ']'"),
        ("[/EN#1/people ]", "a phrase has no word"),
        ("[/EN#1/people]", "found a single bracket"),
        ("[/EN#1 A man]", "found a single bracket"),
        ("[/EN#/people A man]", "found a single bracket"),
        ("[/EN#1//people A man]", "found a single bracket"),
        ("A [ man", "expected [/EN#ID/TYPE and words, but found a single bracket: '[ man'"),
        ("A \udcff man", "not valid UTF-8"),
    ],
)
def test_broken_markup_skips_one_sentence(line: str, message: str):
    raw = f"A dog .\n{line}\n[/EN#1/people A man] .\n".encode(errors="surrogateescape")
    sentences, (problem,) = parse_sentences(raw, "7.txt")
    assert [sentence.number for sentence in sentences] == [0, 2]
    assert (problem.kind, problem.where) == ("malformed", "7.txt:2")
    assert message in problem.message


def test_unknown_types_are_listed_and_kept():
    (sentence,), (problem,) = parse_sentences(b"[/EN#1/people/robots A man] and [/EN#2/robots it]", "7.txt")
    assert [phrase.types for phrase in sentence.phrases] == [("people", "robots"), ("robots",)]
    assert (problem.kind, problem.where) == ("unknown-type", "7.txt:1")
    assert "a phrase of type 'robots'; expected one of people, clothing" in problem.message


_words = st.lists(st.from_regex(r"[a-z.,'-]+", fullmatch=True), min_size=1, max_size=4)
_phrases = st.tuples(st.integers(0, 99), st.lists(st.sampled_from(TYPES), min_size=1, max_size=2), _words)


@pytest.mark.slow
@given(st.lists(_words | _phrases, min_size=1, max_size=6))
def test_what_is_written_is_read_back(parts: list[list[str] | tuple[int, list[str], list[str]]]):
    tokens: list[str] = []
    phrases: list[Phrase] = []
    written: list[str] = []
    for part in parts:
        words = part if isinstance(part, list) else part[2]
        if isinstance(part, tuple):
            number, types, _ = part
            phrases.append(Phrase(len(tokens), len(tokens) + len(words), str(number) if number else None, tuple(types)))
            written.append(f"[/EN#{number}/{'/'.join(types)} {' '.join(words)}]")
        else:
            written += words
        tokens += words
    (sentence,), problems = parse_sentences(" ".join(written).encode(), "7.txt")
    assert not problems
    assert (sentence.tokens, sentence.phrases) == (tuple(tokens), tuple(phrases))


@pytest.mark.slow
@given(st.text(st.sampled_from("[]/EN#0a \n"), max_size=60) | st.text(max_size=60))
def test_any_text_is_parsed_or_listed_line_by_line(text: str):
    raw = text.encode(errors="surrogatepass")
    sentences, problems = parse_sentences(raw, "7.txt")
    for sentence in sentences:
        spans = [(phrase.start, phrase.end) for phrase in sentence.phrases]
        assert all(start < end for start, end in spans)
        assert sorted(spans) == spans
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
        assert all(end <= len(sentence.tokens) for _, end in spans)
        assert not any(bracket in token for token in sentence.tokens for bracket in "[]")
    skipped_files = {problem.where for problem in problems if problem.kind == "malformed"}
    blank = sum(1 for line in raw.split(b"\n") if not line.decode(errors="replace").strip("\ufeff").split())
    assert raw.count(b"\n") + 1 - blank <= len(sentences) + len(skipped_files) <= raw.count(b"\n") + 1


def test_boxes_become_edges_between_pixels():
    raw = annotation_of(framed(1, 1, 10, 20), framed(3, 5, 3, 5), framed(2, 2, 4, 4, names=("1", "2")))
    annotation, problems = parse_annotation(raw, "7.xml")
    assert not problems
    assert annotation is not None
    assert annotation.size == (10, 20)
    assert annotation.entities == {
        "1": Entity("1", ((0, 0, 10, 20), (2, 4, 3, 5), (1, 1, 4, 4))),
        "2": Entity("2", ((1, 1, 4, 4),)),
    }


def test_marks():
    raw = annotation_of(
        marked("1", scene=1, nobox=0), marked("2", scene=0, nobox=1), marked("3", scene=1, nobox=1), framed(1, 1, 2, 2)
    )
    annotation, _ = parse_annotation(raw, "7.xml")
    assert annotation is not None
    assert annotation.entities == {
        "1": Entity("1", ((0, 0, 2, 2),), scene=True),
        "2": Entity("2", nobox=True),
        "3": Entity("3", scene=True, nobox=True),
    }


@pytest.mark.parametrize(
    ("corners", "boxes", "kind", "message"),
    [
        ((0, 1, 5, 5), ((0, 0, 5, 5),), "box-outside-photo", "0, 1, 5, 5 extends beyond the photo of 10×20; clipped"),
        ((-4, -4, 99, 99), ((0, 0, 10, 20),), "box-outside-photo", "clipped"),
        ((11, 1, 12, 5), (), "box-outside-photo", "skipped"),
        ((-5, 1, 0, 5), (), "box-outside-photo", "skipped"),
        ((5, 1, 4, 5), (), "malformed", "ascending whole numbers, got 5, 1, 4, 5"),
        ((1, 5, 5, 4), (), "malformed", "the box was skipped"),
        (("", 1, 5, 5), (), "malformed", "got nothing, 1, 5, 5"),
        (("1.5", 1, 5, 5), (), "malformed", "got nothing, 1, 5, 5"),
        (("9" * 5000, 1, 5, 5), (), "malformed", "got nothing, 1, 5, 5"),
    ],
)
def test_wrong_boxes(corners: tuple[object, ...], boxes: tuple[object, ...], kind: str, message: str):
    annotation, (problem,) = parse_annotation(annotation_of(framed(*corners)), "7.xml")
    assert annotation is not None
    assert annotation.entities["1"].boxes == boxes
    assert (problem.kind, problem.where) == (kind, "7.xml: object 1")
    assert message in problem.message


def test_an_object_without_a_name_affects_only_itself():
    annotation, (problem,) = parse_annotation(annotation_of(framed(1, 1, 2, 2, names=()), framed(1, 1, 2, 2)), "7.xml")
    assert annotation is not None
    assert list(annotation.entities) == ["1"]
    assert problem.message == "has no name; skipped"


BOMB = (
    '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>'
    "<annotation>&c;&d;</annotation>"
)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (BOMB.encode(), "has a document type"),
        (f'<?xml version="1.0" encoding="UTF-16"?>{BOMB}'.encode("utf-16"), "expected XML"),
        (f'<?xml version="1.0" encoding="utf-7"?>{BOMB}'.replace("<!D", "+ADwAIQ-D").encode(), "expected XML"),
        (annotation_of("&undeclared;"), "expected XML, but undefined entity"),
        (annotation_of()[:-5], "expected XML"),
        (b"", "expected XML"),
        (b"\0\0\0\0", "expected XML"),
        (b"<a>" * 300_000, "expected XML"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "does not state the photo's size"),
        (b"<annotation/>", "does not state the photo's size"),
        (annotation_of(size="<width>0</width><height>5</height>"), "does not state the photo's size"),
        (annotation_of(size="<width>-3</width><height>5</height>"), "does not state the photo's size"),
        (annotation_of(size="<width>wide</width><height>5</height>"), "does not state the photo's size"),
    ],
)
def test_hostile_xml_is_one_problem(raw: bytes, message: str):
    annotation, (problem,) = parse_annotation(raw, "7.xml")
    assert annotation is None
    assert problem.where == "7.xml"
    assert message in problem.message


@given(st.binary(max_size=80) | st.tuples(st.integers(0, 400), st.binary(max_size=9)))
def test_any_bytes_are_parsed_or_listed(change: bytes | tuple[int, bytes]):
    raw = annotation_of(framed(1, 1, 2, 2), marked("2", scene=1, nobox=0))
    if isinstance(change, tuple):
        at, patch = change
        change = raw[:at] + patch + raw[at + len(patch) :]
    annotation, problems = parse_annotation(change, "7.xml")
    assert annotation is not None or problems
    for entity in annotation.entities.values() if annotation else ():
        for x0, y0, x1, y1 in entity.boxes:
            assert 0 <= x0 < x1 <= annotation.size[0]
            assert 0 <= y0 < y1 <= annotation.size[1]
