from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from seetell.errors import RecipeError, UsageError
from seetell.training.config import Recipe, find_recipe, load_recipe, recipe_from_dict, save_recipe
from seetell.training.recipe_kinds import load_any_recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))


def written(tmp_path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_recipe_is_neuraltalk2_as_published(tmp_path):
    recipe = load_recipe(written(tmp_path, ""))
    assert recipe == Recipe()
    assert (recipe.batch_size, recipe.data.captions_per_photo, recipe.data.max_words) == (16, 5, 16)
    assert (recipe.captioner.embedding_size, recipe.captioner.hidden_size, recipe.captioner.dropout) == (512, 512, 0.5)
    adam = recipe.optimiser
    assert (adam.name, adam.learning_rate, adam.alpha, adam.beta, adam.epsilon) == ("adam", 4e-4, 0.8, 0.999, 1e-8)
    assert (adam.clip, adam.clip_kind, recipe.explosion_factor) == (0.1, "value", 20)
    assert (recipe.finetune.after, recipe.finetune.optimiser.learning_rate) == (-1, 1e-5)
    assert (recipe.validation.every, recipe.validation.photos, recipe.seed) == (2500, 3200, 123)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_load_and_are_found_by_name(path):
    assert load_any_recipe(find_recipe(path.stem)) == load_any_recipe(path)
    assert load_any_recipe(path).name == path.stem


def test_a_saved_recipe_reads_back_the_same(tmp_path):
    recipe = load_recipe(
        written(tmp_path, "{steps: 5, captioner: {cell: gru}, validation: {decoding: {beam_size: 2}}}")
    )
    save_recipe(recipe, tmp_path / "saved.yaml")
    assert load_recipe(tmp_path / "saved.yaml") == recipe
    assert recipe.captioner.cell == "gru"
    assert recipe.validation.decoding.beam_size == 2


def test_settings_replace_fields(tmp_path):
    path = written(tmp_path, "optimiser: {name: sgd}")
    recipe = load_recipe(
        path, ["optimiser.learning_rate=1e-2", "data.path=a=b", "encoder.cache=", "captioner.layers=2"]
    )
    assert recipe.optimiser.name == "sgd"
    assert recipe.optimiser.learning_rate == 0.01
    assert recipe.data.path == "a=b"
    assert recipe.encoder.cache == ""
    assert recipe.captioner.layers == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchsize: 3", "batchsize: unknown field 'batchsize'. Did you mean 'batch_size'"),
        ("optimiser: {lr: 3}", "optimiser.lr: unknown field"),
        ("captioner: {hidden: 3}", "captioner.hidden: unknown field 'hidden'. Did you mean 'hidden_size'"),
        ("batch_size: many", "batch_size: expected int, got 'many'"),
        ("batch_size: true", "batch_size: expected int, got True"),
        ("batch_size: 0", "batch_size: expected at least 1, got 0"),
        ("steps: 0", "steps: expected at least 1, or -1"),
        ("optimiser: {learning_rate: fast}", "optimiser.learning_rate: expected float, got 'fast'"),
        ("optimiser: {name: adma}", "Did you mean 'adam'"),
        ("optimiser: {clip_kind: size}", "optimiser.clip_kind: unknown value 'size'"),
        ("schedule: {decay: cosine}", "cosine ends with the last step"),
        ("data: {crop: true}", "cached features cannot be cropped"),
        ("architecture: neuraltalk", "Did you mean 'neuraltalk2'"),
        ("data: photos", "data: expected fields, got 'photos'"),
        ("- a list", "expected fields such as 'name: my-captioner', got a list"),
        ("a: [", "cannot read the recipe"),
    ],
)
def test_mistakes_name_the_field(tmp_path, text, message):
    with pytest.raises(RecipeError) as raised:
        load_recipe(written(tmp_path, text))
    assert message in str(raised.value)


def test_bad_decoding_and_settings(tmp_path):
    path = written(tmp_path, "")
    with pytest.raises(UsageError, match="beam_size"):
        load_recipe(path, ["validation.decoding.beam_size=0"])
    with pytest.raises(RecipeError, match="expected key=value"):
        load_recipe(path, ["batch_size"])
    with pytest.raises(RecipeError, match="'name' has no fields"):
        load_recipe(path, ["name=x", "name.first=y"])


def test_unknown_recipe_names_those_that_ship():
    with pytest.raises(RecipeError, match="Did you mean 'flickr8k-neuraltalk2'"):
        find_recipe("flickr8k-neuraltalk")


def test_to_dict_is_plain_yaml():
    assert recipe_from_dict(yaml.safe_load(yaml.safe_dump(Recipe().to_dict()))) == Recipe()
