from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.alttext.sidecar import ALT_TEXT, DESCRIPTION, EMPTY, RDF, Sidecars, with_properties, write_sidecar
from seetell.errors import PhotoError, SeetellError

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


def test_a_new_sidecar_has_alt_text_and_description(tmp_path: Path):
    path = write_sidecar(tmp_path / "dog.jpg", "a dog & a café " + "very " * 40 + "far")
    assert path == tmp_path / "dog.xmp"
    xmp = path.read_bytes()
    assert xmp.startswith(b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    (alt,), (description,) = value(xmp, ALT_TEXT), value(xmp, DESCRIPTION)
    assert alt.startswith("A dog & a café very")
    assert len(alt) <= 125
    assert description.endswith("very far.")
    write_sidecar(tmp_path / "dog.jpg", "a cat")
    assert path.read_bytes() == xmp


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


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc"))))
def test_any_text_is_read_back(text: str):
    assert value(with_properties(EMPTY, {DESCRIPTION: text}), DESCRIPTION) == [text or None]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (b"", "not XML"),
        (b"photo", "not XML"),
        (b"<a/>", "no rdf:RDF"),
        (EMPTY.replace(b">\n </rdf:RDF>", b"/>"), "is empty"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
    ],
)
def test_a_sidecar_that_is_no_xmp_is_left(tmp_path: Path, there: bytes, said: str):
    (tmp_path / "dog.xmp").write_bytes(there)
    with pytest.raises(PhotoError, match=said):
        write_sidecar(tmp_path / "dog.jpg", "a dog")
    assert (tmp_path / "dog.xmp").read_bytes() == there


def test_two_photos_do_not_share_a_sidecar(tmp_path: Path):
    sidecars = Sidecars()
    first = str(tmp_path / "dog.jpg")
    assert sidecars.write(first, "a dog") == sidecars.write(first, "a dog")
    with pytest.raises(PhotoError, match=r"dog\.xmp is that of .*dog\.jpg"):
        sidecars.write(str(tmp_path / "dog.png"), "a cat")


def test_a_caption_without_words_and_a_place_that_takes_no_file(tmp_path: Path):
    with pytest.raises(PhotoError, match="no words"):
        write_sidecar(tmp_path / "dog.jpg", "")
    with pytest.raises(SeetellError, match="cannot be written"):
        write_sidecar(tmp_path / "absent" / "dog.jpg", "a dog")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_it(tmp_path: Path):
    path = write_sidecar(tmp_path / "dog.jpg", 'a "dog" & <cat> in the été')
    command = ["exiftool", "-json", "-validate", "-AltTextAccessibility", "-Description", str(path)]
    (read,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert read["AltTextAccessibility"] == read["Description"] == 'A "dog" & <cat> in the été.'
    assert read["Validate"] == "OK"
