"""From a finished training run, or a model of another library, to a bundle: the folder that a user runs, without torch.

A task declares its graphs (:mod:`seetell.export.declaration`). Here they are written as ONNX, quantised where that is
offered and wanted, compared with torch, and described in ``model.json`` and on a card. The bundle is written whole or
not at all.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from seetell.atomic_write import atomic_directory
from seetell.errors import BundleError, UsageError, unknown
from seetell.export.card import write_description
from seetell.export.declaration import Declaration, GraphSpec, Origin
from seetell.export.parity import measure_graph, require_parity
from seetell.export.quantisation import quantise, quantise_dynamically
from seetell.export.shared_weights import externalise_weights, halve_weights, quantise_weights, write_weights
from seetell.language.decoding import Decoding
from seetell.runtime.bundle import FORMAT, Bundle, bundled_models, owner_folder, read_description, sha256
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import TAGGING_GRAPHS
from seetell.training.config import UNSPECIFIED, CardConfig
from seetell.training.trained import Trained, load_trained

PRECISIONS = ("int8", "fp32")
WEIGHTS, VOCABULARY, LABELS = "weights.safetensors", "vocabulary.json", "labels.json"
DESCRIPTION = "model.json"

MACHINE_ONLY = ("device", "threads", "card", "init_from", "teachers", "tagger", "path", "cache", "boxes")
"""Fields of a configuration that hold on one machine only, or that ``model.json`` has under another name."""


class HasParts(Protocol):
    """A task, as the exporter needs it."""

    def load(self, part: str) -> Any:
        """Return the task's ``config``, ``model`` or ``export``."""


def export_run(
    run: Path,
    target: Path,
    *,
    find_task: Callable[[str], HasParts],
    name: str | None = None,
    precisions: Sequence[str] = PRECISIONS,
    decoding: Mapping[str, Any] | None = None,
    encoder_of: str | None = None,
    shared_encoder: bool = False,
    replace: bool = False,
) -> dict[str, Any]:
    """Write the bundle of a run's best weights.

    Args:
        run: the run's folder; its photos are needed to calibrate and to compare.
        target: the bundle's folder.
        find_task: finds a task by name; see :func:`seetell.tasks.registry.find_task`.
        name: of the bundle; the run's name when absent.
        precisions: of graphs that can be quantised, ``int8`` or ``fp32``; the first is the default.
        decoding: decoding defaults that differ from the run's.
        encoder_of: use the encoder of this model, a folder beside ``target`` or a bundled model, instead of writing it.
        shared_encoder: the encoder's graph, too, reads its arrays from the weights for further training, in half
            precision; see :func:`~seetell.nn.onnx_graph.absorb_norms`. For the precision ``fp32`` alone.
        replace: overwrite ``target`` if it exists.

    Returns:
        The content of ``model.json``.

    Raises:
        BundleError: ``target`` exists, the other model has another encoder, or the graphs differ from torch beyond
            tolerance; nothing is left behind.
        CheckpointError: the run has no usable weights.
        UsageError: there is no such precision or decoding option; nothing is written.
    """
    check_target(target, precisions, replace=replace)
    if encoder_of:
        owner_folder(target, encoder_of)
    trained = load_trained(
        run,
        lambda config, *parts: find_task(config.task).load("model")(config, *parts),
        lambda task: find_task(task).load("config"),
    )
    declared: Declaration = find_task(trained.config.task).load("export")(trained)
    return export_declared(
        declared,
        _origin(trained, declared),
        target,
        name=name,
        precisions=precisions,
        decoding=decoding,
        encoder_of=encoder_of,
        shared_encoder=shared_encoder,
    )


def check_target(target: Path, precisions: Sequence[str], *, replace: bool) -> None:
    """Check before any work where a bundle is to be written, and in which precisions.

    Raises:
        BundleError: the folder exists, and is not to be replaced.
        UsageError: there is no such precision.
    """
    for precision in precisions:
        if precision not in PRECISIONS:
            raise UsageError(f"--precision: {unknown('precision', precision, PRECISIONS)}")
    if target.exists() and not replace:
        raise BundleError(f"{target} exists; name another folder, or replace it with --force")


def export_declared(
    declared: Declaration,
    origin: Origin,
    target: Path,
    *,
    name: str | None = None,
    precisions: Sequence[str] = PRECISIONS,
    decoding: Mapping[str, Any] | None = None,
    encoder_of: str | None = None,
    shared_encoder: bool = False,
) -> dict[str, Any]:
    """Write a bundle of what a task declared; ``target`` is replaced if it exists.

    Args:
        declared: its graphs.
        origin: where the weights come from.
        target: see :func:`export_run`, also for the others, for what is returned, and for errors.
        name: of the bundle; the origin's when absent.
        precisions: see there.
        decoding: see there.
        encoder_of: see there.
        shared_encoder: see there.
    """
    if decoding:
        declared = _with_decoding(declared, decoding, task=origin.task)
    owner = _encoder_owner(origin, declared, target, encoder_of) if encoder_of else None
    with atomic_directory(target) as folder:
        files, parity = _write_graphs(declared, folder, precisions, owner, shared_encoder=shared_encoder)
        if origin.vocabulary is not None:
            origin.vocabulary.save(folder / VOCABULARY)
        if declared.labels:
            (folder / LABELS).write_text(json.dumps(declared.labels, indent=1, ensure_ascii=False) + "\n", "utf-8")
        description = _description(origin, declared, folder, name=name or origin.name)
        description["graphs"] = {spec.name: _described(spec, files[spec.name]) for spec in declared.graphs}
        shared = {}
        if owner is not None:
            hashes = {precision: sha256(file) for precision, file in files["encoder"].items()}
            shared["encoder"] = {"model": owner.folder.name, "sha256": hashes}
        if declared.tagger is not None:
            tagging = [name for name in TAGGING_GRAPHS if name in declared.tagger.graphs]
            way, entries = declared.tagger.preprocessing.to_dict(), declared.tagger.description["graphs"]
            description["graphs"] |= {
                name: {**({"preprocessing": way} if "images" in entries[name]["inputs"] else {}), **entries[name]}
                for name in tagging
            }
            shared |= {
                name: shared_with for name in tagging if (shared_with := _owner_of(declared.tagger, name, owner))
            }
        if shared:
            description["shared"] = shared
        description["parity"] = parity
        write_description(folder, description)
    return description


def _with_decoding(declared: Declaration, decoding: Mapping[str, Any], *, task: str) -> Declaration:
    """Replace decoding defaults.

    Raises:
        UsageError: there is no such option, or the model generates no text.
    """
    if "decoding" not in declared.settings:
        raise UsageError(f"--set: a model for {task} generates no text, so it has no decoding defaults")
    changed = Decoding.from_dict(declared.settings["decoding"]).with_options(**decoding)
    return with_changes(declared, settings={**declared.settings, "decoding": changed.to_dict()})


def _encoder_owner(origin: Origin, declared: Declaration, target: Path, name: str) -> Bundle:
    """Load the model whose encoder is used.

    Raises:
        BundleError: it prepares images in another way.
        UsageError: there is no such model, or one of the two has no graph ``encoder``.
    """
    other = Bundle.load(owner_folder(target, name))
    for owner, graphs in ((origin.name, [spec.name for spec in declared.graphs]), (name, other.graphs)):
        if "encoder" not in graphs:
            raise UsageError(f"--encoder-of: {owner} has no graph 'encoder' that could be shared")
    if other.preprocessing != origin.preprocessing:
        raise BundleError(f"{other.folder} prepares images in another way than {origin.name} was trained with")
    return other


def _write_graphs(
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
        _copy_own_tagging_graphs(declared.tagger, folder, owner)
    files: dict[str, dict[str, Path]] = {}
    measured: dict[str, tuple[float, float]] = {}
    for spec in declared.graphs:
        if shared_encoder and spec.name == "encoder":
            spec = with_changes(spec, weights="shared")
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


def _copy_own_tagging_graphs(tagger: Bundle, folder: Path, owner: Bundle | None) -> None:
    """Copy the graphs that a bundle tags images with, but for those that can be shared."""
    for name in TAGGING_GRAPHS:
        if name in tagger.graphs and not _owner_of(tagger, name, owner):
            for file in tagger.graphs[name].files.values():
                shutil.copyfile(file, folder / file.name)


def _owner_of(tagger: Bundle, graph: str, owner: Bundle | None) -> dict[str, Any]:
    """Return how ``model.json`` describes a tagging graph that is another bundle's; nothing where it must be copied.

    It is the bundle that the tagger shares it with, or the tagger, if that is a bundled model or the one whose encoder
    is shared.
    """
    shared: dict[str, Any] = tagger.description.get("shared", {}).get(graph, {})
    installed = [*bundled_models().values(), *([] if owner is None else [owner.folder])]
    if not shared and tagger.folder.resolve() in [folder.resolve() for folder in installed]:
        hashes = {precision: sha256(file) for precision, file in tagger.graphs[graph].files.items()}
        shared = {"model": tagger.folder.name, "sha256": hashes}
    return shared


def _default_first(files: Mapping[str, Path], default: str) -> dict[str, Path]:
    return {default: files[default], **files}


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


def _described(spec: GraphSpec, files: Mapping[str, Path]) -> dict[str, Any]:
    """Describe a graph in ``model.json``."""
    names = {precision: file.name for precision, file in files.items()}
    return {**names, "default": next(iter(files)), "inputs": list(spec.inputs), "outputs": list(spec.outputs)}


def _origin(trained: Trained, declared: Declaration) -> Origin:
    """Return where the weights of a run come from."""
    config = trained.config
    return Origin(
        task=config.task,
        preprocessing=trained.encoder.preprocessing,
        vocabulary=trained.vocabulary,
        encoder=config.encoder.name,
        encoder_parameters=_parameters(trained.encoder),
        name=config.name,
        card=_inherited(declared.card or config.card, Path(config.init_from) if config.init_from else None),
        command=f"seetell train {config.name}",
        started_from=Path(config.init_from).name,
        config=portable_config(config.to_dict()),
        trained_steps=trained.metadata["step"],
        scores=trained.metadata["scores"] if declared.scores is None else declared.scores,
    )


def _description(origin: Origin, declared: Declaration, folder: Path, *, name: str) -> dict[str, Any]:
    """Return the content of ``model.json`` but for its graphs."""
    files = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    description: dict[str, Any] = {
        "format": FORMAT,
        "name": name,
        "task": origin.task,
        "architecture": declared.architecture,
        "preprocessing": origin.preprocessing.to_dict(),
    }
    if origin.vocabulary is not None:
        size = len(origin.vocabulary)
        description["vocabulary"] = {"file": VOCABULARY, "sha256": origin.vocabulary.hash, "size": size}
    if declared.labels:
        description["labels"] = {"file": LABELS, "sha256": files[LABELS], "size": len(declared.labels)}
    return description | {
        "graphs": {},
        "settings": declared.settings,
        "parameters": {"encoder": origin.encoder_parameters, "model": sum(map(_parameters, declared.models))},
        "encoder": origin.encoder,
        "files": files,
        "licence": origin.card.licence,
        "training_data": origin.card.training_data,
        "terms": origin.card.terms,
        "command": origin.command,
        "started_from": origin.started_from,
        "distilled_from": list(declared.distilled_from),
        "config": dict(origin.config),
        "trained_steps": origin.trained_steps,
        "scores": {"val": {**origin.scores, "command": origin.command}} if origin.scores else {},
        "parity": {},
    }


def _inherited(card: CardConfig, started_from: Path | None) -> CardConfig:
    """Return a card on which rights left unspecified are those of the bundle that the run started from, if from one."""
    if started_from is None or not (started_from / DESCRIPTION).is_file():
        return card
    before = read_description(started_from)
    known = {key: before.get(key, value) if value == UNSPECIFIED else value for key, value in vars(card).items()}
    if card.training_data == UNSPECIFIED:
        known["training_data"] = f"the photos of this run; before, as {before['name']}: {known['training_data']}"
    return with_changes(card, **known)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def portable_config(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's configuration without what holds on one machine only, such as paths."""
    return {
        key: portable_config(value) if isinstance(value, Mapping) else value
        for key, value in content.items()
        if key not in MACHINE_ONLY and not (key in ("photos", "captions") and not isinstance(value, int))
    }
