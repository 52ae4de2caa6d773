"""The recipes that ship with seetell, found by name without the training extra."""

from __future__ import annotations

from pathlib import Path

from seetell.errors import RecipeError, unknown


def shipped_recipes() -> dict[str, Path]:
    """Return the recipes that ship with seetell, by name."""
    package = Path(__file__).resolve().parents[1]
    return {file.stem: file for folder in (package, package.parent) for file in (folder / "recipes").glob("*.yaml")}


def described(recipe: Path) -> str:
    """Return what a recipe says of itself in its first line, a comment; nothing where there is none."""
    with recipe.open(encoding="utf-8") as file:
        first = file.readline().strip()
    return first.removeprefix("#").strip().rstrip(".") if first.startswith("#") else ""


def find_recipe(name: str | Path) -> Path:
    """Return the recipe file of that path, or the one of that name that ships with seetell.

    Raises:
        RecipeError: there is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = shipped_recipes()
    if path.name not in shipped:
        found = "a folder, no YAML file" if path.is_dir() else "no such file"
        raise RecipeError(f"{name}: {found}, and {unknown('recipe', path.name, shipped)}")
    return shipped[path.name]
