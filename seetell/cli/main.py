"""The ``seetell`` command: finds the sub-command, and turns errors into one line and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

import seetell
from seetell.cli.lazy import LazyCommand
from seetell.errors import SeetellError, UsageError

COMMANDS = (
    ("caption", "seetell.cli.caption:caption", "Say what is on photos."),
    ("align", "seetell.cli.align:align", "Show where in photos a sentence is true."),
    ("regions", "seetell.cli.regions:regions", "Find regions of photos and say what is in each."),
    ("alt", "seetell.cli.alt:alt", "Fill in missing alt text of web pages and Markdown."),
    ("index", "seetell.cli.index:index", "Index photos, to be searched."),
    ("search", "seetell.cli.search:search", "Find photos by what they show."),
    ("serve", "seetell.cli.serve:serve", "Serve a page and an interface that describe photos."),
    ("models", "seetell.cli.models:models", "List the models that came with seetell, or print a card."),
    ("data", "seetell.cli.data:app", "Check a data set."),
    ("score", "seetell.cli.score:score", "Score captions against references."),
    ("train", "seetell.cli.train:train", "Train a captioner from a recipe."),
    ("snippets", "seetell.cli.snippets:snippets", "Divide captions into phrases of regions with an aligner."),
    ("evaluate", "seetell.cli.evaluate:evaluate", "Caption a data set with a model and score the captions."),
    ("export", "seetell.cli.export:export", "Make a model folder of a trained captioner."),
)

WEB_MODULES = {"fastapi", "starlette", "uvicorn", "python_multipart", "prometheus_client"}

application = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"seetell {seetell.__version__}")
        raise typer.Exit


@application.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose; may stand anywhere.")] = False,
) -> None:
    """Look at a picture and tell what is there, offline.

    Example: seetell caption photo.jpg
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 all done, 1 something failed, 2 wrong use, 130 interrupted.

    Args:
        arguments: the words after ``seetell``; those of the process when absent.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = words[: words.index("--")] if "--" in words else words
    debug = "--debug" in options
    if debug:
        words.remove("--debug")
    group = typer.main.get_group(application)
    for name, home, summary in COMMANDS:
        group.add_command(LazyCommand(name, home, summary))
    try:  # Typer itself ends quietly when interrupted (130) or when nobody reads the output any more (1)
        group.main(words, prog_name="seetell")
    except Exception as error:
        if debug:
            raise
        if isinstance(error, SeetellError):
            _fail(str(error), status=2 if isinstance(error, UsageError) else 1)
        if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("seetell"):
            extra = "web" if error.name in WEB_MODULES else "train"
            _fail(f"this command needs {error.name}, which is not installed: pip install 'seetell[{extra}]'", status=2)
        reason = " ".join(str(error).split())
        _fail(f"unexpected {type(error).__name__}: {reason}; run again with --debug to see where", status=1)
    sys.exit(0)


def _fail(message: str, *, status: int) -> NoReturn:
    print(f"seetell: {message}".encode(errors="backslashreplace").decode(), file=sys.stderr)
    sys.exit(status)
