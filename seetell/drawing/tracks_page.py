"""The page of a video's objects: a frame, and on a line of time when each is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from PIL import Image

from seetell.drawing.page_parts import data_uri, html_text, photo_parts, render_template
from seetell.drawing.tracks import TrackPainter, colour_of
from seetell.errors import VideoError
from seetell.language.counts import counted
from seetell.results import Track, Tracks
from seetell.video.frames import Frame, Video
from seetell.video.times import clock, span

THUMBNAIL = 96
"""Pixels of the longer side of the picture of an object."""


def tracks_page(video: Video, tracks: Tracks, *, name: str) -> str:
    """Return the page of a video's objects, HTML that needs no other file.

    The frame in which most objects are seen is shown with their numbers. The video is read again, up to the last frame
    that is needed.

    Args:
        video: that was tracked.
        tracks: its objects.
        name: of the video, to be shown.

    Raises:
        VideoError: it can no longer be read.
    """
    seen = Counter(frame for track in tracks for frame in track.frames.tolist())
    overview = max(seen, key=lambda frame: (seen[frame], -frame), default=0)
    picture, thumbnails = _pictures(video, tracks, overview)
    length = max([tracks.frame_count / tracks.fps, *(track.seconds[-1] for track in tracks), 1e-9])
    texts = [track.text or "object" for track in tracks]
    description = counted(texts) or "nothing followed"
    crossed = f'<p class="crossed">{html_text(tracks.crossed)}</p>' if tracks.crossed else ""
    problem = f" · {tracks.problem}" if tracks.problem else ""
    return render_template(
        "tracks_page.html",
        "page.css",
        "tracks_page.css",
        title=html_text(f"{name}: {description}"),
        description=html_text(description),
        about=html_text(f"{name} · model {tracks.model}{problem}"),
        crossed=crossed,
        end=clock(length),
        entries="\n".join(_entry(track, thumbnails.get(track.id, ""), length) for track in tracks),
        **photo_parts(picture),
    )


def _pictures(video: Video, tracks: Tracks, overview: int) -> tuple[Image.Image, dict[int, str]]:
    """Return the frame of that index with its objects, and a picture of each object where it is seen best."""
    painter = TrackPainter(tracks)
    best: dict[int, list[tuple[Track, int]]] = {}
    for track in tracks:
        place = int(track.scores.argmax())
        best.setdefault(int(track.frames[place]), []).append((track, place))
    last = max([overview, *best])
    picture, thumbnails = None, {}
    for frame in video:
        drawn = painter.draw(frame) if frame.index <= overview else None
        picture = drawn if drawn is not None else picture
        for track, place in best.get(frame.index, ()):
            thumbnails[track.id] = _thumbnail(frame, track.boxes[place])
        if frame.index >= last:
            break
    if picture is None:
        raise VideoError(f"{video.name}: cannot be read again")
    return picture, thumbnails


def _thumbnail(frame: Frame, box: np.ndarray) -> str:
    """Return what a box shows as an ``img`` element."""
    height, width = frame.image.shape[:2]
    left, top, right, bottom = np.rint(box).astype(int).tolist()
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    crop = Image.fromarray(np.ascontiguousarray(frame.image[top : max(bottom, top + 1), left : max(right, left + 1)]))
    crop.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
    return f'<img src="{data_uri(crop, "JPEG", quality=80)}" width="{crop.width}" height="{crop.height}" alt="">'


def _entry(track: Track, thumbnail: str, length: float) -> str:
    red, green, blue = colour_of(track.id)
    bars = "".join(
        f'<span style="left: {start / length:.2%}; width: {(end - start) / length:.2%}"></span>'
        for start, end in _parts(track)
    )
    name = html_text(f"{track.text or 'object'} {track.id}")
    return (
        f'<li style="--colour: rgb({red}, {green}, {blue})"><span>{thumbnail}</span><span>{name}</span>'
        f'<span class="time">{span(track.seconds[0], track.seconds[-1])}</span>'
        f'<span class="way" aria-hidden="true">{bars}</span></li>'
    )


def _parts(track: Track) -> Iterator[tuple[float, float]]:
    """Yield the times in which an object is seen without a gap."""
    ends = np.flatnonzero(np.diff(track.frames) > 1)
    for first, last in zip([0, *(ends + 1)], [*ends, len(track) - 1], strict=True):
        yield float(track.seconds[first]), float(track.seconds[last])
