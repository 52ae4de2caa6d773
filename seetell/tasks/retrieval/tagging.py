"""The tags of a run's photos, as aligners and the grounders that stand on them read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from seetell.data.records import Photo
from seetell.errors import RecipeError
from seetell.runtime.bundle import Bundle
from seetell.runtime.tags import MAX_DETECTION_ROWS
from seetell.tasks.retrieval.config import RetrievalConfig
from seetell.tasks.retrieval.models.aligner import AlignerConfig
from seetell.tasks.retrieval.models.tags import ObjectTags
from seetell.tasks.tagging import CachedTags, PhotoTagger
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress


def open_tagger(section: RetrievalConfig) -> PhotoTagger | None:
    """Open the bundle that tags the photos of a run; ``None`` where its aligner reads no tags.

    Raises:
        BundleError: it is no bundle, or has no graph that is needed.
        RecipeError: its tags are not those that the aligner reads.
    """
    if not section.aligner.reads_tags:
        return None
    tagger = PhotoTagger(Bundle.load(section.tagger), ObjectTags._fields, threads=torch.get_num_threads())
    _check(tagger, section.aligner)
    return tagger


def cache_tags(
    tagger: PhotoTagger | None, config: RunConfig, photos: Sequence[Photo], *, progress: Progress
) -> CachedTags | None:
    """Tag the photos of a run that are not in its cache yet."""
    if tagger is None:
        return None
    files = list(dict.fromkeys(photo.path for photo in photos))
    cache, _ = tagger.cache(config.encoder.cache, files, flips=config.data.flip, progress=progress)
    return CachedTags(tagger, cache)


def read_tags(tags: CachedTags, photos: Sequence[Path], view: int, device: torch.device) -> ObjectTags:
    """Return the cached tags of photos, on a device; view 1 is that of the mirrored photos."""
    found = tags.read(photos, view)
    return ObjectTags(**{name: found[name].to(device) for name in ObjectTags._fields})


def _check(tagger: PhotoTagger, aligner: AlignerConfig) -> None:
    sizes = {"imagenet": "imagenet_classes", "objects": "object_classes", "words": "detected_words"}
    for name, field in sizes.items():
        size = getattr(aligner, field)
        if tagger.features[name] != (size,):
            raise RecipeError(f"retrieval.aligner.{field}: the tagger gives {tagger.features[name][0]}, got {size}")
    if aligner.detections > MAX_DETECTION_ROWS:
        raise RecipeError(
            f"retrieval.aligner.detections: expected at most {MAX_DETECTION_ROWS}, got {aligner.detections}"
        )
