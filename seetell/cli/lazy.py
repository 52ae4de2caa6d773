"""Commands whose modules are imported only when they run."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand


class LazyCommand(TyperCommand):
    """Stands in a command's place until it is used.

    Args:
        name: what the user types.
        home: ``module:attribute`` of a function or a Typer application.
        summary: the line in the list of commands, so that listing imports nothing.
    """

    def __init__(self, name: str, home: str, summary: str) -> None:
        super().__init__(name, help=summary, add_help_option=False)
        self._home = home

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Give the context of the real command, which is then invoked instead of this one."""
        module, _, attribute = self._home.partition(":")
        target = getattr(import_module(module), attribute)
        if not isinstance(target, typer.Typer):
            application = typer.Typer(add_completion=False, rich_markup_mode=None)
            application.command(self.name)(target)
            target = application
        return typer.main.get_command(target).make_context(info_name, args, parent=parent, **extra)
