"""Pictures that are no photos, made on the spot: blank ones, pages of text, charts, diagrams, icons and screenshots.

``drawn`` makes those that the recogniser is fitted on, by Pillow and matplotlib; ``screenshots`` those that it is
measured on, by a browser (``pip install playwright``, and a Chromium).
"""

from __future__ import annotations

import html
import io
import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Picture = tuple[str, Image.Image]
"""What it is: "nothing", "text" or "charts"; and the picture, RGB."""

TEXT = """
the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one
you were all her she there would their we him been has when who will no more if out so up said what its about than
into them can only other time new some could these two may first then do any like my now over such our man me even
most made after also did many off before must well back through years much where your way down should because long
each just state those people too mr how little good world make very year still see own work men day get here between
both life being under three never know same last another while us might great go come since against right came take
used himself few house use during without again place around small however found part school number report data
system page table total open close save file edit view window help invoice date amount price name address phone
order quantity description section chapter figure
"""
WORDS = re.findall(r"\w+", TEXT)


def drawn(count: int, rng: np.random.Generator, icons: list[Path]) -> Iterator[Picture]:
    """Yield pictures of all kinds, as cameras and sites keep them: resized, some compressed.

    Args:
        count: how many.
        rng: of all choices.
        icons: image files of icons and logos.
    """
    fonts = font_files()
    makers: list[Callable[[], Picture]] = [
        lambda: ("nothing", blank(rng)),
        lambda: ("text", page(rng, fonts)),
        lambda: ("text", page(rng, fonts)),
        lambda: ("charts", chart(rng)),
        lambda: ("charts", diagram(rng, fonts)),
        lambda: ("charts", icon(rng, icons)),
    ]
    for number in range(count):
        kind, picture = makers[number % len(makers)]()
        yield kind, kept(picture, rng)


def kept(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a picture as it is found: at some size, after compression or not."""
    side = int(rng.choice([224, 256, 400, 640, 900]))
    scale = side / max(picture.size)
    if scale < 1:
        picture = picture.resize([max(8, round(length * scale)) for length in picture.size], Image.Resampling.LANCZOS)
    if rng.random() < 0.6:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=int(rng.integers(30, 96)))
        picture = Image.open(file).convert("RGB")
    return picture


def font_files() -> list[Path]:
    """Return the scalable fonts of this machine."""
    return sorted(path for path in Path("/usr/share/fonts").rglob("*.ttf") if "Symbol" not in path.name)


def colour(rng: np.random.Generator, low: int = 0, high: int = 256) -> tuple[int, int, int]:
    """Return a colour, one in two of them grey."""
    if rng.random() < 0.5:
        return (int(rng.integers(low, high)),) * 3
    red, green, blue = rng.integers(low, high, 3).tolist()
    return red, green, blue


def blank(rng: np.random.Generator) -> Image.Image:
    """Make a picture of one colour, of a gradient, or of noise that is hardly seen."""
    size = [int(side) for side in rng.integers(64, 900, 2)]
    if rng.random() < 0.5:
        return Image.new("RGB", size, colour(rng))
    first, second = np.array(colour(rng)), np.array(colour(rng))
    if rng.random() < 0.5:
        second = np.clip(first + rng.integers(-12, 13, 3), 0, 255)
    ramp = np.linspace(0, 1, size[int(rng.integers(2))])
    across = np.broadcast_to(ramp[None, :], (size[1], len(ramp)))
    pixels = first + (second - first) * across[..., None] + rng.normal(0, rng.choice([0, 0, 1]), (*across.shape, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def page(rng: np.random.Generator, fonts: list[Path]) -> Image.Image:
    """Make a page of text: a document, a slide, a chat or a terminal, light or dark."""
    width, height = (int(side) for side in rng.integers(300, 1400, 2))
    dark = rng.random() < 0.3
    paper = colour(rng, 0, 70) if dark else colour(rng, 215, 256)
    ink = colour(rng, 180, 256) if dark else colour(rng, 0, 110)
    picture = Image.new("RGB", (width, height), paper)
    pen = ImageDraw.Draw(picture)
    name = str(rng.choice(fonts))
    size = int(rng.integers(9, max(10, min(width, height) // 6)))
    font = ImageFont.truetype(name, size)
    margin = int(rng.integers(4, max(5, width // 6)))
    if rng.random() < 0.4:  # a title bar or a heading
        bar = int(rng.integers(size, 3 * size))
        pen.rectangle((0, 0, width, bar), fill=colour(rng))
        pen.text((margin, bar // 4), sentence(rng, 4), fill=colour(rng), font=font)
    columns = int(rng.choice([1, 1, 1, 2, 3]))
    room = (width - margin) // columns - margin
    for column in range(columns):
        top = margin + size * 3 if rng.random() < 0.5 else margin
        bottom = max(top + size, int(rng.integers(height // 3, height + 1)))
        left = margin + column * (room + margin)
        while top < bottom:
            line = fitted(rng, font, room)
            pen.text((left, top), line, fill=ink, font=font)
            top += int(size * rng.choice([1.2, 1.2, 1.5, 2.4], p=[0.5, 0.3, 0.15, 0.05]))
    return scanned(picture, rng) if rng.random() < 0.25 else picture


def scanned(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a page as a scanner sees it: a little turned, shaded and noisy."""
    edge = picture.getpixel((picture.width - 1, picture.height - 1))
    turned = picture.rotate(float(rng.normal(0, 1.5)), Image.Resampling.BICUBIC, fillcolor=edge)
    pixels = np.asarray(turned, float)
    shade = 1 - rng.uniform(0, 0.12) * np.linspace(0, 1, pixels.shape[1])[None, :, None]
    noise = rng.normal(0, rng.uniform(0, 4), pixels.shape[:2])[..., None]
    return Image.fromarray(np.clip(pixels * shade + noise, 0, 255).astype(np.uint8))


def sentence(rng: np.random.Generator, length: int) -> str:
    """Return some words."""
    return " ".join(rng.choice(WORDS, length)).capitalize()


def fitted(rng: np.random.Generator, font: ImageFont.FreeTypeFont, room: int) -> str:
    """Return words that fit into a line, sometimes a short one."""
    words = rng.choice(WORDS, 24).tolist()
    if rng.random() < 0.2:
        words = words[: int(rng.integers(1, 8))]
    while len(words) > 1 and font.getlength(" ".join(words)) > room:
        words.pop()
    return " ".join(words)


def chart(rng: np.random.Generator) -> Image.Image:
    """Make a chart by matplotlib: lines, bars, points, a pie, a histogram or a heat map."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    import matplotlib.pyplot as plt

    style = str(rng.choice(["default", "ggplot", "dark_background", "seaborn-v0_8", "bmh", "fivethirtyeight"]))
    with plt.style.context(style):
        figure, axes = plt.subplots(figsize=tuple(rng.uniform(3, 8, 2)), dpi=100)
        kind = int(rng.integers(6))
        values = rng.normal(0, 1, (int(rng.integers(1, 5)), int(rng.integers(5, 60))))
        if kind == 0:
            axes.plot(values.cumsum(axis=1).T)
        elif kind == 1:
            axes.bar(range(values.shape[1]), abs(values[0]))
        elif kind == 2:
            axes.scatter(*rng.normal(0, 1, (2, int(rng.integers(20, 400)))), s=float(rng.uniform(5, 60)))
        elif kind == 3:
            axes.pie(abs(values[0][:6]) + 0.1, labels=rng.choice(WORDS, 6)[: len(values[0][:6])])
        elif kind == 4:
            axes.hist(rng.normal(0, 1, 500), bins=int(rng.integers(8, 40)))
        else:
            axes.imshow(rng.random((int(rng.integers(4, 12)), int(rng.integers(4, 12)))))
        axes.set_title(sentence(rng, 4))
        if rng.random() < 0.5:
            axes.grid(True)
        file = io.BytesIO()
        figure.savefig(file, format="png")
        plt.close(figure)
    return Image.open(file).convert("RGB")


def diagram(rng: np.random.Generator, fonts: list[Path]) -> Image.Image:
    """Make boxes and ovals with names and lines between them, or a simple drawing of shapes."""
    width, height = (int(side) for side in rng.integers(300, 1100, 2))
    picture = Image.new("RGB", (width, height), colour(rng, 200, 256) if rng.random() < 0.8 else colour(rng))
    pen = ImageDraw.Draw(picture)
    font = ImageFont.truetype(str(rng.choice(fonts)), int(rng.integers(10, 32)))
    named = rng.random() < 0.7
    centres = rng.uniform((0, 0), (width, height), (int(rng.integers(3, 14)), 2))
    for here, there in itertools.pairwise(centres):
        pen.line((*here, *there), fill=colour(rng, 0, 160), width=int(rng.integers(1, 6)))
    for x, y in centres:
        across, down = rng.uniform(20, max(width, height) / 6, 2)
        shape = pen.ellipse if rng.random() < 0.4 else pen.rectangle
        box = (x - across, y - down, x + across, y + down)
        shape(box, fill=colour(rng), outline=colour(rng), width=int(rng.integers(1, 5)))
        if named:
            pen.text((x - across / 2, y), str(rng.choice(WORDS)), fill=colour(rng), font=font)
    return picture


def icon(rng: np.random.Generator, files: list[Path]) -> Image.Image:
    """Show an icon on a ground of one colour, larger than it is or among others."""
    side = int(rng.integers(96, 512))
    ground = Image.new("RGB", (side, side), colour(rng, 200, 256) if rng.random() < 0.6 else colour(rng))
    across = int(rng.choice([1, 1, 2, 3]))
    cell = side // across
    for number in range(across**2):
        with Image.open(str(rng.choice(files))) as opened:
            shown = opened.convert("RGBA")
        margin = int(cell * rng.uniform(0, 0.3))
        room = max(cell - 2 * margin, 8)
        shown = shown.resize((room, room), Image.Resampling.LANCZOS)
        place = (number % across * cell + margin, number // across * cell + margin)
        ground.paste(shown, place, shown)
    return ground


def screenshots(pages: list[Path], chromium: str, rng: np.random.Generator) -> Iterator[Picture]:
    """Yield screenshots of pages in a browser, and of charts and forms that it draws.

    Args:
        pages: HTML files of documentation.
        chromium: the browser's program.
        rng: of all choices.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium)
        for number, path in enumerate(pages):
            view = browser.new_page(
                viewport={"width": int(rng.integers(360, 1300)), "height": int(rng.integers(500, 900))},
                color_scheme="dark" if number % 3 == 0 else "light",
            )
            view.goto(path.absolute().as_uri())
            view.mouse.wheel(0, float(rng.integers(0, 1500)))
            view.wait_for_timeout(30)
            yield "text", _shot(view)
            view.set_content(_form(rng) if number % 2 else _bars(rng))
            yield ("text" if number % 2 else "charts"), _shot(view)
            view.close()
        browser.close()


def _shot(view: object) -> Image.Image:
    return Image.open(io.BytesIO(view.screenshot())).convert("RGB")  # type: ignore[attr-defined]


def _bars(rng: np.random.Generator) -> str:
    """Return a page with an SVG chart or a flow chart."""
    parts = [f'<rect width="600" height="400" fill="rgb{colour(rng, 180, 256)}"/>']
    for number in range(int(rng.integers(3, 12))):
        fill, height = f"rgb{colour(rng)}", int(rng.integers(20, 300))
        if rng.random() < 0.5:
            parts.append(
                f'<rect x="{50 * number + 10}" y="{370 - height}" width="36" height="{height}" fill="{fill}"/>'
            )
        else:
            parts.append(f'<circle cx="{rng.integers(600)}" cy="{rng.integers(400)}" r="{height // 5}" fill="{fill}"/>')
        parts.append(f'<text x="{50 * number + 10}" y="390" font-size="14">{rng.choice(WORDS)}</text>')
    return f'<body><h2>{sentence(rng, 3)}</h2><svg viewBox="0 0 600 400" width="100%">{"".join(parts)}</svg></body>'


def _form(rng: np.random.Generator) -> str:
    """Return a page with a table and a form."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(sentence(rng, int(rng.integers(1, 4))))}</td>" for _ in range(4)) + "</tr>"
        for _ in range(int(rng.integers(3, 14)))
    )
    fields = "".join(
        f"<p><label>{rng.choice(WORDS)} <input></label> <button>{rng.choice(WORDS)}</button></p>" for _ in range(4)
    )
    return (
        f'<body style="font-family: sans-serif; background: rgb{colour(rng, 225, 256)}"><h1>{sentence(rng, 3)}</h1>'
        f'<table border="1" cellpadding="6">{rows}</table>{fields}</body>'
    )
