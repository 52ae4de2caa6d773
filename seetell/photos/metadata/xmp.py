"""XMP documents: the properties that one has, and the same document with more of them.

Texts are written as language alternatives of ``x-default`` (ISO 16684-1, section 8.2.2.4), lists as unordered arrays,
those that are missing in an ``rdf:Description`` of their own; no other byte of a document changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from xml.parsers import expat

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_ARRAYS = (f"{RDF} Bag", f"{RDF} Seq")
_LANGUAGE = "http://www.w3.org/XML/1998/namespace lang"

EMPTY = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{RDF}">
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
""".encode()
"""A document without properties."""

Property = tuple[str, str, str]
"""Prefix, namespace and name of a property."""


def with_properties(
    xmp: bytes,
    texts: Mapping[Property, str],
    lists: Mapping[Property, Sequence[str]] | None = None,
    *,
    overwrite: bool = False,
) -> bytes:
    """Add the properties that an XMP document lacks, and the entries that its lists lack.

    Args:
        xmp: the document.
        texts: of properties.
        lists: entries of properties that are arrays; one that differs in capitals only is there. An array without
            entries is made, too, and says that there are none.
        overwrite: whether texts that it has are replaced by these, and stand before those in other languages, which
            stay, and so do entries.

    Returns:
        The document with another ``rdf:Description`` and more entries, or unchanged.

    Raises:
        ValueError: it is not XMP, or not in a form that can be changed.
    """
    lists = lists or {}
    outline = Outline(xmp)
    missing = {wanted: value for wanted, value in texts.items() if wanted[1:] not in outline.properties}
    new = {wanted: list(entries) for wanted, entries in lists.items() if wanted[1:] not in outline.properties}
    changes = []
    if missing or new:
        changes.append((outline.end, outline.end, _description(missing, new, outline.about, b"\r\n" in xmp)))
    for wanted in texts.keys() - missing.keys() if overwrite else ():
        text = _ascii(texts[wanted])
        if wanted[1:] in outline.texts:
            changes.append((*outline.texts[wanted[1:]], text))
        elif wanted[1:] in outline.other_languages:
            place, prefix = outline.other_languages[wanted[1:]]
            changes.append((place, place, f'<{prefix}li xml:lang="x-default">{text}</{prefix}li>'))
        else:
            raise ValueError(f"its {wanted[2]} has no text that could be overwritten; delete it there")
    for wanted in lists.keys() - new.keys():
        there = {entry.lower() for entry in outline.entries(wanted)}
        more = [entry for entry in lists[wanted] if entry.lower() not in there]
        if not more:
            continue
        if wanted[1:] not in outline.list_ends:
            raise ValueError(f"its {wanted[2]} is no list that could be added to; delete it there")
        end, prefix = outline.list_ends[wanted[1:]]
        changes.append((end, end, "".join(f"<{prefix}li>{_ascii(entry)}</{prefix}li>" for entry in more)))
    changed = xmp
    for start, end, text in sorted(changes, reverse=True):
        changed = changed[:start] + text.encode(outline.encoding) + changed[end:]
    if changed != xmp and not {wanted[1:] for wanted in (*texts, *lists)} <= Outline(changed).properties.keys():
        raise ValueError("its XML cannot be changed")
    return changed


class Outline:
    """The outline of an XMP document.

    Args:
        xmp: the document.

    Attributes:
        properties: its properties by their namespaces and names: the text, empty where it is a list or a structure.
        texts: spans in bytes of the texts of ``x-default`` in language alternatives.
        other_languages: of language alternatives without ``x-default``, the offset in bytes of the first, and the
            prefix of its name with a colon.
        list_ends: of arrays, the offset in bytes of their end tags, and the prefix of its name with a colon.
        about: the resource that they describe, mostly empty.
        end: offset in bytes of the end tag of ``rdf:RDF``.
        encoding: encoding for text inserted there.

    Raises:
        ValueError: it is not XMP, or not in a form that can be changed.
    """

    def __init__(self, xmp: bytes) -> None:
        self.properties: dict[tuple[str, str], str] = {}
        self.texts: dict[tuple[str, str], tuple[int, int]] = {}
        self.other_languages: dict[tuple[str, str], tuple[int, str]] = {}
        self.list_ends: dict[tuple[str, str], tuple[int, str]] = {}
        self._simple: dict[tuple[str, str], list[str]] = {}  # pieces of texts, which the parser gives line by line
        self._defaults: dict[tuple[str, str], list[str]] = {}
        self._entries: dict[tuple[str, str], list[list[str]]] = {}
        self.about = ""
        self.encoding = "ascii"
        self._ends: list[int] = []
        self._open: list[str] = []
        self._property: tuple[str, str] | None = None  # that the parser is in, and how deep it stands
        self._depth = 0
        self._default: int | None = None  # where the text of the open x-default begins, -1 until that is known
        for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
            if xmp.startswith(mark):
                self.encoding = encoding
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        self._parser, self._xmp = parser, xmp
        try:
            parser.Parse(xmp, True)
        except expat.ExpatError as error:
            raise ValueError(f"it is not XML ({error})") from error
        self.properties |= {name: "".join(pieces) for name, pieces in self._simple.items()}
        if not self._ends:
            raise ValueError("it has no rdf:RDF, as XMP has")
        self.end = self._ends[0]
        if _end_tag(xmp, self.end, b"RDF") is None:
            raise ValueError("its rdf:RDF is empty, and cannot be added to")
        self.other_languages = {name: at for name, at in self.other_languages.items() if name not in self.texts}
        self.texts = {name: span for name, span in self.texts.items() if _end_tag(xmp, span[1], b"li") is not None}

    def default_text(self, wanted: Property) -> str:
        """Return the text of a property, of ``x-default`` where it has several; empty if there is none."""
        return "".join(self._defaults.get(wanted[1:], ())) or self.properties.get(wanted[1:], "")

    def entries(self, wanted: Property) -> list[str]:
        """Return the entries of an array; a property with a simple text is an array of one."""
        text = self.properties.get(wanted[1:], "")
        return ["".join(pieces) for pieces in self._entries.get(wanted[1:], [[text]] if text else [])]

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._open[-1:] == [f"{RDF} RDF"] and name == f"{RDF} Description":
            self.about = self.about or attributes.get(f"{RDF} about", "")
            self.properties |= {_split(attribute): value for attribute, value in attributes.items()}
        elif self._open[-2:] == [f"{RDF} RDF", f"{RDF} Description"]:
            self._property, self._depth = _split(name), len(self._open)
            self._simple[self._property] = []
        elif self._property is not None and name == f"{RDF} li" and self._open[-1] == f"{RDF} Alt":
            is_alternative = len(self._open) == self._depth + 2
            is_default = attributes.get(_LANGUAGE) == "x-default" and is_alternative
            self._default = -1 if is_default else None
            if is_alternative:
                place = self._parser.CurrentByteIndex
                self.other_languages.setdefault(self._property, (place, _prefix(self._xmp, place)))
        elif self._property is not None and self._is_entry(name):
            self._entries.setdefault(self._property, []).append([])
        self._open.append(name)

    def _text(self, text: str) -> None:
        if self._default == -1:
            self._default = self._parser.CurrentByteIndex
        if self._default is not None and self._property is not None and self._property not in self.texts:
            self._defaults.setdefault(self._property, []).append(text)
        if self._property is not None and len(self._open) == self._depth + 1:
            self._simple[self._property].append(text.strip())
        elif self._property is not None and self._open[-1] == f"{RDF} li" and self._property in self._entries:
            self._entries[self._property][-1].append(text)

    def _end(self, name: str) -> None:
        self._open.pop()
        if name == f"{RDF} RDF":
            self._ends.append(self._parser.CurrentByteIndex)
        if self._property is not None and self._default is not None and name == f"{RDF} li":
            end = self._parser.CurrentByteIndex
            self.texts.setdefault(self._property, (end if self._default == -1 else self._default, end))
            self._default = None
        if self._property is not None and name in _ARRAYS and len(self._open) == self._depth + 1:
            prefix = _end_tag(self._xmp, self._parser.CurrentByteIndex, name.rpartition(" ")[2].encode())
            if prefix is not None:
                self.list_ends[self._property] = self._parser.CurrentByteIndex, prefix
        if self._property is not None and len(self._open) == self._depth:
            self._property = None

    def _is_entry(self, name: str) -> bool:
        """Return whether an element that begins is an entry of the property's array."""
        return name == f"{RDF} li" and self._open[-1] in _ARRAYS and len(self._open) == self._depth + 2

    def _refuse(self, *declared: object) -> None:
        raise ValueError("it has a document type, which XMP does not allow")


def _end_tag(xmp: bytes, offset: int, name: bytes) -> str | None:
    """Return the prefix of the end tag at an offset, with its colon; ``None`` if none is there, as in ``<rdf:li/>``."""
    tag = re.match(rb"</([^\s>]*:)?%s\s*>" % name, xmp[offset : offset + 256].replace(b"\0", b""))
    return None if tag is None else (tag[1] or b"").decode()


def _prefix(xmp: bytes, offset: int) -> str:
    """Return the prefix of the start tag of an ``rdf:li`` at an offset, with its colon; empty if it has none."""
    tag = re.match(rb"<([^\s>/]*:)?li", xmp[offset : offset + 256].replace(b"\0", b""))
    return "" if tag is None else (tag[1] or b"").decode()


def _split(name: str) -> tuple[str, str]:
    namespace, _, local = name.rpartition(" ")
    return namespace, local


def _description(
    texts: Mapping[Property, str], lists: Mapping[Property, Sequence[str]], about: str, carriage_returns: bool
) -> str:
    """Return an ``rdf:Description`` in ASCII, to insert before the end tag of ``rdf:RDF``."""
    spaces = "".join(f'\n    xmlns:{prefix}="{space}"' for prefix, space in {each[:2]: 0 for each in (*texts, *lists)})
    properties = "".join(
        f"   <{prefix}:{name}>\n    <rdf:Alt>\n"
        f'     <rdf:li xml:lang="x-default">{_ascii(value)}</rdf:li>\n'
        f"    </rdf:Alt>\n   </{prefix}:{name}>\n"
        for (prefix, _, name), value in texts.items()
    )
    for (prefix, _, name), entries in lists.items():
        items = "".join(f"     <rdf:li>{_ascii(entry)}</rdf:li>\n" for entry in entries)
        properties += f"   <{prefix}:{name}>\n    <rdf:Bag>\n{items}    </rdf:Bag>\n   </{prefix}:{name}>\n"
    subject = _ascii(about).replace('"', "&quot;").replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    text = f' <rdf:Description xmlns:rdf="{RDF}" rdf:about="{subject}"{spaces}>\n{properties}  </rdf:Description>\n '
    return text.replace("\n", "\r\n") if carriage_returns else text


def _ascii(text: str) -> str:
    """Return text as XML in ASCII."""
    return escape(text, quote=False).encode("ascii", "xmlcharrefreplace").decode()
