"""The models of ``seetell serve``: which its options choose, with which defaults, and their loading."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import task_option
from seetell.errors import UsageError, unknown

if TYPE_CHECKING:
    from seetell.explain.style_model import StyleModel
    from seetell.web.indexed_photos import IndexedPhotos

SEARCH, STYLE, EXPLAIN = "search", "style", "explain"
"""Stand where a command is expected: for the model of an index, the model that draws styles, and explanations, which
have no model of their own."""


def chosen_models(models: tuple[str, ...]) -> dict[str, str]:
    """Return the names of the models that ``--model`` gives, by command.

    Raises:
        UsageError: an option has another form, or names no command.
    """
    from seetell.tasks.registry import find_task

    chosen = {}
    for option in models:
        command, _, name = option.partition("=")
        if not (command and name):
            raise UsageError(f"--model {option}: expected COMMAND=NAME, such as caption=everyday-transformer")
        if command in (SEARCH, STYLE, EXPLAIN):
            if command == EXPLAIN and name != "none":
                raise UsageError(f"--model {option}: the models of the commands are explained; expected {EXPLAIN}=none")
            chosen[command] = name
            continue
        if find_task(command).input == "none":
            raise UsageError(f"--model {option}: {command} is not served; use seetell {command}")
        if not find_task(command).command:
            raise UsageError(f"--model {option}: {command} has no command to serve; its model is that of {SEARCH}")
        chosen[find_task(command).command] = name
    return chosen


def chosen_defaults(settings: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the values that ``--set`` gives, by command and name of the option.

    Raises:
        UsageError: an option has another form, names none that clients may choose, or has a value that is not allowed.
    """
    from seetell.tasks.registry import find_task

    defaults: dict[str, dict[str, Any]] = {}
    for setting in settings:
        place, equals, value = setting.partition("=")
        command, dot, name = place.partition(".")
        if not (equals and dot):
            raise UsageError(f"--set {setting}: expected COMMAND.OPTION=VALUE, such as caption.min_confidence=0.5")
        task = find_task(command)
        options = {option.name: option for option in task.options if option.served}
        if name not in options:
            raise UsageError(f"--set {setting}: {unknown('option', name, options)}")
        try:
            converted = task_option(options[name]).type.convert(value, None, None)
        except click.BadParameter as error:
            raise UsageError(f"--set {setting}: {error.message}") from error
        defaults.setdefault(task.command, {})[name] = converted
    return defaults


def check_defaults(defaults: dict[str, dict[str, Any]], predictors: dict[str, Any]) -> None:
    """Raise a ``UsageError`` if a command is not served, or its model cannot do what is asked."""
    for name, options in defaults.items():
        if name not in predictors:
            raise UsageError(f"--set {name}: {unknown('command', name, predictors)}")
        predictors[name].check(**options)


def loading_options(chosen: dict[str, str], options: dict[str, Any], time_limit: float) -> dict[str, dict[str, Any]]:
    """Return the options to load each model with that is no bundle, by its name.

    Args:
        chosen: names of models by command.
        options: of backends.
        time_limit: seconds after which nobody waits for an answer any more.

    Raises:
        UsageError: an option is of no backend whose models are served.
    """
    from seetell.tasks.backends import check_options, parse_reference

    backends = {name: reference[0] for name in chosen.values() if (reference := parse_reference(name)) is not None}
    known = {option.name for backend in backends.values() for option in backend.options}
    check_options(None, {name: value for name, value in options.items() if name not in known}, "every --model")
    if "timeout" in known:
        options["timeout"] = min(options["timeout"] or time_limit, time_limit)
    return {
        name: {option.name: options[option.name] for option in backend.options} for name, backend in backends.items()
    }


def load_predictors(
    chosen: dict[str, str], threads: int | None, loading: dict[str, dict[str, Any]], *, videos: bool
) -> dict[str, Any]:
    """Load the model of each command.

    Args:
        chosen: names of models by command; ``none`` for no model. A command that is absent has its bundled model.
        threads: processor threads.
        loading: options of backends, by a model's name.
        videos: load those of commands for videos, too.

    Raises:
        UsageError: there is no such model, or it is for another task.
        BundleError: a model is damaged.
    """
    from seetell.tasks.loading import bundled_for, load_for
    from seetell.tasks.registry import tasks

    predictors = {}
    for task in tasks().values():
        name = chosen.get(task.command)
        if task.input == "none":
            continue
        if task.input == "video" and not videos:
            if name not in (None, "none"):
                raise UsageError(f"--model {task.command}={name}: commands for videos are served with --videos")
            continue
        if task.command and name != "none" and (name or bundled_for(task)):
            predictors[task.command] = load_for(task, name, threads=threads, **loading.get(name or "", {}))
    return predictors


def open_photos(
    location: Path | None, model: str | None, threads: int | None, loading: dict[str, dict[str, Any]]
) -> IndexedPhotos | None:
    """Open an index.

    Args:
        location: its folder; ``None`` for no index.
        model: of the index; the bundled one when absent.
        threads: processor threads.
        loading: options of backends, by a model's name.

    Raises:
        UsageError: there is no such model, or it is for another task.
        PhotoIndexError: the index cannot be searched.
    """
    if location is None:
        return None
    if model == "none":
        raise UsageError(f"--index needs a model to search with; leave --model {SEARCH}=none out")
    from seetell.tasks.loading import load_for
    from seetell.tasks.registry import find_task
    from seetell.web.indexed_photos import IndexedPhotos

    embedder = load_for(find_task("retrieval"), model, threads=threads, **loading.get(model or "", {}))
    photos = IndexedPhotos(location, embedder)
    photos.check()
    return photos


def load_styles(model: str | None, threads: int | None) -> StyleModel | None:
    """Load the model that draws styles.

    Args:
        model: its name or folder; ``none`` for none, and the bundled one, if it is there, when absent.
        threads: processor threads.

    Raises:
        UsageError: there is no such model, or it draws no styles.
        BundleError: it is damaged.
    """
    from seetell.explain.style_model import BUNDLED, load_style_model
    from seetell.runtime.bundle import bundled_models

    if model == "none" or (model is None and BUNDLED not in bundled_models()):
        return None
    return load_style_model(model or BUNDLED, threads=threads)
