"""The endings of videos' names."""

from __future__ import annotations

import os

READ = frozenset(
    f".{ending}"
    for ending in (
        *("mp4", "m4v", "mov", "avi", "mkv", "webm", "mts", "m2ts", "ts", "mpg", "mpeg", "vob", "wmv", "asf", "flv"),
        *("3gp", "3g2", "ogv", "gif", "ivf", "dv", "mxf", "mjpeg", "mjpg", "h264", "h265", "hevc", "y4m"),
    )
)
"""Of files that are taken for videos where a folder of them is named."""

WRITTEN = {".mp4": ("mp4", "h264"), ".mov": ("mov", "h264"), ".mkv": ("matroska", "h264"), ".webm": ("webm", "vp9")}
"""Of videos that are written: FFmpeg's names of the container and the codec."""


def is_video_name(path: str) -> bool:
    """Return whether a file's name has the ending of a video."""
    return os.path.splitext(path)[1].lower() in READ


def is_only_video_name(path: str) -> bool:
    """Return whether a file's name has the ending of a video, and not one that pictures have too."""
    return is_video_name(path) and not path.lower().endswith(".gif")
