"""The labels of an image as a horizontal bar chart: a picture, or a web page that is complete in one file.

Where a model says where the object is that the first label is of, its box is drawn on the photo.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

from seetell.drawing.boxes import COLOURS, MIN_WIDTH, numbered_boxes, outline, resized_photo
from seetell.drawing.fonts import choose_font, ellipsise
from seetell.drawing.page_parts import html_text, photo_parts, position_in_thirds, render_template
from seetell.results import Label, Labels

MARGIN, GAP = 20, 12
FONT_SIZE, LINE_HEIGHT, BAR_HEIGHT = 22, 36, 20
TEXT_SHARE = 0.45
"""Of the picture's width, at most, for the labels' texts."""

PAPER, INK, TRACK, BAR = (255, 255, 255), (30, 30, 35), (230, 230, 234), (143, 30, 133)


def label_chart(photo: Image.Image, labels: Labels) -> Image.Image:
    """Draw labels as bars below the photo; see :func:`seetell.drawing.picture`.

    Returns:
        RGB, the photo and below it a line per label: its text, a bar as long as its probability, and that in percent.
    """
    shown = resized_photo(photo)
    if labels.box is not None and labels.size is not None:
        (box,) = numbered_boxes([labels.box], labels.size, shown.size)
        outline(ImageDraw.Draw(shown), box)
    width = max(shown.width, MIN_WIDTH)
    picture = Image.new("RGB", (width, shown.height + 2 * MARGIN + len(labels) * LINE_HEIGHT), PAPER)
    picture.paste(shown, ((width - shown.width) // 2, 0))
    pen = ImageDraw.Draw(picture)
    texts = [choose_font(label.text, FONT_SIZE) for label in labels]
    room = TEXT_SHARE * width
    text_width = min(max((font.getlength(text) for text, font in texts), default=0.0), room)
    _, figures = choose_font("100.0%", FONT_SIZE)
    left = MARGIN + text_width + GAP
    right = width - MARGIN - figures.getlength("100.0%") - GAP
    for rank, (label, (text, font)) in enumerate(zip(labels, texts, strict=True)):
        middle = shown.height + MARGIN + (rank + 0.5) * LINE_HEIGHT
        top, bottom = middle - BAR_HEIGHT / 2, middle + BAR_HEIGHT / 2
        pen.text((MARGIN + text_width, middle), ellipsise(text, font, room), INK, font, anchor="rm")
        pen.rectangle((left, top, right, bottom), TRACK)
        if label.score > 0:
            pen.rectangle((left, top, left + min(label.score, 1.0) * (right - left), bottom), BAR)
        pen.text((width - MARGIN, middle), _percent(label), INK, figures, anchor="rm")
    return picture


def label_page(photo: Image.Image, labels: Labels, *, name: str) -> str:
    """Return a web page of labels, HTML that needs no other file; see :func:`seetell.drawing.page`.

    The bars are decoration, the list reads as text.
    """
    best = labels[0].text if len(labels) else "no label"
    return render_template(
        "label_page.html",
        "page.css",
        "label_page.css",
        title=html_text(f"{best} – {name}"),
        description=html_text(name),
        about=html_text(f"{name} · model {labels.model}"),
        **photo_parts(photo),
        box=_box(labels),
        labels="\n".join(map(_item, labels)),
    )


def _box(labels: Labels) -> str:
    if labels.box is None or labels.size is None:
        return ""
    (left, top, right, bottom), (width, height) = labels.box, labels.size
    where = position_in_thirds((left + right) / 2 / width, (top + bottom) / 2 / height)
    said = f"{labels[0].text}: box {left:.0f}, {top:.0f} to {right:.0f}, {bottom:.0f}, around the {where} of the photo"
    place = f"left: {left / width:.2%}; top: {top / height:.2%}"
    sides = f"width: {(right - left) / width:.2%}; height: {(bottom - top) / height:.2%}"
    style = f"--colour: rgb{COLOURS[0]}; {place}; {sides}"
    return f'<div class="box" role="img" aria-label="{html_text(said)}" style="{style}"></div>'


def _item(label: Label) -> str:
    length = min(max(label.score, 0.0), 1.0)
    return (
        f'<li style="--probability: {length:.2%}"><span dir="auto">{html_text(label.text)}</span>'
        f'<span class="bar" aria-hidden="true"></span><span class="percent">{_percent(label)}</span></li>'
    )


def _percent(label: Label) -> str:
    return f"{100 * label.score:.1f}%"
