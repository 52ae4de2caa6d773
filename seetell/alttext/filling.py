"""Alt text for many pages: which photos their images are, captioned in batches, each once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from seetell.alttext.addresses import is_data, local_file
from seetell.alttext.alt_text import LONGEST, alt_text
from seetell.alttext.missing_alt import Gap
from seetell.alttext.page import Page
from seetell.errors import PhotoError, SeetellError
from seetell.photos.opening import photo_size
from seetell.results import Caption

SMALLEST = 32
"""Pixels of a photo's shorter side; what is smaller is a bullet, a spacer or an icon, which a captioner cannot name."""

NONE_KNOWN: Mapping[str, Caption] = {}

CaptionMany = Callable[[Iterator[Path]], Iterator["Caption | PhotoError"]]


@dataclass(frozen=True)
class Image:
    """An image without alt text, and what becomes of it.

    Attributes:
        gap: where it is in its page.
        address: where it lies, as the page says.
        photo: the file, if it is to be described.
        left: otherwise, why it is left alone: ``template``, ``no address``, ``elsewhere``, ``embedded`` or ``small``.
        error: otherwise, why it cannot be described.
        caption: what was said of it.
        alt: the alt text that comes of that.
    """

    gap: Gap
    address: str
    photo: Path | None = None
    left: str = ""
    error: str = ""
    caption: Caption | None = None
    alt: str = ""


@dataclass(frozen=True)
class Filled:
    """A page whose images were captioned.

    Attributes:
        name: of the page, as the user named it.
        page: the page, or why it could not be read.
        images: those without alt text, in their order.
    """

    name: str
    page: Page | SeetellError
    images: tuple[Image, ...] = ()

    @property
    def alts(self) -> dict[Gap, str]:
        """The alt texts to insert."""
        return {image.gap: image.alt for image in self.images if image.alt}


def fill(
    pages: Iterable[tuple[str, Path | None]], caption_many: CaptionMany, known: Mapping[str, Caption] = NONE_KNOWN
) -> Iterator[Filled]:
    """Find alt texts for pages; no more pages are read ahead than photos are.

    Args:
        pages: path of each, and the folder that a leading ``/`` in its addresses stands for, if that is known.
        caption_many: captions photos, in their order.
        known: captions by the real paths of photos that need not be captioned; none of these is cut short.

    Yields:
        Each page in its order.
    """
    waiting: deque[Filled] = deque()
    asked: deque[Path] = deque()
    said: dict[Path, Caption | PhotoError | None] = {}

    def photos() -> Iterator[Path]:
        for name, root in pages:
            waiting.append(_read(name, root))
            for image in waiting[-1].images:
                if image.photo is None or image.photo in said:
                    continue
                said[image.photo] = known.get(os.path.realpath(image.photo))
                if said[image.photo] is None:
                    asked.append(image.photo)
                    yield image.photo

    for result in caption_many(photos()):
        said[asked.popleft()] = result
        while waiting and all(image.photo is None or said.get(image.photo) for image in waiting[0].images):
            yield _described(waiting.popleft(), said, known)
    while waiting:
        yield _described(waiting.popleft(), said, known)


def _read(name: str, root: Path | None) -> Filled:
    try:
        page = Page.read(name)
    except SeetellError as error:
        return Filled(name, error)
    return Filled(name, page, tuple(_image(gap, page, root) for gap in page.findings.gaps))


def _image(gap: Gap, page: Page, root: Path | None) -> Image:
    """Choose among the addresses of an image the first that is a photo."""
    if gap.templated or not gap.addresses:
        return Image(gap, next(iter(gap.addresses), ""), left="template" if gap.templated else "no address")
    tried = []
    for address in gap.addresses:
        try:
            photo = local_file(address, folder=page.path.parent, root=root, base=page.findings.base)
            if photo is None:
                tried.append(Image(gap, address, left="embedded" if is_data(address) else "elsewhere"))
            elif min(photo_size(photo)) < SMALLEST:
                tried.append(Image(gap, address, left="small"))
            else:
                return Image(gap, address, photo=photo)
        except PhotoError as error:
            tried.append(Image(gap, address, error=str(error).removeprefix(f"{address}: ")))
    return next((image for image in tried if image.error), tried[0])


def _described(
    filled: Filled, said: Mapping[Path, Caption | PhotoError | None], known: Mapping[str, Caption]
) -> Filled:
    def with_alt(image: Image) -> Image:
        caption = None if image.photo is None else said[image.photo]
        if caption is None:
            return image
        if isinstance(caption, PhotoError):
            return replace(image, error=str(caption))
        by_hand = known.get(os.path.realpath(image.photo or "")) is caption
        alt = alt_text(caption.text, longest=None if by_hand else LONGEST)
        return replace(image, caption=caption, alt=alt, error="" if alt else "the model found no words")

    return Filled(filled.name, filled.page, tuple(map(with_alt, filled.images)))
