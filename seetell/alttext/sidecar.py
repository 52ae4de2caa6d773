"""XMP sidecars: a photo's caption in a file beside it, which photo managers read.

Two properties are written, as language alternatives of ``x-default`` (ISO 16684-1, section 8.2.2.4):
``Iptc4xmpCore:AltTextAccessibility``, "Alt Text (Accessibility)" of the IPTC Photo Metadata Standard since 2021.1, and
``dc:description``, its "Description/Caption". An existing sidecar gets only those of the two that it lacks, in an
``rdf:Description`` of their own; its other bytes do not change.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from xml.parsers import expat

from seetell.alttext.alt_text import alt_text
from seetell.atomic_write import atomic_file
from seetell.errors import PhotoError, SeetellError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ALT_TEXT = ("Iptc4xmpCore", "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "AltTextAccessibility")
DESCRIPTION = ("dc", "http://purl.org/dc/elements/1.1/", "description")
"""Prefix, namespace and name of a property."""

EMPTY = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{RDF}">
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
""".encode()

LARGEST = 64 * 2**20
"""Largest size of a sidecar in bytes; those with long edit histories have a few million."""

Property = tuple[str, str, str]


def sidecar_of(photo: str | os.PathLike[str]) -> Path:
    """Return the path of a photo's sidecar: ``dog.xmp`` for ``dog.jpg``."""
    return Path(photo).with_suffix(".xmp")


class Sidecars:
    """The sidecars of a run: no two photos share one."""

    def __init__(self) -> None:
        self._photos: dict[Path, str] = {}

    def write(self, photo: str, caption: str) -> Path:
        """Write a photo's sidecar, see :func:`write_sidecar`.

        Raises:
            PhotoError: another photo of the run has the same sidecar, such as ``dog.png`` beside ``dog.jpg``.
        """
        path = sidecar_of(photo)
        first = self._photos.setdefault(path, photo)
        if first != photo:
            raise PhotoError(f"{photo}: its sidecar {path.name} is that of {first}; give one of them another name")
        return write_sidecar(photo, caption)


def write_sidecar(photo: str | os.PathLike[str], caption: str) -> Path:
    """Write a caption into a photo's sidecar; existing properties are kept.

    Args:
        photo: its path.
        caption: a sentence.

    Returns:
        The sidecar, whether or not it lacked anything.

    Raises:
        PhotoError: the existing sidecar is not valid XMP, or the caption has no words.
        SeetellError: the sidecar cannot be written.
    """
    path = sidecar_of(photo)
    values = {ALT_TEXT: alt_text(caption), DESCRIPTION: alt_text(caption, longest=None)}
    if not values[ALT_TEXT]:
        raise PhotoError(f"{photo}: the model generated no words for its sidecar")
    try:
        before = _content(path) if path.exists() else EMPTY
        extended = with_properties(before, values)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PhotoError(f"{photo}: its sidecar {path.name} was not changed: {reason}") from error
    if extended != before:
        try:
            if path.exists() and not os.access(path, os.W_OK):
                raise PermissionError(None, "no permission to write it")
            with atomic_file(path) as file:
                file.write(extended)
        except OSError as error:
            raise SeetellError(f"{path}: cannot be written ({error.strerror})") from error
    return path


def with_properties(xmp: bytes, values: Mapping[Property, str]) -> bytes:
    """Add the properties that an XMP document lacks.

    Args:
        xmp: the document.
        values: texts of properties.

    Returns:
        The document with another ``rdf:Description``, or unchanged.

    Raises:
        ValueError: it is not XMP, or not in an encoding that can be extended.
    """
    outline = _Outline(xmp)
    missing = {wanted: value for wanted, value in values.items() if wanted[1:] not in outline.properties}
    if not missing:
        return xmp
    addition = _description(missing, outline.about, b"\r\n" in xmp)
    position = outline.end
    extended = xmp[:position] + addition.encode(outline.encoding) + xmp[position:]
    if not {wanted[1:] for wanted in values} <= _Outline(extended).properties:
        raise ValueError("its XML cannot be extended")
    return extended


class _Outline:
    """The outline of an XMP document.

    Attributes:
        properties: namespaces and names of its properties.
        about: the resource that they describe, mostly empty.
        end: offset in bytes of the end tag of ``rdf:RDF``.
        encoding: encoding for text inserted there.
    """

    def __init__(self, xmp: bytes) -> None:
        self.properties: set[tuple[str, str]] = set()
        self.about = ""
        self.encoding = "ascii"
        self._ends: list[int] = []
        self._open: list[str] = []
        for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
            if xmp.startswith(mark):
                self.encoding = encoding
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse
        self._parser = parser
        try:
            parser.Parse(xmp, True)
        except expat.ExpatError as error:
            raise ValueError(f"it is not XML ({error})") from error
        if not self._ends:
            raise ValueError("it has no rdf:RDF, as XMP has")
        self.end = self._ends[0]
        if xmp[self.end : self.end + 4].replace(b"\0", b"")[:2] != b"</":
            raise ValueError("its rdf:RDF is empty; delete the file to have it rewritten")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._open[-1:] == [f"{RDF} RDF"] and name == f"{RDF} Description":
            self.about = self.about or attributes.get(f"{RDF} about", "")
            self.properties |= {_split(attribute) for attribute in attributes}
        elif self._open[-2:] == [f"{RDF} RDF", f"{RDF} Description"]:
            self.properties.add(_split(name))
        self._open.append(name)

    def _end(self, name: str) -> None:
        self._open.pop()
        if name == f"{RDF} RDF":
            self._ends.append(self._parser.CurrentByteIndex)

    def _refuse(self, *declared: object) -> None:
        raise ValueError("it has a document type, which XMP does not allow")


def _split(name: str) -> tuple[str, str]:
    namespace, _, local = name.rpartition(" ")
    return namespace, local


def _description(values: Mapping[Property, str], about: str, carriage_returns: bool) -> str:
    """Return an ``rdf:Description`` in ASCII, to insert before the end tag of ``rdf:RDF``."""
    spaces = "".join(f'\n    xmlns:{prefix}="{namespace}"' for prefix, namespace, _ in values)
    properties = "".join(
        f"   <{prefix}:{name}>\n    <rdf:Alt>\n"
        f'     <rdf:li xml:lang="x-default">{escape(value, quote=False)}</rdf:li>\n'
        f"    </rdf:Alt>\n   </{prefix}:{name}>\n"
        for (prefix, _, name), value in values.items()
    )
    subject = escape(about).replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    text = f' <rdf:Description xmlns:rdf="{RDF}" rdf:about="{subject}"{spaces}>\n{properties}  </rdf:Description>\n '
    text = text.encode("ascii", "xmlcharrefreplace").decode()
    return text.replace("\n", "\r\n") if carriage_returns else text


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError("it is not a file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"it has more than {LARGEST // 2**20} MiB")
    return path.read_bytes()
