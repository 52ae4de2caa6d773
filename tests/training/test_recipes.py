from __future__ import annotations

from pathlib import Path

import pytest

from seetell.errors import RecipeError
from seetell.training.recipes import find_recipe


def test_a_folder_is_no_recipe(tmp_path: Path):
    with pytest.raises(RecipeError, match="a folder, no YAML file, and unknown recipe"):
        find_recipe(tmp_path)


def test_unknown_recipe_names_those_that_ship():
    with pytest.raises(RecipeError, match="Did you mean 'flickr8k-neuraltalk2'"):
        find_recipe("flickr8k-neuraltalk")
