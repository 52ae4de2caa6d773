"""Measure runs of ``flickr8k-to-coco-*.yaml`` on photos of both domains; print a JSON line for each run.

    python scripts/domain_adaptation/measure_adaptation.py DATA DOMAINS RUN...

``DATA`` holds ``flickr8k/``, ``DOMAINS`` is what ``flickr8k_to_coco.py`` made. ``source`` are Flickr8k's validation
photos, ``everyday`` the held-out photos of COCO, ``seen`` photos of the target that were adapted to, without labels.
Of classifiers: accuracy (``top_1``) and its mean over classes (``recall``), in percent; of captioners, whose sentences
are the most probable ones word by word: 100 × CIDEr-D and CHAIRs, with the references alone as what is there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from seetell.data import read
from seetell.data.records import PhotoRecord
from seetell.language.decoding import Decoding
from seetell.language.tokenizer import tokenize
from seetell.metrics import score_captions
from seetell.metrics.chair import chair
from seetell.tasks.captioning.validation import caption_features
from seetell.tasks.classification.data import label_of, read_class_folders
from seetell.tasks.registry import find_task
from seetell.training.config import Section
from seetell.training.encoding import features_cache
from seetell.training.features import CachedFeatures, FeatureSource, read_features
from seetell.training.run_folder import RunFolder
from seetell.training.trained import Trained, load_trained

BATCH = 50


def features_of(trained: Trained, photos: Sequence[PhotoRecord], *, with_grid: bool) -> FeatureSource:
    """Return the features of photos, from the cache of the run."""
    config, paths = trained.config, [photo.path for photo in photos]
    cache, _ = features_cache(
        config.encoder.cache,
        trained.encoder,
        paths,
        with_grid=with_grid,
        flips=config.data.flip,
        progress=lambda done, total: None,
    )
    return CachedFeatures(cache, photos, read_features(trained.encoder))


def classified(trained: Trained, photos: Sequence[PhotoRecord]) -> dict[str, float]:
    """Return accuracy and mean recall in percent."""
    labels = trained.config.section.labels
    source = features_of(trained, photos, with_grid=False)
    with torch.no_grad():
        found = torch.cat([trained.model.of(features) for features in source.batches(BATCH)]).argmax(dim=1)
    truth = torch.tensor([labels.index(label_of(photo)) for photo in photos])
    hits = (found == truth).double()
    recalls = torch.stack([hits[truth == label].mean() for label in truth.unique()])
    return {"top_1": 100 * hits.mean().item(), "recall": 100 * recalls.mean().item(), "photos": len(photos)}


def captioned(trained: Trained, photos: Sequence[PhotoRecord]) -> dict[str, float]:
    """Return CIDEr-D and CHAIRs in percent."""
    assert trained.vocabulary is not None
    source, greedy = features_of(trained, photos, with_grid=True), Decoding(method="greedy")
    said = [
        sentence
        for features in source.batches(BATCH)
        for sentence in caption_features(trained.model, features, greedy, trained.vocabulary)
    ]
    scores = score_captions(
        {photo.id: photo.captions for photo in photos},
        {photo.id: sentence for photo, sentence in zip(photos, said, strict=True)},
    ).corpus
    references = [[tokenize(caption) for caption in photo.captions] for photo in photos]
    found = chair(references, [tokenize(sentence) for sentence in said])
    _, sentences = found.combine(found.statistics.sum(axis=0, keepdims=True))[0]
    return {"CIDEr": 100 * scores["CIDEr"], "CHAIRs": 100 * float(sentences), "photos": len(photos)}


def measure(run: Path, data: Path, domains: Path) -> dict[str, object]:
    """Measure the best weights of a run."""
    task = find_task(RunFolder(run).load_config(section_of).task)
    trained = load_trained(run, task.load("model"), section_of)
    scores: dict[str, object] = {
        "run": run.name,
        "method": trained.config.adaptation.method,
        "adapter": trained.config.encoder.adapter,
        "seed": trained.config.seed,
    }
    if task.name == "classification":
        sets = {
            "source": read_class_folders(domains / "classes").split("val"),
            "everyday": read_class_folders(domains / "everyday").photos,
            "seen": read_class_folders(domains / "labelled").photos,
        }
        return scores | {name: classified(trained, photos) for name, photos in sets.items()}
    photo_sets = {"source": read(data / "flickr8k").split("val"), "everyday": read(domains / "everyday.json").photos}
    return scores | {name: captioned(trained, photos) for name, photos in photo_sets.items()}


def section_of(task: str) -> type[Section]:
    """Return the section of a task."""
    section: type[Section] = find_task(task).load("config")
    return section


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[3:]:
        print(json.dumps(measure(Path(name), Path(sys.argv[1]), Path(sys.argv[2]))), flush=True)
