"""Read Karpathy's split JSON, such as ``dataset_flickr8k.json`` or ``dataset_coco.json``.

The document is ``{"dataset": name, "images": [{"filename", "filepath"?, "split", "sentences": [{"raw", "tokens"}],
"cocoid"? , "imgid"?}]}``. The split ``restval`` joins ``train``.
"""

from __future__ import annotations

from typing import Any

from seetell.data.assembly import Entry, assemble
from seetell.data.json_fields import described, dicts_in, id_of, text_of
from seetell.data.photo_folders import PhotoFolders, near_folders
from seetell.data.records import CaptionDataset, Problem
from seetell.data.source import Source
from seetell.data.splits import stated_split
from seetell.errors import DataError

TITLE = "Karpathy split JSON"


def matches(document: Any) -> bool:
    """Return whether a parsed document has this format."""
    return any("sentences" in image for image in dicts_in(document, "images")[:5])


def read(source: Source) -> CaptionDataset:
    """Read the JSON file.

    Raises:
        DataError: the document has no images with sentences.
    """
    if not matches(source.document):
        raise DataError(
            f"{source.path}: expected a {TITLE}, an object with 'images' that have 'sentences', "
            f"but it is {described(source.document)}; check that this is the intended file"
        )
    folders = PhotoFolders(near_folders(source.folder, source.photos))
    problems: list[Problem] = []
    entries = []
    for index, image in enumerate(source.document["images"]):
        where = f"images[{index}]"
        filename = text_of(image, "filename", "file_name")
        if filename is None:
            problems.append(Problem("malformed", where, "expected an object with a 'filename'; skipped"))
            continue
        photo_id = id_of(image, "cocoid", "imgid")
        entries.append(
            Entry(
                id=filename if photo_id is None else photo_id,
                file=_file(filename, text_of(image, "filepath"), folders),
                captions=_captions(image, where, problems),
                split=stated_split(image, where, problems),
                where=where,
            )
        )
    name = text_of(source.document, "dataset") or source.path.stem
    return assemble(source, entries, problems, folders, name=name, format_name=TITLE)


def _file(filename: str, filepath: str | None, folders: PhotoFolders) -> str:
    """Return the photo's path with its folder if it is there, else its name."""
    joined = f"{filepath}/{filename}" if filepath else filename
    return joined if folders.find(joined) is not None else filename


def _captions(image: dict[str, Any], where: str, problems: list[Problem]) -> tuple[str, ...]:
    sentences = image.get("sentences")
    captions = []
    for number, sentence in enumerate(sentences if isinstance(sentences, list) else [], 1):
        raw = sentence.get("raw") if isinstance(sentence, dict) else None
        tokens = sentence.get("tokens") if isinstance(sentence, dict) else None
        if isinstance(raw, str):
            captions.append(raw)
        elif isinstance(tokens, list):
            captions.append(" ".join(str(token) for token in tokens))
        else:
            message = f"sentence {number}: expected an object with 'raw' or 'tokens'; skipped"
            problems.append(Problem("malformed", where, message))
    return tuple(captions)
