"""The ONNX files of a bundle's graphs: written, quantised where that is offered and wanted, and compared with torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import onnx

from seetell.export.declaration import Declaration, GraphSpec
from seetell.export.parity import measure_graph, require_parity
from seetell.export.quantisation import quantise, quantise_dynamically
from seetell.export.shared_graphs import copy_own_tagging_graphs
from seetell.export.shared_weights import externalise_weights, halve_weights, quantise_weights, write_weights
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph

WEIGHTS = "weights.safetensors"


def write_graphs(
    declared: Declaration, folder: Path, precisions: Sequence[str], owner: Bundle | None, *, shared_encoder: bool
) -> tuple[dict[str, dict[str, Path]], dict[str, float]]:
    """Write weights and graphs, and compare them with torch.

    Returns:
        ONNX files by graph and precision, the default first, and differences by name.

    Raises:
        BundleError: a difference exceeds its tolerance.
    """
    if declared.weights:
        write_weights(declared.weights, folder / WEIGHTS)
    if declared.tagger is not None:
        copy_own_tagging_graphs(declared.tagger, folder, owner)
    files: dict[str, dict[str, Path]] = {}
    measured: dict[str, tuple[float, float]] = {}
    for spec in declared.graphs:
        if shared_encoder and spec.name == "encoder":
            spec = replace(spec, weights="shared")
        if owner is not None and spec.name == "encoder":
            written = _default_first(owner.graphs["encoder"].files, owner.graphs["encoder"].default)
        else:
            written = _write_graph(spec, folder)
            if spec.quantise and "int8" in precisions:
                written["int8"] = folder / f"{spec.name}.int8.onnx"
                if spec.quantise == "dynamic":
                    quantise_dynamically(written["fp32"], written["int8"])
                else:
                    quantise(written["fp32"], written["int8"], declared.examples.calibration)
            for file in written.values():
                _strip_shapes(file)
        measured.update(measure_graph(spec, written))
        files[spec.name] = written
    measured |= _checked(declared, files)
    require_parity(measured)
    for spec in declared.graphs:
        if spec.quantise and not (owner is not None and spec.name == "encoder"):
            if "fp32" not in precisions:
                files[spec.name].pop("fp32").unlink()
            files[spec.name] = _default_first(files[spec.name], precisions[0])
    return files, {name: value for name, (value, _) in measured.items()}


def _checked(declared: Declaration, files: Mapping[str, Mapping[str, Path]]) -> dict[str, tuple[float, float]]:
    """Run a declaration's comparisons; return each difference and the largest allowed by name."""
    names = [spec.name for spec in declared.graphs if spec.quantise != "static"]
    measured = {}
    for precision in ("fp32", "int8"):
        checks = [
            (check, tolerance)
            for check in declared.checks
            if (tolerance := check.tolerance if precision == "fp32" else check.int8_tolerance) is not None
        ]
        if not checks or not any(precision in files[name] for name in names):
            continue
        graphs = {name: Graph(files[name].get(precision, files[name]["fp32"]), threads=1) for name in names}
        for check, tolerance in checks:
            name = check.name if precision == "fp32" else f"{check.name}_int8"
            measured[name] = check.measure(graphs), tolerance
    return measured


def _default_first(files: Mapping[str, Path], default: str) -> dict[str, Path]:
    return {default: files[default], **files}


def _strip_shapes(file: Path) -> None:
    """Remove the shapes of what graphs compute on the way: ONNX Runtime infers them, and quantising is done."""
    model = onnx.load(file, load_external_data=False)
    del model.graph.value_info[:]
    file.write_bytes(model.SerializeToString())


def _write_graph(spec: GraphSpec, folder: Path) -> dict[str, Path]:
    """Write a graph in float32."""
    file = folder / f"{spec.name}.onnx"
    file.write_bytes(spec.to_onnx())
    if spec.weights == "half":
        halve_weights(file)
    elif spec.weights == "int8":
        quantise_weights(file)
    elif spec.weights == "shared":
        externalise_weights(file, folder / WEIGHTS)
    return {"fp32": file}
