"""Loading a model of any task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from seetell.errors import BundleError, OtherTaskError, UsageError, unknown
from seetell.extras import require
from seetell.runtime.bundle import Bundle, bundled_models, read_description
from seetell.runtime.memory import return_freed_memory
from seetell.runtime.sessions import opening_together
from seetell.runtime.threads import resolve_num_threads
from seetell.runtime.user_models import user_models
from seetell.tasks.backends import BACKENDS, Backend, check_options, parse_reference, transformers_tasks
from seetell.tasks.registry import Task, find_task, tasks

if TYPE_CHECKING:
    from seetell.tasks.captioning.captioner import Captioner
    from seetell.tasks.classification.classifier import Classifier
    from seetell.tasks.dense_captioning.predict import DenseCaptioner
    from seetell.tasks.grounding.predict import PhraseGrounder
    from seetell.tasks.retrieval.embedder import Embedder
    from seetell.tasks.tracking.predict import ObjectTracker


@overload
def load(
    model: Literal["caption"] = "caption", *, precision: str | None = None, threads: int | None = None
) -> Captioner[Any]: ...


@overload
def load(model: Literal["align"], *, precision: str | None = None, threads: int | None = None) -> PhraseGrounder: ...


@overload
def load(
    model: Literal["classify"], *, precision: str | None = None, threads: int | None = None
) -> Classifier[Any]: ...


@overload
def load(model: Literal["regions"], *, precision: str | None = None, threads: int | None = None) -> DenseCaptioner: ...


@overload
def load(model: Literal["retrieval"], *, precision: str | None = None, threads: int | None = None) -> Embedder[Any]: ...


@overload
def load(model: Literal["track"], *, precision: str | None = None, threads: int | None = None) -> ObjectTracker: ...


@overload
def load(
    model: str | Path,
    *,
    task: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    **options: Any,
) -> Any: ...


def load(
    model: str | Path = "caption",
    *,
    task: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    **options: Any,
) -> Any:
    """Load a model.

    Args:
        model: a command or a task, such as ``caption``, ``regions``, ``align``, ``classify`` or ``retrieval``, for the
            first bundled model of that task; the name of a bundled or downloaded model; the path of a model folder; or
            a model of a backend, such as ``hf:OWNER/NAME`` or ``openai:NAME@URL``, see :mod:`seetell.tasks.backends`.
        task: a command or a task, where the model does not say it; when absent, for a backend's the one task that it
            serves, or ``caption``.
        precision: ``int8`` or ``fp32`` for the encoder of a bundle; the bundle's own choice when absent.
        threads: processor threads to compute with; the physical cores when absent.
        options: of the backend, such as ``device`` or ``prompt``.

    Returns:
        The predictor of the task, such as :class:`seetell.Captioner`.

    Raises:
        UsageError: there is no such model, or not in this precision, or an option is not its backend's.
        BundleError: the model folder is incomplete or damaged.
    """
    return load_for(
        task_of(model) if task is None else find_task(task), model, precision=precision, threads=threads, **options
    )


def load_for(
    task: Task,
    model: str | Path | None = None,
    *,
    precision: str | None = None,
    threads: int | None = None,
    **options: Any,
) -> Any:
    """Load a model as the predictor of a task.

    Args:
        task: whose predictor.
        model: see :func:`load`, or a name of the task's ``without_model``; the task's first bundled model when absent.
        precision: see :func:`load`.
        threads: see :func:`load`.
        options: see :func:`load`; ``None`` stands for not given.

    Raises:
        UsageError: there is no such model, not in this precision, or it is a model for another task, or an option is
            not its backend's.
        BundleError: the model folder is incomplete or damaged.
    """
    reference = None if model is None else _reference(model)
    if reference is not None:
        backend, name = reference
        if precision is not None:
            raise UsageError(f"{model}: precision is for bundles; a model of {backend.form} has options of its own")
        options = check_options(backend, options, model)
        if backend.extra and backend.scheme in task.backends:
            require(backend.extra, f"a model of {backend.form}")
        try:
            return task.load_backend(backend.scheme)(name, threads=threads, **options)
        except OtherTaskError as error:
            raise _for_others(error, task) from error
    check_options(None, options, model or task.command)
    without = _without_model(task, model)
    if without:
        if precision is not None:
            raise UsageError(f"{without}: precision is for bundles; it needs no model")
        return task.load_without_model(without)(without, threads=threads)
    bundle = Bundle.load(find_model(task.name if model is None else model, task))
    if not task.takes(bundle.task, bundle.graphs):
        example = bundled_for(task)
        such = "" if example is None else f", such as {example.name!r}"
        other = _task_of(bundle.folder)
        raise UsageError(f"{model}: is a model for {_use(other)}; expected one for {_use(task)}{such}")
    make = task.load("predict")
    with opening_together(resolve_num_threads(threads)):
        predictor = make(bundle, precision=precision, threads=threads)
    return_freed_memory()
    return predictor


def find_model(model: str | Path, task: Task | None = None) -> Path:
    """Return the folder of a model.

    Args:
        model: see :func:`load`. A name takes precedence over a path: ``./NAME`` is always a path.
        task: that it is for; where there is no such model, the message names those that are.

    Raises:
        UsageError: there is no such model, or it is a backend's.
    """
    reference = _reference(model)
    if reference is not None:
        raise UsageError(f"{model}: expected a bundle, got a model of {reference[0].form}")
    return _resolve(model, task)[0]


def task_of(model: str | Path) -> Task:
    """Return the task whose predictor :func:`load` returns.

    Of a backend's models it is captioning, but where the backend serves one other task alone.

    Args:
        model: see :func:`load`.

    Raises:
        UsageError: there is no such model.
        BundleError: the model folder is damaged.
    """
    reference = _reference(model)
    if reference is not None:
        served = [task for task in tasks().values() if reference[0].scheme in task.backends]
        return served[0] if len(served) == 1 else find_task("caption")
    named = _named_task(model)
    if named is not None and _without_model(named, model):
        return named
    folder, task = _resolve(model)
    return task or _task_of(folder)


def bundled_for(task: Task) -> Path | None:
    """Return the first bundled model that a task's predictor can load, one of the task itself before any other."""
    described = [(read_description(folder), folder) for folder in bundled_models().values()]
    fitting = [
        (content["task"] != task.name, folder)
        for content, folder in described
        if task.takes(content["task"], content["graphs"])
    ]
    return min(fitting, key=lambda pair: pair[0], default=(False, None))[1]


def is_bundled(name: str) -> bool:
    """Return whether a name, also that of a task, is a model's that came with the package."""
    task = _named_task(name)
    return name in bundled_models() or (task is not None and bundled_for(task) is not None)


def _without_model(task: Task, model: str | Path | None) -> str:
    """Return the name of the task's predictor that needs no model, if that is meant; otherwise nothing."""
    if model in task.without_model:
        return str(model)
    unnamed = model in (None, task.name, task.command)
    return next(iter(task.without_model)) if unnamed and task.without_model and bundled_for(task) is None else ""


def _for_others(error: OtherTaskError, task: Task) -> UsageError:
    """Return the error for a model that a task cannot use, with the tasks that can."""
    able = [
        f"seetell {other.command}" if other.command else other.example for other in transformers_tasks(error.config)
    ]
    takers = f"it is for {', '.join(able)}" if able else "nothing in seetell takes such models"
    return UsageError(f"{error}, which is none for {_use(task)}; {takers}")


def _reference(model: str | Path) -> tuple[Backend, str] | None:
    """Return the backend and the name of a model that is no bundle."""
    return None if str(model) in bundled_models() else parse_reference(model)


def _resolve(model: str | Path, wanted: Task | None = None) -> tuple[Path, Task | None]:
    """Return a model's folder and, where a task was named, the task; ``wanted`` is the one that it is for, if known."""
    bundled = bundled_models()
    if str(model) in bundled:
        return bundled[str(model)], None
    task = _named_task(model)
    folder = None if task is None else bundled_for(task)
    if folder is not None:
        return folder, task
    downloaded = user_models()
    if str(model) in downloaded:
        return downloaded[str(model)], None
    if task is not None:
        others = "".join(f", or {BACKENDS[scheme].form}" for scheme in task.backends)
        raise UsageError(
            f"no model for {_use(task)} comes with this package; name one with --model: the folder of a bundle that "
            f"seetell export made of a run (seetell train --list names recipes){others}"
        )
    if Path(model).is_dir():
        return Path(model), None
    raise UsageError(_unknown_model(model, wanted))


def _unknown_model(model: str | Path, wanted: Task | None) -> str:
    """Format the message for an unknown model: those that are there for a task, or for any."""
    fitting = [name for name, folder in {**bundled_models(), **user_models()}.items() if _fits(folder, wanted)]
    known = [task for task in tasks().values() if bundled_for(task) and wanted in (None, task)]
    commands = [task.command or task.name for task in known]
    message = unknown("model", model, [*commands, *fitting, *(wanted.without_model if wanted else ())])
    message += " A path must be that of a model folder"
    forms = [backend.form for scheme, backend in BACKENDS.items() if wanted is None or scheme in wanted.backends]
    return f"{message}; models of other libraries are named {', '.join(forms)}." if forms else f"{message}."


def _fits(folder: Path, wanted: Task | None) -> bool:
    """Return whether a task can load a bundle, which may be damaged; of no task, any fits."""
    if wanted is None:
        return True
    try:
        content = read_description(folder)
        return wanted.takes(content["task"], content["graphs"])
    except (BundleError, KeyError):
        return False


def _named_task(name: str | Path) -> Task | None:
    if isinstance(name, Path) or not name.isidentifier():
        return None
    try:
        return find_task(name)
    except UsageError:
        return None


def _task_of(folder: Path) -> Task:
    try:
        return find_task(str(read_description(folder).get("task")))
    except UsageError as error:
        raise BundleError(f"{folder / 'model.json'}: {error}") from error


def _use(task: Task) -> str:
    name = task.name.replace("_", " ")
    return f"{name} (seetell {task.command})" if task.command else name
