from __future__ import annotations

import pytest

from seetell.errors import RecipeError
from seetell.training.recipes import find_recipe


def test_unknown_recipe_names_those_that_ship():
    with pytest.raises(RecipeError, match="Did you mean 'flickr8k-neuraltalk2'"):
        find_recipe("flickr8k-neuraltalk")
