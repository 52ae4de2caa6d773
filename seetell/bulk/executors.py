"""Who predicts: this process, or others that load the same model."""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from seetell.bulk.items import Item
from seetell.bulk.settings import Settings
from seetell.errors import PhotoError, UsageError
from seetell.photos.remote import source
from seetell.tasks.backends import Backend, backend_options, parse_reference
from seetell.tasks.registry import find_task

if TYPE_CHECKING:
    from seetell.photos.opening import PhotoSource


@dataclass(frozen=True)
class PredictorSpec:
    """How a process loads a model and what it asks of it; can be pickled.

    Attributes:
        task: name of the task that it predicts for.
        model: see :func:`seetell.tasks.loading.load`.
        loading: keyword arguments of loading, such as ``precision`` and ``threads``.
        options: keyword arguments of prediction.
        batch_size: images processed at once; the model's own choice when absent.
    """

    task: str
    model: str
    loading: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int | None = None

    def load(self) -> Any:
        """Load the model, and check the options.

        Raises:
            UsageError: there is no such model, or an option is not allowed.
            BundleError: it is damaged.
        """
        from seetell.tasks.loading import load_for

        predictor = load_for(find_task(self.task), self.model, **self.loading)
        predictor.check(**self.options)
        return predictor

    def settings(self) -> Settings:
        """Return what results depend on, without loading the model: without threads, device and other such options.

        Raises:
            UsageError: there is no such model.
        """
        passing = {"threads", *(option.name for option in backend_options() if not option.changes_results)}
        given = {
            name: value
            for name, value in self.loading.items()
            if value is not None and value is not False and name not in passing
        }
        options = {**given, **self.options}
        reference = parse_reference(self.model)
        if reference is not None:
            return Settings(self.task, self.model, _identity_of(self.model, *reference), options)
        from seetell.runtime.bundle import read_description
        from seetell.tasks.loading import find_model

        description = read_description(find_model(self.model))
        parts = [description.get(name) for name in ("files", "shared", "preprocessing", "settings")]
        identity = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return Settings(self.task, self.model, identity, options, own=_own_choices(description, options))


def _identity_of(model: str, backend: Backend, name: str) -> str:
    """Return what differs where models of a backend do: a hash of a folder's files, or what it is called."""
    from seetell.runtime.backends.hub_cache import files_identity

    return files_identity(Path(name)) if backend.scheme == "hf" and os.path.isdir(name) else model


def _own_choices(description: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a bundle chooses itself where an option is absent, as far as ``model.json`` tells.

    Options of a task are called as in the bundle's settings, such as ``beam_size`` in ``decoding``.
    """
    settings, graphs = (
        [each for each in (part, *part.values()) if isinstance(each, Mapping)] if isinstance(part, Mapping) else []
        for part in (description.get("settings"), description.get("graphs"))
    )
    own = {name: value for each in settings for name, value in each.items() if not isinstance(value, Mapping | list)}
    precision = options.get("precision")
    if {graph.get("default") for graph in graphs if precision in graph} == {precision}:
        own["precision"] = precision
    return own


class Done(NamedTuple):
    """The result of an item.

    Attributes:
        position: of the item in the input.
        item: what it was made for.
        result: one of :mod:`seetell.results`, or the error of an image that cannot be used.
        note: what a user should know of how the model read the text; mostly empty.
    """

    position: int
    item: Item
    result: Any
    note: str = ""


class Executor(Protocol):
    """Predicts for items."""

    def results(self, items: Iterator[tuple[int, Item]]) -> Iterator[Done]:
        """Yield the result of each item, once, in any order.

        Args:
            items: with their positions; taken as they are needed, no more than a bounded number ahead.
        """


class Local:
    """Predicts in this process; results come in the order of the items.

    Args:
        predictor: the model, see :meth:`PredictorSpec.load`.
        spec: what it was loaded by.
        source: returns what to open for the path of an image.
        check_texts: check the text of each item, an unusable one being an error of that item.
    """

    def __init__(
        self,
        predictor: Any,
        spec: PredictorSpec,
        *,
        source: Callable[[str], PhotoSource] = source,
        check_texts: bool = False,
    ) -> None:
        self._predictor, self._spec, self._source, self._check_texts = predictor, spec, source, check_texts
        self._with_texts = bool(find_task(spec.task).text_input)

    def results(self, items: Iterator[tuple[int, Item]]) -> Iterator[Done]:
        """Yield the result of each item; see :class:`Executor`."""
        read: deque[tuple[int, Item]] = deque()
        positions: deque[int] = deque()

        def inputs() -> Iterator[Any]:
            for position, item in items:
                read.append((position, item))
                positions.append(position)
                source = self._source(item.image)
                yield (source, item.text) if self._with_texts else source

        results = self._predictor.predict_many(
            inputs(),
            batch_size=self._spec.batch_size,
            sample_ids=iter(positions.popleft, None),
            **self._spec.options,
        )
        for result in results:
            done = Done(*read.popleft(), result)
            yield checked_text(self._predictor, done) if self._check_texts else done


def checked_text(predictor: Any, done: Done) -> Done:
    """Return a result with what is to be said of its text, or an error where the model can make nothing of it."""
    if isinstance(done.result, PhotoError):
        return done
    try:
        return done._replace(note=predictor.check_text(done.item.text))
    except UsageError as error:
        return done._replace(result=PhotoError(str(error)))
