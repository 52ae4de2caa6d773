"""The tasks seetell knows: what each folder of ``seetell/tasks`` declares, and what plug-ins add.

>>> from seetell.tasks.registry import find_task
>>> find_task("caption").load("predict")
<class 'seetell.tasks.captioning.predict.BundleCaptioner'>

Command line, server and loading go through this table and know the shapes of results, never a task. Everything heavy in
a declaration is a name, imported when it is first asked for.
"""

from __future__ import annotations

import glob
import os
import pkgutil
import sys
import warnings
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

from seetell.errors import UsageError, unknown

ENTRY_POINTS = "seetell.tasks"
"""Group of the entry points by which installed packages add tasks; each names a :class:`Task`."""

_PARTS = ("predict", "evaluate", "explain", "network", "config", "train", "model", "export", "export_hub", "card")


@dataclass(frozen=True)
class Option:
    """A keyword argument of a predictor, which the command line and the server offer too.

    Attributes:
        name: the keyword, such as ``beam_size``.
        type: of its values.
        help: one sentence.
        default: ``None`` for the model's own.
        flag: how the command line spells it, where that is not ``--beam-size``.
        minimum: least value.
        maximum: greatest value.
        choices: the only values, if they are few.
        served: whether it is a query parameter of ``POST /v1/<command>`` too.
        changes_results: whether results depend on it, so that those made with different values do not mix in a file.
        writes: endings of the picture that is written to the file that it names, if it names such a file.
    """

    name: str
    type: type
    help: str
    default: Any = None
    flag: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    served: bool = False
    changes_results: bool = True
    writes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One kind of answer. Parts are ``module:attribute``, the module relative to the task's package.

    Attributes:
        name: the folder, such as ``captioning``.
        command: the verb: ``seetell <command>``, ``POST /v1/<command>``, ``seetell.load("<command>")``; empty without
            a command that predicts.
        summary: one line of help.
        result: shape of its results: ``text``, ``regions``, ``labels``, ``masks``, ``tracks``, ``shots``, ``passage``
            or ``view``; empty without such a command.
        example: a command line.
        predict: the predictor, called with a bundle.
        evaluate: scores a predictor on a data set.
        main_scores: the names of scores that the list of models tells; of several, the first that a model has.
        explain: what of a prediction can be explained; see :mod:`seetell.explain.explained`.
        network: the same for methods that need gradients, in torch; see :mod:`seetell.explain.network`.
        config: the task's section of a recipe, a frozen dataclass.
        train: what the training loop needs.
        model: builds the network from a recipe.
        export: the graphs to export.
        export_hub: those of a model of transformers.
        card: called with the settings of a bundle, returns what its card says of them: sentences in Markdown.
        options: of the predictor.
        evaluate_options: further options of ``seetell evaluate``.
        input: what it is about: ``image``, ``video``, or ``none`` where it needs nothing but a model and options.
        videos: name of the task that takes the videos that are given to this one's command.
        text_input: name of a text that goes with each image, such as ``sentence``.
        written: whether the texts of its regions are what is written there, in the order of reading.
        reads: tasks whose bundles its predictor can load besides its own; ``detection:masks`` stands for those with
            that graph.
        without_model: predictors that need no model, by the names that stand for them where a model is named; each is
            called with the name and ``threads``. The first is the default where no bundled model fits.
        backends: predictors of models that are no bundles, by the scheme of :mod:`seetell.tasks.backends`; each is
            called with the model's name, ``threads`` and the options of the backend.
        architectures: classes of transformers that its predictor of ``hf`` runs, by which it is told what a model on
            the disk is for; a name with ``*`` stands for those that have a vision encoder.
        package: where the parts are; filled in for the package's own tasks and for entry points.
    """

    name: str
    command: str
    summary: str
    result: str
    example: str
    predict: str = ""
    evaluate: str = ""
    explain: str = ""
    network: str = ""
    config: str = ""
    train: str = ""
    model: str = ""
    export: str = ""
    export_hub: str = ""
    card: str = ""
    main_scores: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    evaluate_options: tuple[Option, ...] = ()
    input: Literal["image", "video", "none"] = "image"
    videos: str = ""
    text_input: str = ""
    written: bool = False
    reads: tuple[str, ...] = ()
    without_model: Mapping[str, str] = field(default_factory=dict)
    backends: Mapping[str, str] = field(default_factory=dict)
    architectures: tuple[str, ...] = ()
    package: str = ""

    def takes(self, task: str, graphs: Container[str]) -> bool:
        """Return whether its predictor can load a bundle.

        Args:
            task: of the bundle.
            graphs: names of the bundle's.
        """
        entries = (entry.partition(":") for entry in (self.name, *self.reads))
        return any(name == task and (not graph or graph in graphs) for name, _, graph in entries)

    def load(self, part: str) -> Any:
        """Import and return a part.

        Args:
            part: ``predict``, ``evaluate``, ``explain``, ``network``, ``config``, ``train``, ``model``, ``export``,
                ``export_hub`` or ``card``.

        Raises:
            UsageError: the task has no such part.
        """
        place = getattr(self, part) if part in _PARTS else ""
        if not place:
            raise UsageError(f"{self.name}: {unknown('part', part, (p for p in _PARTS if getattr(self, p)))}")
        return self._imported(place)

    def about_settings(self, settings: Mapping[str, Any]) -> Sequence[str]:
        """Return what the card of a bundle says of its settings, by the part ``card``; nothing without one."""
        return self.load("card")(settings) if self.card else ()

    def load_backend(self, scheme: str) -> Any:
        """Import and return the predictor of a backend's models.

        Raises:
            UsageError: the task has none for this backend.
        """
        if scheme not in self.backends:
            able = ", ".join(task.command or task.name for task in tasks().values() if scheme in task.backends)
            raise UsageError(f"seetell {self.command or self.name} takes no {scheme}: models; those that do: {able}")
        return self._imported(self.backends[scheme])

    def load_without_model(self, name: str) -> Any:
        """Import and return the predictor of ``without_model`` that has this name."""
        return self._imported(self.without_model[name])

    def _imported(self, place: str) -> Any:
        module, _, attribute = place.partition(":")
        return getattr(import_module(f"{self.package}.{module}"), attribute)


_registered: dict[str, Task] = {}


def tasks() -> Mapping[str, Task]:
    """Return all tasks by name: the package's own, then those of plug-ins."""
    return MappingProxyType({**_built_in(), **_plugged_in(), **_registered})


def find_task(name: str) -> Task:
    """Return a task by its name or its command; plug-ins are looked for only if none of the package's own fits.

    Raises:
        UsageError: there is none.
    """
    for known in (_built_in, tasks):
        for task in known().values():
            if name and name in (task.name, task.command):
                return task
    raise UsageError(unknown("task", name, (task.command or task.name for task in tasks().values())))


def register(task: Task) -> None:
    """Add a task for this process.

    Args:
        task: with its ``package``.

    Raises:
        UsageError: its name or command is taken, or it does not say in which package its parts are.
    """
    if not task.package:
        raise UsageError(f"{task.name}: expected the package that holds the task's parts, got none")
    _check_free(task, tasks())
    _registered[task.name] = task


@cache
def _built_in() -> Mapping[str, Task]:
    found = {}
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(import_module(package).__path__):
        if module.ispkg:
            home = f"{package}.{module.name}"
            task: Task = replace(import_module(f"{home}.task").TASK, package=home)
            found[task.name] = task
    return found


@cache
def _plugged_in() -> Mapping[str, Task]:
    found: dict[str, Task] = {}
    if not _any_declared():
        return found
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        try:
            task: Task = point.load()
            task = replace(task, package=task.package or import_module(point.module).__package__ or "")
            _check_free(task, {**_built_in(), **found})
        except Exception as error:  # whatever a plug-in raises, it must not stop the others
            warnings.warn(f"the plug-in {point.name!r} ({point.value}) was skipped: {error}", stacklevel=2)
            continue
        found[task.name] = task
    return found


def _any_declared() -> bool:
    """Return whether an installed package declares a plug-in, in a tenth of the time that importlib.metadata takes."""
    section = f"[{ENTRY_POINTS}]".encode()
    for folder in sys.path:
        for file in glob.iglob("*.*-info/entry_points.txt", root_dir=folder or "."):
            try:
                with open(os.path.join(folder, file), "rb") as declarations:
                    if section in declarations.read():
                        return True
            except OSError:
                continue  # a package that is just being removed
    return False


def _check_free(task: Task, others: Mapping[str, Task]) -> None:
    for other in others.values():
        if task.name == other.name or (task.command and task.command == other.command):
            raise UsageError(f"there is already a task {other.name!r} with the command {other.command!r}")
