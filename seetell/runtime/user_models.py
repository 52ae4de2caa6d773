"""The bundles that a user downloaded: one folder each, in a folder of the user's data."""

from __future__ import annotations

import os
from pathlib import Path

from seetell.errors import UsageError, unknown
from seetell.user_data import user_data_folder

VARIABLE = "SEETELL_MODELS"


def user_models_folder() -> Path:
    """Return ``$SEETELL_MODELS``, else ``models`` in :func:`~seetell.user_data.user_data_folder`; it need not exist."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else user_data_folder() / "models"


def user_models() -> dict[str, Path]:
    """Return the folders of the downloaded bundles by name, in alphabetical order."""
    paths = sorted(user_models_folder().glob("*/model.json"))
    return {path.parent.name: path.parent for path in paths if not path.parent.name.startswith(".")}


def find_user_model(name: str) -> Path:
    """Return the folder of a downloaded bundle.

    Raises:
        UsageError: there is none of that name.
    """
    models = user_models()
    if name not in models:
        raise UsageError(unknown("downloaded bundle", name, models))
    return models[name]
