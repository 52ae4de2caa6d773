"""Tracks over the frames of their video: boxes with the numbers of objects, and where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from seetell.drawing.boxes import COLOURS, DARK
from seetell.drawing.fonts import choose_font
from seetell.geometry.masks import decode
from seetell.results import Track, Tracks
from seetell.video.frames import Frame, Video

TRAIL = 3.0
"""Seconds of an object's way that are drawn behind it."""

OPACITY = 0.45
"""Of masks."""

SIDE = 360
"""Pixels of a frame's shorter side for each pixel of line width but one; text is scaled like lines."""


def colour_of(number: int) -> tuple[int, int, int]:
    """Return the colour of an object."""
    return COLOURS[(number - 1) % len(COLOURS)]


class TrackPainter:
    """Draws tracks on frames.

    Args:
        tracks: of the video.
    """

    def __init__(self, tracks: Tracks) -> None:
        self._trail = round(TRAIL * tracks.fps)
        self._size, self._line, self._crossings = tracks.size, tracks.line, tracks.crossings
        self._width = 2 + min(tracks.size) // SIDE
        self._font_size = 10 + 4 * min(tracks.size) // SIDE
        self._waiting = sorted(tracks, key=lambda track: track.frames[0], reverse=True)
        self._active: list[Track] = []

    def draw(self, frame: Frame) -> Image.Image:
        """Return a frame with its objects; frames are to be drawn in their order."""
        while self._waiting and self._waiting[-1].frames[0] <= frame.index:
            self._active.append(self._waiting.pop())
        self._active = [track for track in self._active if track.frames[-1] >= frame.index]
        here = [(track, int(np.searchsorted(track.frames, frame.index))) for track in self._active]
        here = [(track, place) for track, place in here if track.frames[place] == frame.index]
        picture = Image.fromarray(self._masked(frame.image, here))
        pen = ImageDraw.Draw(picture)
        for track, place in here:
            self._draw_trail(pen, track, place)
        for track, place in here:
            self._draw_box(pen, track, place)
        self._draw_line(pen, frame.index)
        return picture

    def _masked(self, image: np.ndarray, here: Sequence[tuple[Track, int]]) -> np.ndarray:
        if not any(track.masks for track, _ in here):
            return image
        mixed = image.astype(np.float32)
        for track, place in here:
            if track.masks:
                inside = decode(track.masks[place], self._size)
                mixed[inside] = (1 - OPACITY) * mixed[inside] + OPACITY * np.array(colour_of(track.id), np.float32)
        return mixed.round().astype(np.uint8)

    def _draw_trail(self, pen: ImageDraw.ImageDraw, track: Track, place: int) -> None:
        boxes = track.boxes[max(0, place - self._trail) : place + 1]
        feet = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])
        if len(feet) > 1:
            pen.line([(x, y) for x, y in feet.tolist()], colour_of(track.id), self._width, joint="curve")

    def _draw_box(self, pen: ImageDraw.ImageDraw, track: Track, place: int) -> None:
        width, height = self._size
        left, top, right, bottom = track.boxes[place].tolist()
        left, right = sorted((min(max(left, 0), width - 1), min(max(right, 0), width - 1)))
        top, bottom = sorted((min(max(top, 0), height - 1), min(max(bottom, 0), height - 1)))
        colour = colour_of(track.id)
        pen.rectangle((left, top, right, bottom), None, DARK, self._width + 2)
        pen.rectangle(
            (left + 1, top + 1, max(right - 1, left + 1), max(bottom - 1, top + 1)), None, colour, self._width
        )
        text, font = choose_font(f"{track.text or 'object'} {track.id}", self._font_size)
        wide, high = font.getlength(text) + 6, self._font_size + 4
        x, y = min(left, max(0, width - wide)), top - high if top >= high else top
        pen.rectangle((x, y, x + wide, y + high), colour)
        pen.text((x + 3, y + 0.8 * high), text, DARK, font, anchor="ls")

    def _draw_line(self, pen: ImageDraw.ImageDraw, index: int) -> None:
        if self._line is None:
            return
        past = [crossing for crossing in self._crossings if crossing.frame <= index]
        left = sum(crossing.direction == "left" for crossing in past)
        pen.line([(x, y) for x, y in self._line], DARK, self._width + 4)
        pen.line([(x, y) for x, y in self._line], (255, 255, 255), self._width)
        text, font = choose_font(f"to the left {left}, to the right {len(past) - left}", self._font_size)
        high = self._font_size + 6
        pen.rectangle((4, 4, 10 + font.getlength(text), 4 + high), DARK)
        pen.text((7, 4 + 0.8 * high), text, (255, 255, 255), font, anchor="ls")


def write_tracked(path: Path, video: Video, tracks: Tracks) -> None:
    """Write the frames of a video that were followed, with their objects.

    See :func:`seetell.video.writing.write_video`.
    """
    from seetell.video.writing import write_video

    painter = TrackPainter(tracks)
    with write_video(path, size=video.size, fps=video.fps) as writer:
        for frame in islice(video, tracks.frame_count):
            writer.add(np.asarray(painter.draw(frame)), frame.seconds)
