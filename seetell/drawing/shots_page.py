"""The page of a described video: it plays with its descriptions, and each leads to its place."""

from __future__ import annotations

import base64
import os
from html import escape
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from seetell.drawing.page_parts import NO_PHOTO, data_uri, html_text, read_asset, render_template
from seetell.results import Shot, Shots
from seetell.video.frames import Video
from seetell.video.subtitles import webvtt
from seetell.video.times import span

THUMBNAIL = 240
"""Longest side of the picture of a shot, in pixels."""

POLICY = "default-src 'none'; img-src data:; media-src * file: data:; style-src 'unsafe-inline'"
"""Content security policy: the page loads the video, wherever it lies."""


def shots_page(video: Video, shots: Shots, *, name: str, beside: Path) -> str:
    """Return the page of a described video.

    Args:
        video: that was described; it is read again at the key frames.
        shots: its descriptions.
        name: of the video, to be shown.
        beside: the page's file. The page plays the video that lies where it does now, and needs no other file; pictures
            and cameras are not played.
    """
    told = sum(not shot.caption.reason for shot in shots)
    about = f"{name} · {told} of {len(shots)} shots described · model {shots.model}"
    return render_template(
        "shots_page.html",
        "shots_page.css",
        title=html_text(name),
        policy=POLICY,
        player=_player(video, shots, beside),
        shots="\n".join(_entry(video, shot) for shot in shots),
        about=html_text(f"{about} · {shots.problem}" if shots.problem else about),
        script=read_asset("shots_page.js"),
    )


def _player(video: Video, shots: Shots, beside: Path) -> str:
    """Return the element that plays a video file, with its descriptions as a track."""
    if not os.path.isfile(video.name):
        return ""
    address = quote(Path(os.path.relpath(video.name, beside.parent)).as_posix(), safe="/.")
    track = base64.b64encode(webvtt(shots).encode()).decode()
    width, height = shots.size
    return (
        f'<video id="film" src="{escape(address)}" width="{width}" height="{height}" controls preload="metadata">'
        f'<track kind="descriptions" srclang="en" label="Descriptions" src="data:text/vtt;base64,{track}" default>'
        '</video>\n<p id="told" aria-live="polite"></p>\n'
        '<p id="unplayed" class="faint" hidden>This browser cannot play the video; the descriptions are below.</p>'
    )


def _entry(video: Video, shot: Shot) -> str:
    """Return the entry of a shot: its picture, its time, which leads there, and its description."""
    text, kind = (shot.caption.text, "said") if shot.caption.text else (shot.caption.reason, "faint withheld")
    return (
        f'<li data-from="{shot.start:.3f}" data-to="{shot.end:.3f}">{_picture(video, shot)}'
        f'<button type="button">{span(shot.start, shot.end)}</button> '
        f'<span class="{kind}">{html_text(text)}</span></li>'
    )


def _picture(video: Video, shot: Shot) -> str:
    """Return the key frame of a shot as an ``img`` element."""
    frame = next(iter(video.frames(shot.key_frame)), None)
    if frame is None:
        return NO_PHOTO
    picture = Image.fromarray(frame.image)
    picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
    source = data_uri(picture, "JPEG", quality=75, optimize=True)
    return f'<img src="{source}" width="{picture.width}" height="{picture.height}" alt="">'
