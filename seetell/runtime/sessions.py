"""ONNX Runtime sessions for the parts of a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from seetell.errors import BundleError


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

    def require(self, *, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Check the graph's interface.

        Args:
            inputs: all it may take.
            outputs: what it must give.

        Raises:
            BundleError: it takes others or lacks some.
        """
        surplus, lacking = set(self.inputs) - set(inputs), set(outputs) - set(self.outputs)
        if surplus or lacking:
            raise BundleError(
                f"{self._name}: expected inputs among {sorted(inputs)} and outputs {sorted(outputs)}, "
                f"got inputs {sorted(self.inputs)} and outputs {sorted(self.outputs)}; export the model again"
            )

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[np.ndarray]:
        """Compute the named outputs; feeds that the graph does not take are left aside.

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
