from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from seetell.alttext.alt_text import alt_text
from seetell.errors import PhotoError
from seetell.photos.metadata.description import ALT_TEXT, DESCRIPTION, HIERARCHY, KEYWORDS, Description
from seetell.photos.metadata.sidecar import Sidecars, TextSidecars
from seetell.photos.metadata.xmp import EMPTY, RDF, Outline, with_properties


def told(caption: str, *keywords: str) -> Description:
    return Description(alt_text(caption), alt_text(caption, longest=None), keywords or None)


def entries(path: Path, wanted: tuple[str, str, str]) -> list[str]:
    return Outline(path.read_bytes()).entries(wanted)


def value(xmp: bytes, wanted: tuple[str, str, str]) -> list[str | None]:
    _, space, name = wanted
    path = f".//{{{RDF}}}Description/{{{space}}}{name}/{{{RDF}}}Alt/{{{RDF}}}li"
    return [item.text for item in ElementTree.fromstring(xmp).findall(path)]


def described(**properties: str) -> bytes:
    """Return a sidecar with properties, by ``prefix_Name``, as another program wrote it."""
    spaces = {
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
        "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
        "dc": "http://purl.org/dc/elements/1.1/",
    }
    written = " ".join(f'{key.replace("_", ":")}="{value}"' for key, value in properties.items())
    declared = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in spaces.items())
    return EMPTY.replace(b"\n </rdf:RDF>", f"\n<rdf:Description {declared} {written}/></rdf:RDF>".encode())


def test_a_new_sidecar_has_alt_text_and_description(tmp_path: Path):
    path = Sidecars().write(tmp_path / "dog.jpg", told("a dog & a café " + "very " * 40 + "far"))
    assert path == tmp_path / "dog.xmp"
    xmp = path.read_bytes()
    assert xmp.startswith(b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    (alt,), (description,) = value(xmp, ALT_TEXT), value(xmp, DESCRIPTION)
    assert alt.startswith("A dog & a café very")
    assert len(alt) <= 125
    assert description.endswith("very far.")
    Sidecars().write(tmp_path / "dog.jpg", told("a cat"))
    assert path.read_bytes() == xmp


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
        Sidecars().write(tmp_path / "dog.jpg", told("a dog"))
    assert (tmp_path / "dog.xmp").read_bytes() == there


def test_two_photos_do_not_share_a_sidecar(tmp_path: Path):
    for name in ("dog.jpg", "dog.png"):
        (tmp_path / name).touch()
    for _ in range(2):  # also in a later run
        assert Sidecars().write(tmp_path / "dog.jpg", told("a dog")) == tmp_path / "dog.xmp"
        before = (tmp_path / "dog.xmp").read_bytes()
        with pytest.raises(
            PhotoError, match=r"its sidecar dog\.xmp is that of dog\.jpg; --sidecar-name full writes dog\.png\.xmp"
        ):
            Sidecars().write(tmp_path / "dog.png", told("a cat"))
        assert (tmp_path / "dog.xmp").read_bytes() == before
    assert Sidecars(full_names=True).write(tmp_path / "dog.png", told("a cat")) == tmp_path / "dog.png.xmp"
    assert Sidecars().find(tmp_path / "dog.png") == tmp_path / "dog.png.xmp"
    assert Sidecars(full_names=True).find(tmp_path / "dog.jpg") == tmp_path / "dog.xmp"


@pytest.mark.parametrize("there", ["dog.jpg.xmp", "dog.jpg.XMP", "dog.xmp", "dog.XMP"])
@pytest.mark.parametrize("full", [False, True])
def test_a_sidecar_of_either_name_is_filled(tmp_path: Path, there: str, full: bool):
    (tmp_path / "dog.jpg").touch()
    (tmp_path / there).write_bytes(described(photoshop_City="Bern"))
    if there.startswith("dog.jpg"):
        (tmp_path / "dog.xmp").write_bytes(described())
        (tmp_path / "dog.cr2").touch()
    assert Sidecars(full_names=full).write(tmp_path / "dog.jpg", told("a dog")) == tmp_path / there
    assert value((tmp_path / there).read_bytes(), ALT_TEXT) == ["A dog."]
    assert sum(b"A dog." in path.read_bytes() for path in tmp_path.iterdir()) == 1


@pytest.mark.parametrize(
    ("properties", "beside", "owner"),
    [
        ({}, [], ""),
        ({}, ["dog.png"], "dog.png"),
        ({}, ["dog.CR2"], "dog.CR2"),
        ({}, ["dog.heic"], "dog.heic"),
        ({}, ["dog.txt", "dogs.png"], ""),
        ({"photoshop_SidecarForExtension": "JPG"}, ["dog.png"], ""),
        ({"photoshop_SidecarForExtension": "JPG"}, ["dog.JPG"], "dog.JPG"),
        ({"photoshop_SidecarForExtension": "NEF"}, [], "dog.NEF"),
        ({"crs_RawFileName": "dog.CR2"}, [], "dog.CR2"),
        ({"crs_RawFileName": "Dog.jpg"}, [], ""),
        ({"crs_RawFileName": "cat.jpg"}, [], "cat.jpg"),
        ({"xmpMM_DerivedFrom": "/photos/dog.nef"}, [], "dog.nef"),
        ({"xmpMM_PreservedFileName": "IMG_1.jpg"}, [], ""),
        ({"xmpMM_PreservedFileName": "IMG_1.NEF"}, [], "IMG_1.NEF"),
        ({"rdf_about": "dog.cr2"}, [], "dog.cr2"),
        ({"rdf_about": "uuid:1.2"}, [], ""),
        ({"dc_format": "image/jpeg"}, [], ""),
        ({"dc_format": "image/x-canon-cr2"}, [], "a file of the format image/x-canon-cr2"),
    ],
)
def test_the_sidecar_of_another_file_is_left_alone(
    tmp_path: Path, properties: dict[str, str], beside: list[str], owner: str
):
    for name in ("dog.jpg", *beside):
        (tmp_path / name).touch()
    before = described(**properties)
    (tmp_path / "dog.xmp").write_bytes(before)
    if not owner:
        assert Sidecars().find(tmp_path / "dog.jpg") == tmp_path / "dog.xmp"
        return
    with pytest.raises(PhotoError, match=f"its sidecar dog.xmp is that of {owner}; --sidecar-name full"):
        Sidecars(overwrite=True).write(tmp_path / "dog.jpg", told("a dog"))
    assert Sidecars(full_names=True).write(tmp_path / "dog.jpg", told("a dog")) == tmp_path / "dog.jpg.xmp"
    assert (tmp_path / "dog.xmp").read_bytes() == before


def test_a_raw_photo_has_its_own(tmp_path: Path):
    for name in ("dog.CR2", "dog.jpg"):
        (tmp_path / name).touch()
    assert Sidecars().find(tmp_path / "dog.CR2") == tmp_path / "dog.xmp"
    (tmp_path / "dog.xmp").write_bytes(described(dc_format="image/x-canon-cr2"))
    assert Sidecars().write(tmp_path / "dog.CR2", told("a dog")) == tmp_path / "dog.xmp"
    (tmp_path / "dog.xmp").write_bytes(described(dc_format="image/jpeg"))
    with pytest.raises(PhotoError, match="a file of the format image/jpeg"):
        Sidecars().write(tmp_path / "dog.CR2", told("a dog"))


def test_no_new_sidecar_of_a_raw_photo(tmp_path: Path):
    (tmp_path / "dog.CR2").touch()
    with pytest.raises(PhotoError, match=r"is that of dog\.CR2"):
        Sidecars().write(tmp_path / "dog.jpg", told("a dog"))
    assert os.listdir(tmp_path) == ["dog.CR2"]


def test_complete_sidecars_are_known(tmp_path: Path):
    photo = tmp_path / "dog.jpg"
    assert not Sidecars().is_complete(photo)
    (tmp_path / "dog.xmp").write_bytes(described())
    assert not Sidecars().is_complete(photo)
    Sidecars().write(photo, told("a dog"))
    assert Sidecars().is_complete(photo)
    assert Sidecars(overwrite=True).write(photo, told("a <cat>")) == tmp_path / "dog.xmp"
    assert value((tmp_path / "dog.xmp").read_bytes(), ALT_TEXT) == ["A <cat>."]
    (tmp_path / "dog.xmp").write_text("no XMP")
    assert not Sidecars().is_complete(photo)


def test_places_that_take_no_file(tmp_path: Path):
    with pytest.raises(PhotoError, match=r"its sidecar dog\.xmp was not written: No such file"):
        Sidecars().write(tmp_path / "absent" / "dog.jpg", told("a dog"))
    with pytest.raises(PhotoError, match="was not written: File name too long"):
        Sidecars(full_names=True).write(tmp_path / f"{'d' * 251}.jpg", told("a dog"))
    assert os.listdir(tmp_path) == []
    Sidecars().write(tmp_path / f"{'d' * 251}.jpg", told("a dog"))
    assert os.listdir(tmp_path) == [f"{'d' * 251}.xmp"]


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_it(tmp_path: Path):
    path = Sidecars().write(tmp_path / "dog.jpg", told('a "dog" & <cat> in the été'))
    command = ["exiftool", "-json", "-validate", "-AltTextAccessibility", "-Description", str(path)]
    (read,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert read["AltTextAccessibility"] == read["Description"] == 'A "dog" & <cat> in the été.'
    assert read["Validate"] == "OK"


def test_keywords_come_into_a_new_sidecar_as_a_list_and_as_a_flat_hierarchy(tmp_path: Path):
    path = Sidecars().write(tmp_path / "dog.jpg", told("a dog", "dog", "grass & snow"))
    assert entries(path, KEYWORDS) == entries(path, HIERARCHY) == ["dog", "grass & snow"]
    before = path.read_bytes()
    Sidecars().write(tmp_path / "dog.jpg", told("a cat", "Dog", "grass & snow"))
    assert path.read_bytes() == before
    Sidecars().write(tmp_path / "dog.jpg", told("a cat", "cat", "dog"))
    assert entries(path, KEYWORDS) == ["dog", "grass & snow", "cat"]
    assert entries(path, HIERARCHY) == ["dog", "grass & snow"]  # that is there, and stays as it is


def test_keywords_of_a_person_stay_and_those_in_a_hierarchy_too(tmp_path: Path):
    path, photo = tmp_path / "dog.xmp", tmp_path / "dog.jpg"
    hierarchy = "<lr:hierarchicalSubject><rdf:Bag><rdf:li>Pets|Rex</rdf:li></rdf:Bag></lr:hierarchicalSubject>"
    mine = "<dc:subject><rdf:Bag><rdf:li>Rex</rdf:li><rdf:li>DOG</rdf:li></rdf:Bag></dc:subject>"
    spaces = f'xmlns:dc="{KEYWORDS[1]}" xmlns:lr="{HIERARCHY[1]}"'
    for known in ("", hierarchy):
        about = f"<rdf:Description {spaces}>{mine}{known}</rdf:Description></rdf:RDF>"
        path.write_bytes(EMPTY.replace(b"</rdf:RDF>", about.encode()))
        Sidecars(overwrite=True).write(photo, told("a dog", "dog", "grass"))
        assert entries(path, KEYWORDS) == ["Rex", "DOG", "grass"]
        assert entries(path, HIERARCHY) == (["Pets|Rex"] if known else ["Rex", "DOG", "grass"])
        assert mine[:-23].encode() in path.read_bytes()


@pytest.mark.parametrize("form", ["<dc:subject/>", "<dc:subject><rdf:Bag/></dc:subject>", "<dc:subject>a</dc:subject>"])
def test_keywords_of_another_form_are_not_added_to(tmp_path: Path, form: str):
    about = f'<rdf:Description xmlns:dc="{KEYWORDS[1]}">{form}</rdf:Description></rdf:RDF>'
    before = EMPTY.replace(b"</rdf:RDF>", about.encode())
    (tmp_path / "dog.xmp").write_bytes(before)
    with pytest.raises(PhotoError, match="its subject is no list that could be added to"):
        Sidecars().write(tmp_path / "dog.jpg", told("a dog", "dog"))
    assert (tmp_path / "dog.xmp").read_bytes() == before


def test_a_sidecar_without_keywords_is_not_complete_where_they_are_asked_for(tmp_path: Path):
    photo = tmp_path / "dog.jpg"
    Sidecars().write(photo, told("a dog"))
    assert Sidecars().is_complete(photo)
    assert not Sidecars().is_complete(photo, keywords=True)
    Sidecars().write(photo, told("a cat", "dog"))
    assert Sidecars().is_complete(photo, keywords=True)
    assert value((tmp_path / "dog.xmp").read_bytes(), ALT_TEXT) == ["A dog."]


def test_where_no_keyword_was_found_none_is_looked_for_again(tmp_path: Path):
    photo, none = tmp_path / "dog.jpg", Description("A dog.", "A dog.", ())
    path = Sidecars().write(photo, none)
    assert Sidecars().is_complete(photo, keywords=True)
    assert entries(path, KEYWORDS) == []
    assert HIERARCHY[1:] not in Outline(path.read_bytes()).properties
    before = path.read_bytes()
    Sidecars().write(photo, none)
    assert path.read_bytes() == before
    Sidecars().write(photo, told("a dog", "dog"))
    assert entries(path, KEYWORDS) == entries(path, HIERARCHY) == ["dog"]


@pytest.mark.parametrize("where", ["xmp", "exif"])
def test_what_a_person_wrote_in_the_photo_is_not_hidden(tmp_path: Path, where: str):
    photo, exif = tmp_path / "dog.jpg", Image.Exif()
    if where == "xmp":
        written = {"xmp": with_properties(EMPTY, {DESCRIPTION: "Rex, my dog", ALT_TEXT: "Rex"}, {KEYWORDS: ["rex"]})}
    else:
        exif[0x010E], written = "Rex, my dog", {"exif": exif}
    Image.new("RGB", (8, 8)).save(photo, **written)
    path = Sidecars().write(photo, told("a dog on grass", "grass"))
    assert value(path.read_bytes(), DESCRIPTION) == ["Rex, my dog"]
    assert value(path.read_bytes(), ALT_TEXT) == (["Rex"] if where == "xmp" else ["A dog on grass."])
    assert entries(path, KEYWORDS) == (["rex", "grass"] if where == "xmp" else ["grass"])
    Sidecars(overwrite=True).write(photo, told("a dog on grass"))
    assert value(path.read_bytes(), DESCRIPTION) == ["A dog on grass."]


def test_texts_lie_beside_the_photos_and_those_of_people_stay(tmp_path: Path):
    photo, path = tmp_path / "dog.jpg", tmp_path / "dog.txt"
    assert not TextSidecars().is_complete(photo)
    assert TextSidecars().write(photo, "a dog in the été") == path
    assert path.read_bytes() == "a dog in the été\n".encode()
    assert TextSidecars().is_complete(photo)
    assert TextSidecars().write(photo, "a cat") == path
    assert TextSidecars(full_names=True).write(photo, "a cat") == path
    assert path.read_text(encoding="utf-8") == "a dog in the été\n"
    TextSidecars(overwrite=True).write(photo, "a cat")
    assert path.read_text(encoding="utf-8") == "a cat\n"
    (tmp_path / "cat.jpg.txt").write_text("")
    assert TextSidecars().write(tmp_path / "cat.jpg", "a cat") == tmp_path / "cat.jpg.txt"
    assert (tmp_path / "cat.jpg.txt").read_text() == ""
    with pytest.raises(PhotoError, match=r"its text dog\.txt was not written: No such file"):
        TextSidecars().write(tmp_path / "absent" / "dog.jpg", "a dog")


def test_two_photos_do_not_share_a_text(tmp_path: Path):
    (tmp_path / "dog.jpg").touch()
    (tmp_path / "dog.png").touch()
    with pytest.raises(
        PhotoError, match=r"dog\.txt is that of dog\.jpg, too; --sidecar-name full writes dog\.png\.txt"
    ):
        TextSidecars().write(tmp_path / "dog.png", "a dog")
    assert TextSidecars(full_names=True).write(tmp_path / "dog.png", "a dog") == tmp_path / "dog.png.txt"
