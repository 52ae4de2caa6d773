"""The videos that a user names: files, folders and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable

from seetell.errors import UsageError
from seetell.video.endings import is_video_name


def named_videos(words: Iterable[str]) -> list[str]:
    """Return the videos that words stand for, in their order.

    Args:
        words: a file stands for itself; a folder for the videos in it, sorted, or, where it has none, for its pictures
            as one video; a pattern for the videos that match it, or for the pictures that do as one video; anything
            else for itself, so that its reader reports it.

    Raises:
        UsageError: nothing is named.
    """
    videos: list[str] = []
    for word in words:
        if os.path.isdir(word):
            found = [os.path.join(word, name) for name in sorted(os.listdir(word)) if not name.startswith(".")]
        elif glob.has_magic(word) and not os.path.lexists(word):
            found = sorted(glob.glob(word, recursive=True))
        else:
            found = []
        videos += [path for path in found if is_video_name(path)] or [word]
    if not videos:
        raise UsageError("name a video, or a folder of pictures")
    return videos
