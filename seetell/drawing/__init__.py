"""Draw results of any shape: as pictures, and as web pages that need no other file."""

from __future__ import annotations

from PIL import Image

from seetell.drawing.attention import attention_page, attention_picture
from seetell.drawing.boxes import boxes_page, boxes_picture
from seetell.drawing.explanations import explanations_page, explanations_picture
from seetell.drawing.label_chart import label_chart, label_page
from seetell.drawing.masks import masks_page, masks_picture
from seetell.errors import UsageError
from seetell.geometry.boxes import Box
from seetell.results import Alignment, Caption, Explanations, Labels, Masks, Regions

__all__ = ["page", "picture"]


def picture(image: Image.Image, result: object, *, visible_box: Box | None = None) -> Image.Image:
    """Draw a result as a picture.

    Args:
        image: RGB, upright, of any scale.
        result: a caption with attention, regions, an alignment, labels, masks or explanations.
        visible_box: the part of the image that attention maps lie over, in pixels of ``image``; all of it when absent.

    Returns:
        RGB.

    Raises:
        UsageError: the result cannot be drawn.
    """
    if isinstance(result, Caption):
        return attention_picture(image, _attended(result), visible_box=visible_box or _whole(image))
    if isinstance(result, (Regions, Alignment)):
        return boxes_picture(image, result)
    if isinstance(result, Labels):
        return label_chart(image, result)
    if isinstance(result, Masks):
        return masks_picture(image, result)
    if isinstance(result, Explanations):
        return explanations_picture(image, result)
    raise _cannot_draw(result)


def page(image: Image.Image, result: object, *, name: str, visible_box: Box | None = None) -> str:
    """Draw a result as a web page.

    Args:
        image: see :func:`picture`.
        result: see :func:`picture`.
        name: the image's name, to be shown.
        visible_box: see :func:`picture`.

    Returns:
        HTML that needs no other file.

    Raises:
        UsageError: the result cannot be drawn.
    """
    if isinstance(result, Caption):
        return attention_page(image, _attended(result), visible_box=visible_box or _whole(image), name=name)
    if isinstance(result, (Regions, Alignment)):
        return boxes_page(image, result, name=name)
    if isinstance(result, Labels):
        return label_page(image, result, name=name)
    if isinstance(result, Masks):
        return masks_page(image, result, name=name)
    if isinstance(result, Explanations):
        return explanations_page(image, result, name=name)
    raise _cannot_draw(result)


def _attended(caption: Caption) -> Caption:
    if any(word.attention is None for word in caption.words):
        raise UsageError("a caption is drawn by its attention maps, and this one has none; predict with attention=True")
    return caption


def _whole(image: Image.Image) -> Box:
    return 0.0, 0.0, float(image.width), float(image.height)


def _cannot_draw(result: object) -> UsageError:
    return UsageError(
        f"expected a caption, regions, an alignment, labels, masks or explanations to draw, got {type(result).__name__}"
    )
