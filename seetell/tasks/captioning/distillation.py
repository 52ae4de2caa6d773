"""Distillation: learning from the predictions of earlier captioners beside reference captions.

Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015. The teachers see the same photos, mirrored
alike, and read the same words; their probabilities of the next word, softened by a temperature (equation 1), are
averaged arithmetically. The student learns what several captioners know together, and is as fast as one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from seetell.data.records import PhotoRecord
from seetell.errors import BundleError, RecipeError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, weights_hash
from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.config import CaptioningConfig, DistillationConfig
from seetell.tasks.captioning.models import Captioner, SoftTargets, build
from seetell.tasks.captioning.tagging import PhotoTagger, TaggedFeatures, load_tagger_bundle, tagger_bundle
from seetell.training.batches import BatchIndices
from seetell.training.config import RunConfig, config_from_dict, only
from seetell.training.encoding import Progress, features_cache
from seetell.training.features import CachedFeatures, FeatureSource, PixelFeatures, read_features
from seetell.training.run_folder import RunFolder
from seetell.training.trained import assemble, load_trained, read_pretrained


@dataclass(frozen=True)
class Teacher:
    """An earlier model, in evaluation mode.

    Attributes:
        captioner: predicts words.
        encoder: its own.
        source: features of the training photos from that encoder.
    """

    captioner: Captioner
    encoder: Encoder
    source: FeatureSource


class Teachers:
    """An ensemble to learn from.

    Args:
        config: temperature and weight.
        teachers: one or more, on the student's device.

    Attributes:
        hash: SHA-256 of the weights of all teachers in their order.
    """

    def __init__(self, config: DistillationConfig, teachers: Sequence[Teacher]) -> None:
        self._config, self._teachers = config, teachers
        modules = [module for teacher in teachers for module in (teacher.captioner, teacher.encoder)]
        self.hash = hashlib.sha256("".join(weights_hash(module) for module in modules).encode()).hexdigest()

    def prepare(self, indices: BatchIndices) -> tuple[Tensor, ...]:
        """Read what each teacher's features of a training batch are computed from."""
        return tuple(teacher.source.prepare(indices) for teacher in self._teachers)

    @torch.no_grad()
    def soft_targets(self, prepared: Sequence[Tensor], inputs: Tensor, targets: Tensor) -> SoftTargets:
        """Return the teachers' predictions at every real position, in 32 bits whatever the student's precision.

        Args:
            prepared: of :meth:`prepare`.
            inputs: ``(B, C, T)`` START and words.
            targets: ``(B, C, T)`` words and END, ``IGNORE_INDEX`` in padding.
        """
        temperature, device = self._config.temperature, inputs.device
        probabilities = []
        with torch.autocast(device.type, enabled=False):
            for teacher, batch in zip(self._teachers, prepared, strict=True):
                logits = teacher.captioner(teacher.source.features(batch.to(device)), inputs, targets)
                probabilities.append(torch.softmax(logits / temperature, dim=1))  # (M, V)
        return SoftTargets(torch.stack(probabilities).mean(dim=0), self._config.weight, temperature)


def load_teachers(
    config: RunConfig,
    photos: Sequence[PhotoRecord],
    vocabulary: Vocabulary,
    *,
    device: torch.device,
    progress: Progress,
) -> Teachers:
    """Load the teachers of a student's run and cache their features of its training photos, encoder by encoder.

    Raises:
        CheckpointError: a folder is neither a run nor a bundle, or is damaged.
        RecipeError: a teacher's vocabulary is another.
    """
    teachers = []
    for name in config.section.distillation.teachers:
        words, encoder, captioner = load_captioner(Path(name))
        if words.words != vocabulary.words:
            raise RecipeError(
                f"captioning.distillation.teachers: {name} has another vocabulary than this run ({len(words):,} words "
                f"there, {len(vocabulary):,} here); train it on the same captions with the same data.min_count"
            )
        captioner.requires_grad_(False).to(device)
        encoder.requires_grad_(False).to(device).to(memory_format=torch.channels_last)
        source = _feature_source(config, photos, captioner, encoder, progress)
        if captioner.uses_tags:
            tagger = PhotoTagger(_tagger_bundle(Path(name)), threads=torch.get_num_threads())
            paths, cache = [photo.path for photo in photos], config.encoder.cache
            tags, _ = tagger.cache(cache, paths, flips=config.data.flip, progress=progress)
            source = TaggedFeatures(source, tagger, tags, photos)
        teachers.append(Teacher(captioner, encoder, source))
    return Teachers(config.section.distillation, teachers)


def _tagger_bundle(teacher: Path) -> Bundle:
    """Return the bundle whose detectors tag photos for a teacher: a bundle itself, or the one that a run names."""
    if RunFolder(teacher).best.exists():
        return tagger_bundle(RunFolder(teacher).load_config(only(captioning=CaptioningConfig)))
    return load_tagger_bundle(teacher)


def load_captioner(path: Path) -> tuple[Vocabulary, Encoder, Captioner]:
    """Load a captioner, its vocabulary and encoder: the best weights of a run, or the weights of a bundle."""
    sections = only(captioning=CaptioningConfig)
    if RunFolder(path).best.exists():
        trained = load_trained(path, build, sections)
        assert trained.vocabulary is not None
        return trained.vocabulary, trained.encoder, trained.model
    weights = read_pretrained(path)
    bundle = Bundle.load(path)
    content, vocabulary = bundle.description.get("config", {}), bundle.require_vocabulary()
    try:
        kept = {name: content[name] for name in ("task", "encoder", "captioning")}
        config = config_from_dict(kept, sections)
    except (KeyError, TypeError, RecipeError) as error:
        raise BundleError(
            f"{path / 'model.json'}: expected the config of a captioner's run ({error}); export the model again"
        ) from error
    encoder, captioner = assemble(config, vocabulary, weights.parts, part="captioner", build=build)
    assert isinstance(captioner, Captioner)
    return vocabulary, encoder, captioner


def _feature_source(
    config: RunConfig, photos: Sequence[PhotoRecord], captioner: Captioner, encoder: Encoder, progress: Progress
) -> FeatureSource:
    if not config.encoder.cache:
        return PixelFeatures(encoder, photos, crop=False)
    cache, _ = features_cache(
        config.encoder.cache,
        encoder,
        [photo.path for photo in photos],
        with_grid=captioner.uses_grid,
        flips=config.data.flip,
        progress=progress,
    )
    return CachedFeatures(cache, photos, read_features(encoder))
