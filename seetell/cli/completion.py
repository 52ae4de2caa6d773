"""Tab completion: what the values of arguments and options complete to, and its installation into a shell."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.errors import SeetellError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SHELLS = ("bash", "zsh", "fish", "powershell")


class Named(click.Path):
    """A name out of a list that completes to it, or a path, which completes to files.

    Args:
        names: the list; called when something is to be completed.
        attributes: as :class:`click.Path` takes them.
    """

    def __init__(self, names: Callable[[], Iterable[str]], **attributes: Any) -> None:
        super().__init__(**attributes)
        self._names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Return the names that begin so; where none does, let the shell complete files."""
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]
        return names or super().shell_complete(ctx, param, incomplete)


def model_names() -> list[str]:
    """Return what names a model on this disk: the commands, bundles' own names, and those of the Hub's models."""
    from seetell.runtime.backends.hub_cache import cached_models
    from seetell.runtime.bundle import bundled_models
    from seetell.runtime.user_models import user_models
    from seetell.tasks.loading import bundled_for
    from seetell.tasks.registry import tasks

    commands = [task.command or task.name for task in tasks().values() if bundled_for(task)]
    return [*commands, *bundled_models(), *user_models(), *(f"hf:{model.name}" for model in cached_models())]


def install(shell: str, group: click.Command, home: Path) -> Path:
    """Install the completion of ``seetell`` into a shell, for one user.

    Args:
        shell: one of :data:`SHELLS`, or ``auto`` for the one that ``$SHELL`` names.
        group: the command with all others in it.
        home: the user's folder.

    Returns:
        The file that the shell reads at its start.

    Raises:
        SeetellError: a file cannot be written.
        UsageError: the shell is none of these, or PowerShell is not installed.
    """
    from click.shell_completion import get_completion_class

    from seetell.atomic_write import atomic_file

    shell = _current_shell() if shell == "auto" else shell
    made = get_completion_class(shell)
    assert made is not None, shell
    source = made(group, {}, "seetell", "_SEETELL_COMPLETE").source()
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    script = data / "seetell" / f"completion.{'ps1' if shell == 'powershell' else shell}"
    if shell == "fish":  # reads every file of this folder
        script = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "fish" / "completions" / "seetell.fish"
        profile, line = script, ""
    elif shell == "bash":
        profile, line = home / ".bashrc", f"source '{script}'"
    elif shell == "zsh":
        profile = Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
        line = f"(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}; source '{script}'"
    else:
        profile, line = _powershell_profile(), f". '{script}'"
    try:
        script.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(script) as file:
            file.write(source.encode())
        if line:
            _add_line(profile, line)
    except OSError as error:
        raise SeetellError(f"{error.filename or profile}: cannot be written ({error.strerror})") from error
    return profile


def _current_shell() -> str:
    """Return the shell that ``$SHELL`` names; on Windows, which has no such variable, PowerShell."""
    name = Path(os.environ.get("SHELL", "powershell" if os.name == "nt" else "")).stem
    shell = {"pwsh": "powershell"}.get(name, name)
    if shell not in SHELLS:
        found = f"$SHELL names {name}" if name else "$SHELL is not set"
        raise UsageError(f"--install-completion: {found}; name one of {', '.join(SHELLS)}")
    return shell


def _powershell_profile() -> Path:
    import subprocess

    for program in ("pwsh", "powershell"):
        try:
            done = subprocess.run(
                [program, "-NoProfile", "-Command", "$PROFILE.CurrentUserAllHosts"],
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return Path(done.stdout.strip())
    raise UsageError("--install-completion: neither pwsh nor powershell can be run; install PowerShell first")


def _add_line(profile: Path, line: str) -> None:
    """Append a line to a shell's profile unless it is there."""
    profile.parent.mkdir(parents=True, exist_ok=True)
    before = profile.read_text(encoding="utf-8", errors="surrogateescape") if profile.exists() else ""
    if line in before.splitlines():
        return
    gap = "" if not before or before.endswith("\n") else "\n"
    with open(profile, "a", encoding="utf-8") as file:
        file.write(f"{gap}{line}\n")
