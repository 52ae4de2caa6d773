"""A web page that shows where a captioner attended to for each word, complete in one file."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from seetell.drawing.heat_map import COLOURS, GROUND, colourise, upsample_attention
from seetell.drawing.page_parts import (
    data_uri,
    html_text,
    photo_parts,
    position_in_thirds,
    read_asset,
    render_template,
    signed,
)
from seetell.geometry.boxes import Box
from seetell.results import Caption, Word

MAP_SIDE = 160
"""Longest side of a heat map, in pixels; the browser enlarges it."""

UNIFORM = 0.8
"""Attention whose entropy is that of a uniform distribution over this share of the grid counts as all over it."""


def attention_page(photo: Image.Image, caption: Caption, *, visible_box: Box, name: str) -> str:
    """Return the page of a caption: choosing a word shows its heat map.

    Args:
        photo: RGB.
        caption: its words have attention.
        visible_box: the part of the photo that the attention lies over, in its pixels.
        name: the photo's, to be shown.

    Returns:
        HTML that needs no other file.
    """
    maps, words = [], []
    for word in caption.words:
        assert word.attention is not None
        intensity = upsample_attention(word.attention, visible_box=visible_box, photo=photo.size, side=MAP_SIDE)
        maps.append(f'<img class="place map" src="{data_uri(colourise(intensity), "PNG", optimize=True)}" alt="">')
        words.append(_word(word, _where(word.attention, visible_box, photo.size)))
    return render_template(
        "attention_page.html",
        "page.css",
        title=html_text(f"{caption.text} – {name}"),
        caption=html_text(caption.text),
        name=html_text(name),
        model=html_text(caption.model),
        logprob=signed(caption.logprob),
        **photo_parts(photo),
        ground=str(GROUND),
        colours=", ".join(f"rgb{colour} {stop:.0%}" for stop, colour in COLOURS),
        maps="\n".join(maps),
        words="\n".join(words),
        script=read_asset("page.js"),
    )


def _word(word: Word, where: str) -> str:
    probability = math.exp(word.logprob)
    description = (
        f"“{word.text}”: the model looked {where}; log-probability {signed(word.logprob)}, {probability:.0%} likely"
    )
    return (
        f'<li><button class="word" type="button" aria-pressed="false" data-description="{html_text(description)}"'
        f' style="--probability: {probability:.0%}">{html_text(word.text)}'
        f'<span class="logprob" aria-hidden="true">{signed(word.logprob)}</span></button></li>'
    )


def _where(attention: np.ndarray, visible_box: Box, photo: tuple[int, int]) -> str:
    """Describe the ninth of the photo with the most attention, or that there is none in particular."""
    positive = attention[attention > 0]
    perplexity = math.exp(-float((positive * np.log(positive)).sum()))
    if perplexity > UNIFORM * attention.size:
        return "all over the photo"
    row, column = divmod(int(attention.argmax()), attention.shape[1])
    left, top, right, bottom = visible_box
    x = (left + (column + 0.5) / attention.shape[1] * (right - left)) / photo[0]
    y = (top + (row + 0.5) / attention.shape[0] * (bottom - top)) / photo[1]
    return f"mostly at the {position_in_thirds(x, y)}"
