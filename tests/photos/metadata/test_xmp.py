from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.photos.metadata.description import ALT_TEXT, DESCRIPTION, KEYWORDS
from seetell.photos.metadata.xmp import EMPTY, RDF, Outline, with_properties

OTHERS = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- kept -->
<r:RDF xmlns:r="{RDF}"><r:Description r:about="uuid:1&amp;2" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5">%s<dc:title>
 <r:Alt><r:li xml:lang="x-default">mine</r:li></r:Alt></dc:title>
</r:Description></r:RDF></x:xmpmeta>"""


def value(xmp: bytes, wanted: tuple[str, str, str]) -> list[str | None]:
    _, space, name = wanted
    path = f".//{{{RDF}}}Description/{{{space}}}{name}/{{{RDF}}}Alt/{{{RDF}}}li"
    found = ElementTree.fromstring(xmp).findall(path)
    assert all(item.get("{http://www.w3.org/XML/1998/namespace}lang") == "x-default" for item in found)
    return [item.text for item in found]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_every_byte_of_a_sidecar_stays(encoding: str, end: str):
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' + (OTHERS % "<dc:description/>é").replace("\n", end)
    before = declared.encode(encoding)
    after = with_properties(before, {ALT_TEXT: "A dog.", DESCRIPTION: "A dog."})
    place = next(place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other)
    while before[place:] != after[len(after) - len(before) + place :]:
        place -= 1
    assert before[:place] == after[:place]
    assert value(after, ALT_TEXT) == ["A dog."]
    assert value(after, DESCRIPTION) == []
    abouts = {node.get(f"{{{RDF}}}about") for node in ElementTree.fromstring(after).iter(f"{{{RDF}}}Description")}
    assert abouts == {"uuid:1&2"}


def test_properties_that_are_there_stay():
    both = b'<r:Description xmlns:r="%s" xmlns:d="%s" xmlns:i="%s" d:description="">'
    both += b"<i:AltTextAccessibility/></r:Description>"
    there = EMPTY.replace(
        b"</rdf:RDF>", both % (RDF.encode(), DESCRIPTION[1].encode(), ALT_TEXT[1].encode()) + b"</rdf:RDF>"
    )
    assert with_properties(there, {ALT_TEXT: "A dog.", DESCRIPTION: "A dog."}) == there


@pytest.mark.slow
@given(st.text(st.characters(blacklist_categories=("Cs", "Cc"))))
def test_any_text_is_read_back(text: str):
    assert value(with_properties(EMPTY, {DESCRIPTION: text}), DESCRIPTION) == [text or None]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize("old", ["mine", "", "a &amp; é &lt;b&gt;", "<!-- x -->mine"])
def test_texts_are_overwritten_in_their_place(old: str, encoding: str):
    title = ("dc", DESCRIPTION[1], "title")
    before = f'<?xml version="1.0" encoding="{encoding}"?>' + OTHERS % ""
    german = '<r:li xml:lang="de">meins</r:li>'
    before = before.replace('<r:li xml:lang="x-default">mine', f'{german}<r:li xml:lang="x-default">{old}')
    after = with_properties(before.encode(encoding), {title: "A <dog> & é."}, overwrite=True)
    kept = old.removesuffix("mine") if old.startswith("<!--") else ""
    expected = before.replace(f">{old}</r:li>", f">{kept}A &lt;dog&gt; &amp; &#233;.</r:li>")
    assert after == expected.encode(encoding)
    assert with_properties(before.encode(encoding), {title: "A dog."}) == before.encode(encoding)


@pytest.mark.parametrize(
    "form",
    [
        "<dc:description><r:Bag><r:li>x</r:li></r:Bag></dc:description>",
        "<dc:description/>",
        '<dc:description><r:Alt><r:li xml:lang="x-default"/></r:Alt></dc:description>',
        "<dc:description><r:Alt/></dc:description>",
    ],
)
def test_other_forms_are_not_overwritten(form: str):
    with pytest.raises(ValueError, match="its description has no text that could be overwritten"):
        with_properties((OTHERS % form).encode(), {DESCRIPTION: "A dog."}, overwrite=True)


@pytest.mark.parametrize("language", ["de", "en-US"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_a_text_in_another_language_stays_beside_the_one_that_is_written(encoding: str, language: str):
    other = f'<r:li xml:lang="{language}">é</r:li><r:li xml:lang="fr"/>'
    described = "<dc:description><r:Alt> %s</r:Alt></dc:description>"
    form = f'<?xml version="1.0" encoding="{encoding}"?>{OTHERS}' % described
    before, written = form % other, f'<r:li xml:lang="x-default">A dog.</r:li>{other}'
    once = with_properties(before.encode(encoding), {DESCRIPTION: "A dog."}, overwrite=True)
    assert once == (form % written).encode(encoding)
    assert with_properties(once, {DESCRIPTION: "A dog."}, overwrite=True) == once
    assert with_properties(before.encode(encoding), {DESCRIPTION: "A dog."}) == before.encode(encoding)


def test_properties_have_their_texts():
    outline = Outline((OTHERS % "<xmp:CreatorTool> a\nb </xmp:CreatorTool>").encode())
    properties = {name: text for (_, name), text in outline.properties.items()}
    assert properties == {"about": "uuid:1&2", "Rating": "5", "CreatorTool": "ab", "title": ""}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize("array", ["Bag", "Seq"])
def test_entries_are_added_to_an_array_and_nothing_else_changes(array: str, encoding: str):
    form = f"<dc:subject><r:{array}><r:li>é &amp; <!-- x -->co</r:li><r:li/> </r:{array}></dc:subject>"
    before = f'<?xml version="1.0" encoding="{encoding}"?>' + OTHERS % form
    assert Outline(before.encode(encoding)).entries(KEYWORDS) == ["é & co", ""]
    after = with_properties(before.encode(encoding), {}, {KEYWORDS: ["É & CO", "dog", "<ü>"]})
    added = "<r:li>dog</r:li><r:li>&lt;&#252;&gt;</r:li>"
    assert after == before.replace(f"</r:{array}>", f"{added}</r:{array}>").encode(encoding)
    assert with_properties(after, {}, {KEYWORDS: ["dog"]}) == after


def test_an_array_that_is_missing_is_made_also_of_no_entries():
    after = with_properties(EMPTY, {DESCRIPTION: "A dog."}, {KEYWORDS: ["dog", "grass"]})
    assert Outline(after).entries(KEYWORDS) == ["dog", "grass"]
    assert value(after, DESCRIPTION) == ["A dog."]
    empty = with_properties(EMPTY, {}, {KEYWORDS: []})
    assert KEYWORDS[1:] in Outline(empty).properties
    assert Outline(empty).entries(KEYWORDS) == []
    assert with_properties(empty, {}, {KEYWORDS: []}) == empty
    assert Outline(with_properties(empty, {}, {KEYWORDS: ["dog"]})).entries(KEYWORDS) == ["dog"]


def test_the_text_of_the_default_language():
    german = '<dc:description><r:Alt><r:li xml:lang="de">Hund</r:li><r:li xml:lang="x-default">a &amp; b</r:li></r:Alt>'
    assert Outline((OTHERS % f"{german}</dc:description>").encode()).default_text(DESCRIPTION) == "a & b"
    assert Outline((OTHERS % "<dc:description>dog</dc:description>").encode()).default_text(DESCRIPTION) == "dog"
    assert Outline(EMPTY).default_text(DESCRIPTION) == ""


@pytest.mark.slow
@given(st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1), min_size=1))
def test_any_entries_are_read_back(entries: list[str]):
    once = with_properties(EMPTY, {}, {KEYWORDS: entries})
    assert Outline(once).entries(KEYWORDS) == entries
    more = with_properties(once, {}, {KEYWORDS: [*entries, "one more"]})
    assert Outline(more).entries(KEYWORDS)[: len(entries)] == entries
