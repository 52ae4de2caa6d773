"""What commands are made of: help with the arguments in it, and the options that several share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import click

from seetell.cli.completion import Named, model_names
from seetell.tasks.backends import BACKENDS, backend_options
from seetell.tasks.registry import Option

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]


class Whole(click.IntRange):
    """A whole number within bounds."""

    name = "integer"


class Number(click.FloatRange):
    """A number within bounds."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; NaN lies within no bounds, though no comparison tells."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


FOLDER_OR_FILE = click.Path(path_type=Path)
EXISTING = click.Path(exists=True, path_type=Path)
FILES = click.Path(readable=False)
"""A path as it is written, which completes to files; its reader tells what is wrong with it, as of others beside it."""

MODEL = Named(model_names)
SPLIT = click.Choice(["train", "val", "test"])
POSITIVE = Whole(min=1)
PRECISION_HELP = "Of the encoder, where a model has several, such as fp32 and int8; each bundled model has one."


class Format(str, Enum):
    """How commands write what they found."""

    text = "text"
    counts = "counts"
    table = "table"
    diff = "diff"
    jsonl = "jsonl"
    json = "json"
    csv = "csv"
    mot = "mot"
    vtt = "vtt"
    srt = "srt"


class Argument(click.Argument):
    """An argument that the help explains.

    Args:
        names: as click takes them.
        help: what it is.
        metavar: how it is shown.
        attributes: as click takes them.
    """

    def __init__(self, names: list[str], *, help: str, metavar: str, **attributes: Any) -> None:
        super().__init__(names, metavar=metavar, **attributes)
        self.record = (metavar.strip("[]"), help)


class Command(click.Command):
    """A command whose help lists its arguments too. Its function returns the exit status; none stands for 0."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the arguments, then the options."""
        records = [parameter.record for parameter in self.params if isinstance(parameter, Argument)]
        if records:
            with formatter.section("Arguments"):
                formatter.write_dl(records)
        super().format_options(ctx, formatter)


def command(name: str) -> Callable[[Callable[..., int | None]], Command]:
    """Make a command of a function, whose docstring is the help."""
    return click.command(name, cls=Command)


def argument(name: str, *, help: str, metavar: str, **attributes: Any) -> Decorator[Any]:
    """Add an argument; see :class:`Argument`."""
    return click.argument(name, cls=Argument, help=help, metavar=metavar, **attributes)


def format_option(*formats: Format, help: str) -> Decorator[Any]:
    """Add ``--format``, passed as ``output_format``; the first of the formats is the default."""
    return click.option(
        "--format",
        "-f",
        "output_format",
        type=click.Choice([choice.value for choice in formats]),
        default=formats[0].value,
        callback=lambda context, parameter, value: Format(value),
        help=help,
    )


def model_help(schemes: Iterable[str]) -> str:
    """Return the help of a model: how those of bundles and of these backends are named."""
    return f"{', '.join(['A bundled model', 'a model folder', *(BACKENDS[scheme].form for scheme in schemes)])}."


def model_option(default: str, schemes: Iterable[str] = (), *, about: str = "") -> Decorator[Any]:
    """Add ``--model``.

    Args:
        default: the model when absent.
        schemes: of the backends whose models it takes.
        about: begins the help.
    """
    help = f"{about} {model_help(schemes)}".strip()
    return click.option("--model", "-m", metavar="MODEL", type=MODEL, default=default, help=help)


def backend_params(schemes: Iterable[str]) -> list[click.Option]:
    """Return the options of the backends of these schemes, by which models that are no bundles are loaded."""
    return [task_option(option) for option in backend_options(schemes)]


def backend_values(values: dict[str, Any]) -> dict[str, Any]:
    """Take the options of backends out of a command's values, and return them for loading."""
    return {option.name: values.pop(option.name) for option in backend_options() if option.name in values}


def with_backend_params(schemes: Iterable[str]) -> Decorator[Any]:
    """Add the options of the backends of these schemes."""

    def decorate(decorated: Any) -> Any:
        decorated.params += backend_params(schemes)
        return decorated

    return decorate


def threads_option() -> Decorator[Any]:
    """Add ``--threads``."""
    return click.option("--threads", type=int, help="Processor threads; the physical cores when absent.")


def index_option(help: str = "Where the index lies; $SEETELL_INDEX or your data folder if absent.") -> Decorator[Any]:
    """Add ``--index``, passed as ``location``."""
    return click.option("--index", "location", metavar="DIR", type=FOLDER_OR_FILE, help=help)


def set_option(help: str) -> Decorator[Any]:
    """Add ``--set``, passed as ``settings``."""
    return click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help=help)


def task_option(option: Option) -> click.Option:
    """Return the command line's form of an option that a task declares."""
    flag = option.flag or f"--{option.name.replace('_', '-')}"
    if option.type is bool:
        return click.Option([flag, option.name], is_flag=True, default=bool(option.default), help=option.help)
    kind: Any = option.type
    if option.choices:
        kind = click.Choice(option.choices)
    elif option.minimum is not None or option.maximum is not None:
        bounded: Any = Whole if option.type is int else Number
        kind = bounded(min=option.minimum, max=option.maximum)
    elif option.type is Path:
        kind = FOLDER_OR_FILE
    return click.Option([flag, option.name], type=kind, default=option.default, help=option.help)
