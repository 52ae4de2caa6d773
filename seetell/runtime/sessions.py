"""ONNX Runtime sessions for the graphs of a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from seetell.errors import BundleError

if TYPE_CHECKING:
    from seetell.runtime.bundle import Bundle


class Graph:
    """One ONNX graph, ready to run on the CPU.

    Args:
        source: the file, or its content.
        threads: how many threads one operator may use.
    """

    def __init__(self, source: Path | bytes, *, threads: int) -> None:
        self._name = str(source) if isinstance(source, Path) else "the graph in memory"
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # a plan of memory for every shape met: decoding meets hundreds, for 90 MB and no speed
        options.enable_mem_pattern = False
        # waiting threads that spin starve other processes and then this one: 3 times slower on a busy machine
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            model = str(source) if isinstance(source, Path) else source
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise BundleError(
                f"{self._name}: ONNX Runtime {ort.__version__} cannot load it ({reason}); the file is damaged or newer "
                "than this ONNX Runtime: install or export the model again"
            ) from error
        self.inputs = tuple(value.name for value in self._session.get_inputs())
        self.outputs = tuple(value.name for value in self._session.get_outputs())

    @classmethod
    def open(cls, bundle: Bundle, name: str, *, threads: int, precision: str | None = None) -> Graph:
        """Open a graph of a bundle.

        Args:
            bundle: the model.
            name: of the graph, such as ``encoder``.
            threads: how many threads one operator may use.
            precision: ``int8`` or ``fp32``; the bundle's own choice when absent.

        Raises:
            BundleError: there is no such graph, it is damaged, or its inputs and outputs are not those described.
            UsageError: there is none of that precision.
        """
        graph = cls(bundle.graph(name, precision), threads=threads)
        graph.require(inputs=bundle.graphs[name].inputs, outputs=bundle.graphs[name].outputs)
        return graph

    def require(self, *, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Check the graph's interface.

        Args:
            inputs: all that it may have.
            outputs: those that it must have.

        Raises:
            BundleError: it has other inputs or lacks an output.
        """
        surplus, lacking = set(self.inputs) - set(inputs), set(outputs) - set(self.outputs)
        if surplus or lacking:
            raise BundleError(
                f"{self._name}: expected inputs among {sorted(inputs)} and outputs {sorted(outputs)}, "
                f"got inputs {sorted(self.inputs)} and outputs {sorted(self.outputs)}; export the model again"
            )

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[np.ndarray]:
        """Compute the named outputs; feeds that are no input of the graph are ignored.

        Raises:
            MemoryError: ONNX Runtime could not get the memory it needs.
        """
        try:
            results: list[np.ndarray] = self._session.run(outputs, {name: feeds[name] for name in self.inputs})
        except Exception as error:  # ONNX Runtime has no error of its own for an allocation that failed
            if "alloc" in str(error):
                raise MemoryError(str(error)) from error
            raise
        return results
