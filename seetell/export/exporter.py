"""From a finished training run, or a model of another library, to a bundle: the folder that a user runs, without torch.

A task declares its graphs (:mod:`seetell.export.declaration`). Here they are written as ONNX, quantised where that is
offered and wanted, compared with torch, and described in ``model.json`` and on a card. The bundle is written whole or
not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any, Protocol

from seetell.atomic_write import atomic_directory
from seetell.errors import BundleError, UsageError, unknown
from seetell.export.card import write_description
from seetell.export.declaration import Declaration, GraphSpec, Origin
from seetell.export.description import LABELS, VOCABULARY, description_of, origin_of
from seetell.export.graph_files import write_graphs
from seetell.export.shared_graphs import encoder_owner, owner_of
from seetell.language.decoding import Decoding
from seetell.runtime.bundle import owner_folder
from seetell.runtime.file_hashes import file_hash
from seetell.runtime.tags import TAGGING_GRAPHS
from seetell.training.trained import load_trained

PRECISIONS = ("int8", "fp32")


class HasParts(Protocol):
    """A task, as the exporter needs it."""

    def about_settings(self, settings: Mapping[str, Any]) -> Sequence[str]:
        """Return what the card says of a bundle's settings."""

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
    with_weights: bool = True,
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
        with_weights: keep the weights for further training, which graphs of text read as well.
        replace: overwrite ``target`` if it exists.

    Returns:
        The content of ``model.json``.

    Raises:
        BundleError: ``target`` exists, or is the run's folder, within it or around it, the other model has another
            encoder, or the graphs differ from torch beyond tolerance; nothing is left behind.
        CheckpointError: the run has no usable weights.
        UsageError: there is no such precision or decoding option, or a graph reads the weights that are not to be kept;
            nothing is written.
    """
    check_target(target, precisions, source=run, replace=replace)
    if encoder_of:
        owner_folder(target, encoder_of)
    trained = load_trained(
        run,
        lambda config, *parts: find_task(config.task).load("model")(config, *parts),
        lambda task: find_task(task).load("config"),
    )
    task = find_task(trained.config.task)
    declared: Declaration = task.load("export")(trained)
    if not with_weights:
        if shared_encoder or any(spec.weights == "shared" for spec in declared.graphs):
            raise UsageError(f"--no-weights: a model for {trained.config.task} reads them; leave the option out")
        declared = with_changes(declared, weights={})
    return export_declared(
        declared,
        origin_of(trained, declared),
        target,
        name=name,
        precisions=precisions,
        decoding=decoding,
        encoder_of=encoder_of,
        shared_encoder=shared_encoder,
        about_settings=task.about_settings,
    )


def check_target(target: Path, precisions: Sequence[str], *, source: Path, replace: bool) -> None:
    """Check before any work where a bundle is to be written, and in which precisions.

    Raises:
        BundleError: the folder exists, and is not to be replaced, or it is that of the source, within it or around it.
        UsageError: there is no such precision.
    """
    for precision in precisions:
        if precision not in PRECISIONS:
            raise UsageError(f"--precision: {unknown('precision', precision, PRECISIONS)}")
    read, written = source.resolve(), target.resolve()
    if read.is_dir() and (read.is_relative_to(written) or written.is_relative_to(read)):
        raise BundleError(
            f"{target}: is the folder of {source}, within it or around it, and would replace what is exported; "
            f"name another folder, such as {read.name}-bundle"
        )
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
    about_settings: Callable[[Mapping[str, Any]], Sequence[str]] = lambda settings: (),
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
        about_settings: what the card says of the settings; see :class:`HasParts`.
    """
    if decoding:
        declared = _with_decoding(declared, decoding, task=origin.task)
    owner = encoder_owner(origin, declared, target, encoder_of) if encoder_of else None
    with atomic_directory(target) as folder:
        files, parity = write_graphs(declared, folder, precisions, owner, shared_encoder=shared_encoder)
        if origin.vocabulary is not None:
            origin.vocabulary.save(folder / VOCABULARY)
        if declared.labels:
            (folder / LABELS).write_text(json.dumps(declared.labels, indent=1, ensure_ascii=False) + "\n", "utf-8")
        description = description_of(origin, declared, folder, name=name or origin.name)
        description["graphs"] = {spec.name: _described(spec, files[spec.name]) for spec in declared.graphs}
        shared = {}
        if owner is not None:
            hashes = {precision: file_hash(file) for precision, file in files["encoder"].items()}
            shared["encoder"] = {"model": owner.folder.name, "sha256": hashes}
        if declared.tagger is not None:
            tagging = [name for name in TAGGING_GRAPHS if name in declared.tagger.graphs]
            way, entries = declared.tagger.preprocessing.to_dict(), declared.tagger.description["graphs"]
            description["graphs"] |= {
                name: {**({"preprocessing": way} if "images" in entries[name]["inputs"] else {}), **entries[name]}
                for name in tagging
            }
            shared |= {name: shared_with for name in tagging if (shared_with := owner_of(declared.tagger, name, owner))}
        if shared:
            description["shared"] = shared
        description["parity"] = parity
        write_description(folder, description, about_settings(description["settings"]))
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


def _described(spec: GraphSpec, files: Mapping[str, Path]) -> dict[str, Any]:
    """Describe a graph in ``model.json``."""
    names = {precision: file.name for precision, file in files.items()}
    return {**names, "default": next(iter(files)), "inputs": list(spec.inputs), "outputs": list(spec.outputs)}
