"""Predictions on a cluster, by Ray Data: actors that load the model once, and take pictures as they can.

Ray restarts an actor that ends, on another machine if need be, and gives it its pictures again. Every machine needs
seetell itself, the model under the same name, and the photos at the same paths or addresses.
"""

from __future__ import annotations

import itertools
import logging
import os
import pickle
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from seetell.bulk.executors import Done, Local, PredictorSpec
from seetell.bulk.items import Item
from seetell.errors import SeetellError, UsageError

BLOCK = 64
"""Pictures that an actor is given at once, and that are done again if it ends in between."""

WINDOW = 20_000
"""Pictures whose names are in the cluster's memory at once."""


ANSWER_SECONDS = 10.0
"""Timeout to find out whether a cluster is where it is said to be."""


class OnRay:
    """Predicts on the cluster that ``$RAY_ADDRESS`` names, or on one that is begun on this machine for the run.

    Args:
        spec: loads the model. Each actor computes with its ``threads``, one if they are absent, and with a GPU if its
            ``device`` is one.
        workers: actors at most; as many as the cluster has processors and GPUs for when absent.
        check_texts: see :class:`~seetell.bulk.executors.Local`.
    """

    def __init__(self, spec: PredictorSpec, *, workers: int | None = None, check_texts: bool = False) -> None:
        threads = spec.loading.get("threads") or 1
        self._spec = replace(spec, loading={**spec.loading, "threads": threads})
        self._check_texts = check_texts
        self._cpus, self._gpus = threads, int(str(spec.loading.get("device") or "").startswith("cuda"))
        self._workers = workers

    def results(self, items: Iterator[tuple[int, Item]]) -> Iterator[Done]:
        """Yield the result of each item, as they come; see :class:`~seetell.bulk.executors.Executor`."""
        _connect()
        workers = self._workers or self._most()
        while window := dict(itertools.islice(items, WINDOW)):
            for position, result, note in self._window(window, workers):
                item = window.pop(position, None)
                if item is not None:  # a block that was done twice
                    yield Done(position, item, result, note)
            if window:
                raise SeetellError(f"Ray ended without {len(window):,} results; run again for what is missing")

    def _most(self) -> int:
        """Return how many actors the cluster has room for."""
        import ray

        there = ray.cluster_resources()  # type: ignore[no-untyped-call]
        wanted = {"CPU": self._cpus, "GPU": self._gpus}
        return max(1, int(min(there.get(kind, 0) / number for kind, number in wanted.items() if number)))

    def _window(self, window: Mapping[int, Item], workers: int) -> Iterator[tuple[int, Any, str]]:
        """Yield position, result and note of each item that the actors did."""
        import ray.data
        from ray.exceptions import RayError

        blocks = -(-len(window) // BLOCK)
        rows = [{"position": position, "image": image, "text": text} for position, (image, text) in window.items()]
        dataset = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            _Worker,
            fn_constructor_args=(self._spec, self._check_texts),
            batch_size=BLOCK,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers, blocks)),
            num_cpus=self._cpus,
            num_gpus=self._gpus,
        )
        try:
            for batch in dataset.iter_batches(batch_size=None, batch_format="numpy"):
                for packed in batch["done"]:
                    done = pickle.loads(packed)  # of our own actors
                    if isinstance(done, Exception):
                        raise done
                    yield done
        except RayError as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise SeetellError(f"Ray: {lines[-1] if lines else type(error).__name__}") from error


class _Worker:
    """An actor: the model, loaded when the first pictures come.

    Args:
        spec: see :class:`OnRay`.
        check_texts: see :class:`OnRay`.
    """

    def __init__(self, spec: PredictorSpec, check_texts: bool) -> None:
        self._spec, self._check_texts = spec, check_texts
        self._local: Local | None = None

    def __call__(self, batch: Mapping[str, np.ndarray]) -> dict[str, list[bytes]]:
        """Predict for some pictures; what ends the run is handed on, for Ray would try it again and again."""
        named = zip(batch["position"].tolist(), batch["image"], batch["text"], strict=True)
        pairs = [(position, Item(str(image), str(text))) for position, image, text in named]
        try:
            return {"done": [pickle.dumps(done) for done in self._done(pairs)]}
        except SeetellError as error:
            return {"done": [pickle.dumps(error)]}

    def _done(self, pairs: Sequence[tuple[int, Item]]) -> list[tuple[int, Any, str]]:
        if self._local is None:
            self._local = Local(self._spec.load(), self._spec, check_texts=self._check_texts)
        return [(done.position, done.result, done.note) for done in self._local.results(iter(pairs))]


def _connect() -> None:
    """Connect to the cluster, or begin one on this machine; nothing is reported to Ray's makers.

    Raises:
        UsageError: no cluster answers at ``$RAY_ADDRESS``.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    address = os.environ.get("RAY_ADDRESS") or "local"
    _check_answers(address)
    import ray
    import ray.data

    if not ray.is_initialized():
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False


def _check_answers(address: str) -> None:
    """Raise a ``UsageError`` if nothing listens at an address of a host and a port; Ray would try for many minutes."""
    place = urlsplit(address if "://" in address else f"//{address}")
    try:
        if place.hostname and place.port:
            socket.create_connection((place.hostname, place.port), timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        raise UsageError(f"RAY_ADDRESS={address}: no cluster of Ray answers there ({error})") from error
