"""The default location of the index."""

from __future__ import annotations

import os
from pathlib import Path

from seetell.user_data import user_data_folder

VARIABLE = "SEETELL_INDEX"


def default_location() -> Path:
    """Return ``$SEETELL_INDEX``, else ``index`` in :func:`~seetell.user_data.user_data_folder`."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else user_data_folder() / "index"
