"""Alt text for many pages: find the photos of their images and caption each once, in batches."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from seetell.alttext.addresses import embedded_file, is_data, local_file
from seetell.alttext.alt_text import LONGEST, alt_text
from seetell.alttext.missing_alt import DescribedImage, MissingAlt
from seetell.alttext.page import Page
from seetell.errors import PhotoError, SeetellError
from seetell.photos.opening import photo_size
from seetell.results import Caption

SMALLEST = 32
"""Pixels of a photo's shorter side; smaller images are bullets, spacers or icons, which a captioner cannot describe."""

DRAWINGS = (".svg", ".svgz")
"""Endings of drawings, of which only their own text can be known."""

NONE_KNOWN: Mapping[str, Caption] = {}

CaptionMany = Callable[[Iterator[Path]], Iterator["Caption | PhotoError"]]


@dataclass(frozen=True)
class Image:
    """An image without alt text, and its outcome.

    Attributes:
        missing: its position in the page.
        address: its address in the page.
        photo: the file, if it is to be captioned.
        skip_reason: ``template``, ``no address``, ``elsewhere``, ``embedded``, ``svg``, ``small``, ``rejected`` or
            ``withheld`` if it is skipped.
        error: why it cannot be captioned, if it cannot.
        withheld: why it is left to a person, if its caption is withheld.
        caption: its caption.
        alt: the alt text to insert, if any; empty where it is declared to be decoration.
    """

    missing: MissingAlt
    address: str
    photo: Path | None = None
    skip_reason: str = ""
    error: str = ""
    withheld: str = ""
    caption: Caption | None = None
    alt: str | None = None


@dataclass(frozen=True)
class Filled:
    """A page whose images were captioned.

    Attributes:
        name: the page's name as given by the user.
        page: the page, or the error if it could not be read.
        images: its images without alt text, in order.
        known: real paths of the photos on the page whose captions were known.
    """

    name: str
    page: Page | SeetellError
    images: tuple[Image, ...] = ()
    known: frozenset[str] = frozenset()

    @property
    def alts(self) -> dict[MissingAlt, str]:
        """The alt texts to insert."""
        return {image.missing: image.alt for image in self.images if image.alt is not None}


def fill(
    pages: Iterable[tuple[str, Path | None]],
    caption_many: CaptionMany,
    known: Mapping[str, Caption] = NONE_KNOWN,
    *,
    empty_alt: bool = False,
) -> Iterator[Filled]:
    """Generate alt texts for pages; pages are read ahead only as far as photos are.

    Args:
        pages: path of each, and the folder that a leading ``/`` in its addresses stands for, if known.
        caption_many: captions photos, in order.
        known: captions by the real paths of photos that need not be captioned; these are never cut short. One without
            text is a veto: the photo gets no alt text.
        empty_alt: whether it gets an empty one instead, where the page can hold that.

    Yields:
        Each page, in order.
    """
    pending: deque[Filled] = deque()
    requested: deque[Path] = deque()
    captions: dict[Path, Caption | PhotoError | None] = {}

    def photos() -> Iterator[Path]:
        for name, root in pages:
            pending.append(_read(name, root, known))
            for image in pending[-1].images:
                if image.photo is None or image.photo in captions:
                    continue
                captions[image.photo] = known.get(os.path.realpath(image.photo))
                if captions[image.photo] is None:
                    requested.append(image.photo)
                    yield image.photo

    for result in caption_many(photos()):
        captions[requested.popleft()] = result
        while pending and all(image.photo is None or captions.get(image.photo) for image in pending[0].images):
            yield _described(pending.popleft(), captions, known, empty_alt)
    while pending:
        yield _described(pending.popleft(), captions, known, empty_alt)


def _read(name: str, root: Path | None, known: Mapping[str, Caption]) -> Filled:
    try:
        page = Page.read(name)
    except SeetellError as error:
        return Filled(name, error)
    images = page.findings.images if known else ()
    shown = frozenset(path for image in images for path in _real_paths(image, page, root))
    missing = tuple(_image(image, page, root) for image in page.findings.missing)
    return Filled(name, page, missing, shown & known.keys())


def _real_paths(image: MissingAlt | DescribedImage, page: Page, root: Path | None) -> Iterator[str]:
    for address in image.addresses:
        try:
            file = _file(image, address, page, root)
        except PhotoError:
            continue
        if file is not None:
            yield os.path.realpath(file)


def _file(image: MissingAlt | DescribedImage, address: str, page: Page, root: Path | None) -> Path | None:
    """Return the file at an address, ``None`` if it is no local one; raise a ``PhotoError`` if it names none."""
    folder = page.path.parent
    if image.embedded:
        return embedded_file(address, folder=folder, root=root)
    return local_file(address, folder=folder, root=root, base=page.findings.base)


def _image(missing: MissingAlt, page: Page, root: Path | None) -> Image:
    """Choose the first of an image's addresses that is a photo."""
    first = next(iter(missing.addresses), "")
    if missing.templated or not missing.addresses:
        return Image(missing, first, skip_reason="template" if missing.templated else "no address")
    if missing.twin_alt is not None:
        return Image(missing, first, alt=missing.twin_alt)
    tried = []
    for address in missing.addresses:
        try:
            photo = _file(missing, address, page, root)
            if photo is None:
                tried.append(Image(missing, address, skip_reason="embedded" if is_data(address) else "elsewhere"))
            elif photo.suffix.lower() in DRAWINGS:
                tried.append(Image(missing, address, skip_reason="svg"))
            elif min(photo_size(photo)) < SMALLEST:
                tried.append(Image(missing, address, skip_reason="small"))
            else:
                return Image(missing, address, photo=photo)
        except PhotoError as error:
            tried.append(Image(missing, address, error=str(error).removeprefix(f"{address}: ")))
    return next((image for image in tried if image.error), tried[0])


def _described(
    filled: Filled,
    captions: Mapping[Path, Caption | PhotoError | None],
    known: Mapping[str, Caption],
    empty_alt: bool,
) -> Filled:
    def with_alt(image: Image) -> Image:
        caption = None if image.photo is None else captions[image.photo]
        if caption is None:
            return image
        if isinstance(caption, PhotoError):
            return replace(image, error=str(caption))
        if caption.reason:
            return replace(image, skip_reason="withheld", withheld=caption.reason)
        by_hand = known.get(os.path.realpath(image.photo or "")) is caption
        if by_hand and not caption.text:
            accepted = empty_alt and image.missing.takes_empty
            return replace(image, alt="") if accepted else replace(image, skip_reason="rejected")
        alt = alt_text(caption.text, longest=None if by_hand else LONGEST)
        return replace(image, caption=caption, alt=alt or None, error="" if alt else "its caption has no words")

    return replace(filled, images=tuple(map(with_alt, filled.images)))
