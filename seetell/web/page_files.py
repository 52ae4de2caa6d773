"""The page's files, read once: nothing else of this machine's disk is ever sent as it is."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from starlette.responses import Response

KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class PageFiles:
    """The files of the page, by name."""

    def __init__(self) -> None:
        own = (files("seetell.web") / "page").iterdir()
        common = files("seetell.drawing") / "base.css"
        self._files = {file.name: file.read_bytes() for file in (*own, common) if _kind(file.name)}
        self._tags = {name: f'"{hashlib.sha256(content).hexdigest()[:32]}"' for name, content in self._files.items()}

    def response(self, name: str, known_tag: str | None) -> Response | None:
        """Return a file, or word that it is still what the browser has; ``None`` if there is no such file."""
        if name not in self._files:
            return None
        headers = {"ETag": self._tags[name], "Cache-Control": "no-cache"}
        if known_tag == self._tags[name]:
            return Response(status_code=304, headers=headers)
        return Response(self._files[name], headers=headers, media_type=_kind(name))


def _kind(name: str) -> str | None:
    return KINDS.get(name.rpartition(".")[2])
