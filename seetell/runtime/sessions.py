"""ONNX Runtime sessions for the graphs of a bundle, whose runs have a deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import onnxruntime as ort

from seetell.errors import BundleError
from seetell.runtime.deadlines import deadlines
from seetell.runtime.external_data import check_graph

FATAL = 4
"""ONNX Runtime's level of log messages."""

OPENED_AT_ONCE = 4
"""Most graphs that are opened at the same time: each takes memory of its own meanwhile."""

GRACE_SECONDS = 2.0
"""How long a run that was told to end is waited for."""

if TYPE_CHECKING:
    from seetell.runtime.bundle import Bundle

Seen = TypeVar("Seen")


ort.create_and_register_allocator(
    # an arena keeps what it once needed; graphs run in turn, so that one for all is much smaller than one for each
    ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT),
    ort.OrtArenaCfg({"arena_extend_strategy": 1}),  # by what is asked for, instead of twice as much each time
)


@dataclass
class _Openings:
    """Graphs that are being opened, and what is checked of them afterwards."""

    threads: ThreadPoolExecutor
    begun: list[Future[ort.InferenceSession]] = field(default_factory=list)
    checks: list[Callable[[], None]] = field(default_factory=list)


_openings: ContextVar[_Openings | None] = ContextVar("openings", default=None)


@contextmanager
def opening_together(threads: int) -> Iterator[None]:
    """Open the graphs that are made inside on several threads; when it is left, all are open and checked.

    Args:
        threads: with one, each graph is opened when it is made, as outside.

    Raises:
        BundleError: as making and requiring them would have.
    """
    if threads == 1:
        yield
        return
    with ThreadPoolExecutor(min(threads, OPENED_AT_ONCE), thread_name_prefix="seetell-graphs") as pool:
        openings = _Openings(pool)
        before = _openings.set(openings)
        try:
            yield
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            _openings.reset(before)
        for opened in openings.begun:
            opened.result()
        for check in openings.checks:
            check()


class Graph:
    """One ONNX graph, ready to run on the CPU.

    Within :func:`opening_together` it is opened in the background, and whatever needs it waits for that.

    Args:
        source: the file, or its content.
        threads: how many threads it computes with.
        images_alone: it is run by :meth:`run_each`, which computes an image on each thread; otherwise each operator
            uses all threads.
    """

    def __init__(self, source: Path | bytes, *, threads: int, images_alone: bool = False) -> None:
        self._images_at_once = threads if images_alone else 1
        self._name = str(source) if isinstance(source, Path) else "the graph in memory"
        self._has_loops = False
        opening = partial(self._open, source, threads=1 if images_alone else threads)
        openings = _openings.get()
        self._opened: Future[ort.InferenceSession]
        if openings is None:
            self._opened = Future()
            self._opened.set_result(opening())
        else:
            self._opened = openings.threads.submit(opening)
            openings.begun.append(self._opened)

    def _open(self, source: Path | bytes, *, threads: int) -> ort.InferenceSession:
        self._has_loops = isinstance(source, Path) and check_graph(source)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = FATAL  # errors are raised
        # a plan of memory for every shape met: decoding meets hundreds, for 90 MB and no speed
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.use_env_allocators", "1")  # the arena that all graphs share
        # waiting threads that spin starve other processes and then this one: 3 times slower on a busy machine
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            model = str(source) if isinstance(source, Path) else source
            return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise BundleError(
                f"{self._name}: ONNX Runtime {ort.__version__} cannot load it ({reason}); the file is damaged or newer "
                "than this ONNX Runtime: install or export the model again"
            ) from error

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of what it takes."""
        return tuple(value.name for value in self._opened.result().get_inputs())

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of what it can compute."""
        return tuple(value.name for value in self._opened.result().get_outputs())

    @classmethod
    def open(
        cls, bundle: Bundle, name: str, *, threads: int, precision: str | None = None, images_alone: bool = False
    ) -> Graph:
        """Open a graph of a bundle.

        Args:
            bundle: the model.
            name: of the graph, such as ``encoder``.
            threads: how many threads it computes with.
            precision: ``int8`` or ``fp32``; the bundle's own choice when absent.
            images_alone: see the class.

        Raises:
            BundleError: there is no such graph, it is damaged, or its inputs and outputs are not those described.
            UsageError: there is none of that precision.
        """
        graph = cls(bundle.graph(name, precision), threads=threads, images_alone=images_alone)
        graph.require(inputs=bundle.graphs[name].inputs, outputs=bundle.graphs[name].outputs)
        return graph

    def require(
        self, *, inputs: Sequence[str], outputs: Sequence[str], columns: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Check the graph's interface; within :func:`opening_together`, at its end.

        Args:
            inputs: all that it may have.
            outputs: those that it must have.
            columns: names of the values on the last axis of outputs.

        Raises:
            BundleError: it has other inputs, lacks an output, or an output has not as many values as names.
        """
        check = partial(self._check, inputs=inputs, outputs=outputs, columns=columns or {})
        openings = _openings.get()
        if openings is not None:
            openings.checks.append(check)
        else:
            check()

    def _check(self, *, inputs: Sequence[str], outputs: Sequence[str], columns: Mapping[str, Sequence[str]]) -> None:
        surplus, lacking = set(self.inputs) - set(inputs), set(outputs) - set(self.outputs)
        if surplus or lacking:
            raise BundleError(
                f"{self._name}: expected inputs among {sorted(inputs)} and outputs {sorted(outputs)}, "
                f"got inputs {sorted(self.inputs)} and outputs {sorted(self.outputs)}; export the model again"
            )
        for output in self._opened.result().get_outputs():
            names, found = columns.get(output.name), output.shape[-1] if output.shape else None
            if names is not None and isinstance(found, int) and found != len(names):
                raise BundleError(
                    f"{self._name}: gives {found} {output.name}, but model.json names {len(names)}; "
                    "export the model again"
                )

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[np.ndarray]:
        """Compute the named outputs; feeds that are no input of the graph are ignored.

        Raises:
            MemoryError: ONNX Runtime could not get the memory it needs.
            BundleError: the run did not end within :data:`~seetell.runtime.deadlines.RUN_SECONDS`.
        """
        options = ort.RunOptions()
        options.log_severity_level = FATAL
        taken = {name: feeds[name] for name in self.inputs}
        try:
            with deadlines.over(options):
                run = self._run_apart if self._has_loops else self._opened.result().run
                results: list[np.ndarray] = run(outputs, taken, options)
        except Exception as error:  # ONNX Runtime has no errors of its own for these
            if options.terminate:
                raise BundleError(
                    f"{self._name}: did not end within {deadlines.seconds} seconds; the model is damaged, or the batch "
                    "too large for this machine: try a smaller one (--batch-size)"
                ) from error
            if "alloc" in str(error):
                raise MemoryError(str(error)) from error
            raise
        return results

    def run_each(self, images: np.ndarray, outputs: Sequence[str], then: Callable[..., Seen]) -> list[Seen]:
        """Compute the named outputs for each of ``images`` ``(B, 3, H, W)`` alone; return what ``then`` makes of them.

        A batch would take more memory and no less time, for it leaves the processor's cache.
        """

        def see(image: np.ndarray) -> Seen:
            return then(*self.run({"images": image[None]}, outputs))

        if len(images) == 1 or self._images_at_once == 1:
            return list(map(see, images))
        with ThreadPoolExecutor(self._images_at_once) as pool:
            return list(pool.map(see, images))

    def run_in_parts(self, images: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
        """Compute the named outputs for ``images`` ``(B, 3, H, W)``; see :meth:`run_each`."""
        parts = self.run_each(images, outputs, lambda *part: part)
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def _run_apart(self, outputs: Sequence[str], feeds: Mapping[str, np.ndarray], options: ort.RunOptions) -> Any:
        """Run on a thread that can be left behind: ONNX Runtime does not end a loop that does nothing."""
        results: Queue[Any] = Queue()

        def run() -> None:
            try:
                results.put(self._opened.result().run(outputs, feeds, options))
            except Exception as error:
                results.put(error)

        Thread(target=run, name="seetell-loop", daemon=True).start()
        while True:
            try:
                result = results.get(timeout=GRACE_SECONDS)
            except Empty:
                if not options.terminate:
                    continue
                raise TimeoutError("it cannot be ended") from None
            if isinstance(result, Exception):
                raise result
            return result
