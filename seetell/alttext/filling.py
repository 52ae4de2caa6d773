"""Alt text for many pages: find the photos of their images and caption each once, in batches."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from seetell.alttext.addresses import is_data, local_file
from seetell.alttext.alt_text import LONGEST, alt_text
from seetell.alttext.missing_alt import MissingAlt
from seetell.alttext.page import Page
from seetell.errors import PhotoError, SeetellError
from seetell.photos.opening import photo_size
from seetell.results import Caption

SMALLEST = 32
"""Pixels of a photo's shorter side; smaller images are bullets, spacers or icons, which a captioner cannot describe."""

NONE_KNOWN: Mapping[str, Caption] = {}

CaptionMany = Callable[[Iterator[Path]], Iterator["Caption | PhotoError"]]


@dataclass(frozen=True)
class Image:
    """An image without alt text, and its outcome.

    Attributes:
        missing: its position in the page.
        address: its address in the page.
        photo: the file, if it is to be captioned.
        skip_reason: ``template``, ``no address``, ``elsewhere``, ``embedded`` or ``small`` if it is skipped.
        error: why it cannot be captioned, if it cannot.
        caption: its caption.
        alt: the alt text made from it.
    """

    missing: MissingAlt
    address: str
    photo: Path | None = None
    skip_reason: str = ""
    error: str = ""
    caption: Caption | None = None
    alt: str = ""


@dataclass(frozen=True)
class Filled:
    """A page whose images were captioned.

    Attributes:
        name: the page's name as given by the user.
        page: the page, or the error if it could not be read.
        images: its images without alt text, in order.
    """

    name: str
    page: Page | SeetellError
    images: tuple[Image, ...] = ()

    @property
    def alts(self) -> dict[MissingAlt, str]:
        """The alt texts to insert."""
        return {image.missing: image.alt for image in self.images if image.alt}


def fill(
    pages: Iterable[tuple[str, Path | None]], caption_many: CaptionMany, known: Mapping[str, Caption] = NONE_KNOWN
) -> Iterator[Filled]:
    """Generate alt texts for pages; pages are read ahead only as far as photos are.

    Args:
        pages: path of each, and the folder that a leading ``/`` in its addresses stands for, if known.
        caption_many: captions photos, in order.
        known: captions by the real paths of photos that need not be captioned; these are never cut short.

    Yields:
        Each page, in order.
    """
    pending: deque[Filled] = deque()
    requested: deque[Path] = deque()
    captions: dict[Path, Caption | PhotoError | None] = {}

    def photos() -> Iterator[Path]:
        for name, root in pages:
            pending.append(_read(name, root))
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
            yield _described(pending.popleft(), captions, known)
    while pending:
        yield _described(pending.popleft(), captions, known)


def _read(name: str, root: Path | None) -> Filled:
    try:
        page = Page.read(name)
    except SeetellError as error:
        return Filled(name, error)
    return Filled(name, page, tuple(_image(missing, page, root) for missing in page.findings.missing))


def _image(missing: MissingAlt, page: Page, root: Path | None) -> Image:
    """Choose the first of an image's addresses that is a photo."""
    if missing.templated or not missing.addresses:
        return Image(
            missing, next(iter(missing.addresses), ""), skip_reason="template" if missing.templated else "no address"
        )
    tried = []
    for address in missing.addresses:
        try:
            photo = local_file(address, folder=page.path.parent, root=root, base=page.findings.base)
            if photo is None:
                tried.append(Image(missing, address, skip_reason="embedded" if is_data(address) else "elsewhere"))
            elif min(photo_size(photo)) < SMALLEST:
                tried.append(Image(missing, address, skip_reason="small"))
            else:
                return Image(missing, address, photo=photo)
        except PhotoError as error:
            tried.append(Image(missing, address, error=str(error).removeprefix(f"{address}: ")))
    return next((image for image in tried if image.error), tried[0])


def _described(
    filled: Filled, captions: Mapping[Path, Caption | PhotoError | None], known: Mapping[str, Caption]
) -> Filled:
    def with_alt(image: Image) -> Image:
        caption = None if image.photo is None else captions[image.photo]
        if caption is None:
            return image
        if isinstance(caption, PhotoError):
            return replace(image, error=str(caption))
        by_hand = known.get(os.path.realpath(image.photo or "")) is caption
        alt = alt_text(caption.text, longest=None if by_hand else LONGEST)
        return replace(image, caption=caption, alt=alt, error="" if alt else "the model generated no words")

    return Filled(filled.name, filled.page, tuple(map(with_alt, filled.images)))
