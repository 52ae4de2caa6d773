"""What the rows of an output were made with, in a small file beside them, so that all are made with the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seetell.atomic_write import atomic_file
from seetell.errors import DataError, UsageError
from seetell.regular_file import read_json
from seetell.tasks.registry import Task

FORMAT = 1


@dataclass(frozen=True)
class Settings:
    """What results depend on besides the picture.

    Attributes:
        task: name of the task.
        model: how it was named.
        identity: differs where models do, whatever they are called.
        options: of the task and of loading that were given.
        own: what the model chooses itself where an option is absent; the same for the same model, so it is not kept.
    """

    task: str
    model: str
    identity: str
    options: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Read what :meth:`write` wrote.

        Raises:
            DataError: it is damaged, or was written by a later version.
        """
        try:
            content = read_json(path)
            if content.pop("format") != FORMAT:
                raise ValueError("another version of seetell wrote it")
            return cls(**content)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path}: cannot be read ({error}); name another output, or delete this one") from error

    def write(self, path: Path) -> None:
        """Write a file, whole or not at all."""
        content = {"format": FORMAT, **asdict(self)}
        del content["own"]
        with atomic_file(path, durable=True) as file:
            file.write(json.dumps(content, indent=1, default=str).encode() + b"\n")

    def check(self, before: Settings, task: Task, output: Path) -> None:
        """Check that rows can be added to those that there are.

        Args:
            before: what those were made with.
            task: whose options these are.
            output: for the message.

        Raises:
            UsageError: they were made with something else.
        """
        differences = list(self._differences(before, task))
        if differences:
            raise UsageError(
                f"{output}: its rows were made {' and '.join(differences)}; do the same, name another output, "
                "or delete this one to begin again"
            )

    def _differences(self, before: Settings, task: Task) -> Iterator[str]:
        if before.task != self.task:
            yield f"by {before.task}, not {self.task}"
        elif before.identity != self.identity:
            other = "another version of it" if before.model == self.model else repr(self.model)
            yield f"with the model {before.model!r}, not {other}"
        else:
            flags = {option.name: (option.flag, option.default) for option in task.options}
            for name in {**before.options, **self.options}:
                flag, default = flags.get(name, ("", None))
                then, now = (_plain(options.get(name, default)) for options in (before.options, self.options))
                own = _plain(self.own.get(name))
                if (own if then is None else then) != (own if now is None else now):
                    shown = flag or f"--{name.replace('_', '-')}"
                    yield f"{_given(shown, then)}, not {_given(shown, now)}"


def _plain(value: Any) -> Any:
    """Return a value as it comes back from a file."""
    return json.loads(json.dumps(value, default=str))


def _given(flag: str, value: Any) -> str:
    if value is None or value is False:
        return f"without {flag}"
    return f"with {flag}" if value is True else f"with {flag} {value}"
