"""Read Flickr30k Entities (Plummer et al. 2015): phrases of photos' sentences and their boxes.

The official layout: folders ``Annotations`` (``ID.xml``) and ``Sentences`` (``ID.txt``), or tar archives with these
names, and optionally ``train.txt``, ``val.txt`` and ``test.txt`` with one ID per line. The photos are those of
Flickr30k (``ID.jpg``) or of Flickr8k, whose names begin with the ID (``ID_SECRET.jpg``), in any size: the boxes are in
pixels of the annotated photo, whose size is in the XML, and are scaled to the photo's file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from seetell.data.archive import find_files, small_files
from seetell.data.assembly import Entry, assemble
from seetell.data.entity_markup import Annotation, parse_annotation, parse_sentences
from seetell.data.entity_records import EntityDataset, EntityPhoto, Sentence
from seetell.data.flickr import listed_splits
from seetell.data.photo_folders import PhotoFolders, near_folders
from seetell.data.records import CaptionDataset, PhotoRecord, Problem
from seetell.data.source import Source
from seetell.errors import DataError, PhotoError
from seetell.geometry.boxes import Box
from seetell.photos import photo_size

TITLE = "Flickr30k Entities"

_FOLDERS = {"Annotations": ".xml", "Sentences": ".txt"}


@dataclass(frozen=True)
class _Files:
    """The content of the files by photo ID, and their problems."""

    sentences: dict[str, tuple[Sentence, ...]]
    annotations: dict[str, Annotation]
    problems: list[Problem]


def matches(folder: Path) -> bool:
    """Return whether a folder has annotations and sentences."""
    return all(find_files(folder, name) is not None for name in _FOLDERS)


def read_entities(path: str | Path, dataset: CaptionDataset, *, require_photos: bool = True) -> EntityDataset:
    """Read phrases and boxes for the photos of a data set of captions.

    Only the headers of the photo files are read.

    Args:
        path: the folder with ``Annotations`` and ``Sentences``.
        dataset: the photos, their files and splits, from ``read`` of Flickr8k, Flickr30k or the same folder. A photo's
            ID is its file's name up to the first ``_`` or the ending.
        require_photos: skip photos whose file is missing; ``False`` uses the size in the XML.

    Returns:
        The photos that have annotations; the others are reported as problems.

    Raises:
        DataError: the folder has no annotations or sentences, an archive cannot be read, or no photo is left.
    """
    path = Path(path)
    files = _read_files(path)
    problems = files.problems
    photos: list[EntityPhoto] = []
    for photo in dataset.photos:
        number = _id_of(photo.path.name)
        if number not in files.sentences or number not in files.annotations:
            message = f"{number}: has no sentences and boxes in {path}; skipped"
            problems.append(Problem("missing-annotation", str(photo.path), message))
            continue
        annotation = files.annotations[number]
        try:
            absent = not require_photos and not photo.path.exists()
            size = annotation.size if absent else photo_size(photo.path)
        except PhotoError as error:
            problems.append(Problem("unreadable-photo", str(photo.path), str(error)))
            continue
        photos.append(_with_scaled_boxes(photo, size, files.sentences[number], annotation))
    if not photos:
        raise DataError(
            f"{path}: read as {TITLE}, but of the {len(dataset.photos)} photos of {dataset.source} none has sentences "
            "and boxes in it; give the data set whose files are named ID.jpg or ID_….jpg"
        )
    return EntityDataset("flickr30k-entities", path, tuple(photos), tuple(problems), dataset.notes, format=TITLE)


def read(source: Source) -> CaptionDataset:
    """Read the sentences as captions, with the problems of phrases and boxes, and their counts in the notes.

    Raises:
        DataError: there are no annotations or sentences, an archive cannot be read, or no usable photo is left.
    """
    files = _read_files(source.folder)
    problems = files.problems
    folders = PhotoFolders(near_folders(source.folder, source.photos))
    names = _photo_names(folders, problems)
    file_of = {number: names.get(number, f"{number}.jpg") for number in files.sentences}
    written = {way: number for number, file in file_of.items() for way in (number, f"{number}.jpg", file)}
    splits = listed_splits((source.folder,), written, problems)
    entries = [
        Entry(
            number, file_of[number], tuple(sentence.text for sentence in sentences), splits.get(number), f"{number}.txt"
        )
        for number, sentences in files.sentences.items()
    ]
    return assemble(
        source, entries, problems, folders, name="flickr30k-entities", format_name=TITLE, notes=[_counts(files)]
    )


def _read_files(folder: Path) -> _Files:
    """Parse all files, and report photos that are in only one of the folders."""
    problems: list[Problem] = []
    sentences: dict[str, tuple[Sentence, ...]] = {}
    annotations: dict[str, Annotation] = {}
    for number, raw in small_files(_find(folder, "Annotations"), ".xml", problems):
        annotation, wrong = parse_annotation(raw, f"{number}.xml")
        problems += wrong
        if annotation is not None:
            annotations[number] = annotation
    for number, raw in small_files(_find(folder, "Sentences"), ".txt", problems):
        sentences[number], wrong = parse_sentences(raw, f"{number}.txt")
        problems += wrong
    for number, parsed in sentences.items():
        if number in annotations:
            problems += _unmarked(number, parsed, annotations[number])
        else:
            problems.append(Problem("missing-annotation", f"{number}.txt", f"{number}: has sentences but no boxes"))
    problems += [
        Problem("missing-annotation", f"{number}.xml", f"{number}: has boxes but no sentences")
        for number in annotations
        if number not in sentences
    ]
    return _Files(sentences, annotations, problems)


def _find(folder: Path, name: str) -> Path:
    found = find_files(folder, name)
    if found is None:
        raise DataError(
            f"{folder}: expected {TITLE}, the folders or .tar.gz archives {' and '.join(_FOLDERS)}, "
            f"but there is no {name}"
        )
    return found


def _unmarked(number: str, sentences: tuple[Sentence, ...], annotation: Annotation) -> list[Problem]:
    """Report the entities of phrases that have neither a box nor a flag."""
    first: dict[str, Sentence] = {}
    for sentence in sentences:
        for phrase in sentence.phrases:
            if phrase.entity is not None:
                first.setdefault(phrase.entity, sentence)
    marked = {name for name, entity in annotation.entities.items() if entity.boxes or entity.scene or entity.nobox}
    return [
        Problem(
            "entity-without-box",
            f"{number}.txt:{sentence.number + 1}",
            f"entity {name} has no box in {number}.xml and is flagged neither scene nor nobndbox; kept without",
        )
        for name, sentence in first.items()
        if name not in marked
    ]


def _with_scaled_boxes(
    photo: PhotoRecord, size: tuple[int, int], sentences: tuple[Sentence, ...], annotation: Annotation
) -> EntityPhoto:
    """Scale the boxes to the photo's file."""

    def scaled(box: Box) -> Box:
        sides = zip(box, size * 2, annotation.size * 2, strict=True)
        x0, y0, x1, y1 = (edge * side / stated for edge, side, stated in sides)
        return x0, y0, x1, y1

    entities = {
        name: replace(entity, boxes=tuple(map(scaled, entity.boxes))) for name, entity in annotation.entities.items()
    }
    return EntityPhoto(photo, size, annotation.size, sentences, entities)


def _id_of(file: str) -> str:
    return file.partition(".")[0].partition("_")[0]


def _photo_names(folders: PhotoFolders, problems: list[Problem]) -> dict[str, str]:
    """Map each ID to the photo whose name is the ID or begins with it."""
    names: dict[str, str] = {}
    for folder in folders.folders:
        for file in folders.names(folder):
            number = _id_of(file)
            first = names.setdefault(number, file)
            if first != file:
                message = f"{file}: begins with the ID {number} like {first}, which was kept"
                problems.append(Problem("duplicate-photo", str(folder / file), message))
    return names


def _counts(files: _Files) -> str:
    phrases = [
        phrase for sentences in files.sentences.values() for sentence in sentences for phrase in sentence.phrases
    ]
    entities = [entity for annotation in files.annotations.values() for entity in annotation.entities.values()]
    boxes = sum(len(entity.boxes) for entity in entities)
    framed = sum(1 for entity in entities if entity.boxes)
    scenes = sum(1 for entity in entities if entity.scene)
    return (
        f"{len(phrases):,} phrases of {len(entities):,} entities; {framed:,} entities have {boxes:,} boxes, "
        f"{scenes:,} are flagged as the scene, {sum(1 for entity in entities if entity.nobox):,} as without a box"
    )
