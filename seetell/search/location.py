"""The default location of the index."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "SEETELL_INDEX"


def default_location() -> Path:
    """Return ``$SEETELL_INDEX``, else ``seetell/index`` in the system's folder for user data.

    That is ``$XDG_DATA_HOME`` or ``~/.local/share`` on Linux, ``~/Library/Application Support`` on macOS, and
    ``%LOCALAPPDATA%`` on Windows.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    if sys.platform == "win32":
        data = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "seetell" / "index"
