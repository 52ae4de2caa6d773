"""The ``seetell`` command: finds the sub-command, and turns errors into one line and an exit status."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

import seetell
from seetell.errors import NO_ROOM, RecipeError, SeetellError, UsageError, unknown
from seetell.extras import missing_module
from seetell.tasks.registry import Task, find_task, tasks

COMMANDS = {
    "alt": ("seetell.cli.alt:alt", "Fill in missing alt text of web pages and Markdown."),
    "index": ("seetell.cli.index:index", "Index photos, to be searched."),
    "search": ("seetell.cli.search:search", "Find photos by what they show."),
    "explain": ("seetell.cli.explain:explain", "Show where in a photo a word, a class or a search hit comes from."),
    "dream": ("seetell.cli.dream:dream", "Show a network more of what it sees in a photo."),
    "style": ("seetell.cli.style:style", "Draw a photo in the style of other pictures."),
    "visualise": ("seetell.cli.visualise:visualise", "Show what a network has learnt, as pictures."),
    "serve": ("seetell.cli.serve:serve", "Serve a web page and an HTTP API that describe photos."),
    "models": ("seetell.cli.models:models", "List, download and remove models, or print a card."),
    "data": ("seetell.cli.data:data", "Check a data set."),
    "score": ("seetell.cli.score:score", "Score captions against references."),
    "train": ("seetell.cli.train:train", "Train a model from a recipe."),
    "snippets": ("seetell.cli.snippets:snippets", "Divide captions into phrases of regions with an aligner."),
    "evaluate": ("seetell.cli.evaluate:evaluate", "Score a model on a data set."),
    "export": ("seetell.cli.export:export", "Make a model folder of a training run."),
}
"""``module:attribute`` and summary of each command that is not a task's."""

_OF_THE_SYSTEM = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR}
)
"""Errors of a file that are not seetell's: of permissions, of a disk that fails or is gone, of names."""


class LazyCommand(click.Command):
    """Stands in a command's place until it is used, so that listing commands imports none.

    Args:
        name: what the user types.
        summary: its line in the list of commands.
        load: imports the command that is meant by these arguments.
    """

    def __init__(self, name: str, summary: str, load: Callable[[Sequence[str]], click.Command]) -> None:
        super().__init__(name, help=summary, short_help=summary, add_help_option=False)
        self._load = load

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context of the real command, which is then invoked instead of this one."""
        return self._load(args).make_context(info_name, args, parent=parent, **extra)


class Commands(click.Group):
    """All commands of seetell."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in the order of the help."""
        return [*(task.command for task in tasks().values() if task.command), *COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command that is imported when it is used, or ``None``."""
        if cmd_name in COMMANDS:
            home, summary = COMMANDS[cmd_name]
            return LazyCommand(cmd_name, summary, lambda _: _imported(home))
        try:
            task = find_task(cmd_name)
        except UsageError:
            return None
        if task.command != cmd_name:
            return None
        return LazyCommand(cmd_name, task.summary, lambda args: _command_for(_meant(task, args)))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; suggest the nearest where there is none of that name."""
        if ctx.resilient_parsing:  # completing, which is silent
            return args[0], self.get_command(ctx, args[0]), args[1:]
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise UsageError(unknown("command", args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


def _imported(home: str) -> click.Command:
    module, _, attribute = home.partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command


def _meant(task: Task, args: Sequence[str]) -> Task:
    """Return the task that is meant by a command's arguments: that of videos if they name one, and no photo."""
    if task.videos:
        from seetell.video.endings import is_only_video_name

        if any(map(is_only_video_name, args)):
            from seetell.photos.formats import is_picture_name

            if not any(map(is_picture_name, args)):
                return find_task(task.videos)
    return task


def _command_for(task: Task) -> click.Command:
    if task.input == "video":
        from seetell.cli.predict_video import command_for as command_for_videos

        return command_for_videos(task)
    if task.input == "none":
        from seetell.cli.generate import command_for as command_for_models

        return command_for_models(task)
    from seetell.cli.predict import command_for

    return command_for(task)


def _install_completion(context: click.Context, parameter: click.Parameter, shell: str | None) -> None:
    if shell is None or context.resilient_parsing:
        return
    from seetell.cli.completion import install

    profile = install(shell, context.command, Path.home())
    click.echo(f"Completion is installed in {profile}; it works in new shells.")
    context.exit()


@click.group(
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(seetell.__version__, message="seetell %(version)s", help="Print the version.")
@click.option("--debug", is_flag=True, help="Show where an error arose; may stand anywhere.")
@click.option(
    "--install-completion",
    metavar="[SHELL]",
    is_flag=False,
    flag_value="auto",
    type=click.Choice(["auto", "bash", "zsh", "fish", "powershell"]),
    expose_value=False,
    is_eager=True,
    callback=_install_completion,
    help="Complete with the tab key in bash, zsh, fish or powershell; auto is the shell in use.",
)
def group(debug: bool) -> None:
    """Look at a picture and tell what is there, offline.

    Example: seetell caption photo.jpg
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 all done, 1 something failed, 2 wrong use, 130 interrupted.

    Args:
        arguments: the words after ``seetell``; those of the process when absent.
    """
    _open_closed_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = words[: words.index("--")] if "--" in words else words
    debug = "--debug" in options
    if debug:
        words.remove("--debug")
    interrupts: list[int] = []
    try:  # click itself ends quietly (1) when nobody reads the output any more
        with _noted(interrupts):
            status = group.main(words, prog_name="seetell", standalone_mode=False)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        if interrupts:  # a library that was being imported made an error of its own of it
            sys.exit(130)
        if debug:
            raise
        if os.environ.get("_SEETELL_COMPLETE", "").endswith("_complete"):  # nothing to complete; the tab key is silent
            sys.exit(0)
        if isinstance(error, SeetellError):
            _fail(str(error), status=2 if isinstance(error, (UsageError, RecipeError)) else 1)
        if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("seetell"):
            _fail(missing_module("this command", error.name.partition(".")[0]), status=2)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            full = (
                "no space is left on the disk of" if error.errno != errno.EFBIG else "no larger file is possible than"
            )
            _fail(f"{full} {_written(error)}; make room there, or write elsewhere", status=1)
        if isinstance(error, OSError) and error.filename is not None and error.errno in _OF_THE_SYSTEM:
            _fail(f"{os.fsdecode(error.filename)}: cannot be read or written ({error.strerror})", status=1)
        reason = " ".join(str(error).split())
        _fail(f"unexpected {type(error).__name__}: {reason}; run again with --debug to see where", status=1)
    sys.exit(status or 0)


@contextmanager
def _noted(interrupts: list[int]) -> Iterator[None]:
    """Note interrupts, which end the block as ever; where they are ignored or taken care of, they stay so."""
    if threading.current_thread() is not threading.main_thread() or (
        signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    def note(number: int, frame: Any) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _open_closed_streams() -> None:
    """Let what is written to a closed standard stream vanish, rather than end in a file that gets its number."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    nowhere = os.fdopen(descriptor, "w", encoding="utf-8")
    sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere


def _written(error: OSError) -> str:
    """Return the file that could not be written; without a name it is standard output, which is given up."""
    if error.filename is not None:
        return os.fsdecode(error.filename)
    with suppress(OSError, ValueError):
        target = os.path.realpath(f"/proc/self/fd/{sys.stdout.fileno()}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered cannot be written at the end
        if os.path.isabs(target) and not target.startswith("/proc/"):
            return f"standard output ({target})"
    return "standard output"


def _fail(message: str, *, status: int) -> NoReturn:
    print(f"seetell: {message}".encode(errors="backslashreplace").decode(), file=sys.stderr)
    sys.exit(status)
