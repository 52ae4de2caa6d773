"""Score captioners on annotated regions against their reference phrases.

Deep Visual-Semantic Alignments (Karpathy & Fei-Fei, 2015, section 4.3): a captioner trained on whole photos against one
trained on phrases that an aligner found (``seetell snippets``), and against copying the phrase of the most similar
training region. Each box of Flickr30k Entities is one region, its phrases are the references. Prints one JSON line
each.

    .venv/bin/python benchmarks/region_phrases.py runs/whole-photos runs/regions --entities flickr30k_entities \
        --captions flickr8k --phrases phrases.jsonl
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seetell.data import PhotoRecord, read
from seetell.data.entities import read_entities
from seetell.language.decoding import Decoding
from seetell.metrics import score_captions
from seetell.tasks.captioning.config import CaptioningConfig
from seetell.tasks.captioning.models import build
from seetell.tasks.captioning.region_features import RegionFeatures
from seetell.tasks.captioning.validation import caption_features
from seetell.training.config import only
from seetell.training.encoding import features_cache
from seetell.training.trained import Trained, load_trained

BATCH = 250


def annotated_regions(entities: Path, captions: Path, split: str) -> list[PhotoRecord]:
    """Return each distinct box with all phrases that refer to it."""
    regions = []
    for photo in read_entities(entities, read(captions)).split(split):
        phrases: dict[tuple[float, ...], list[str]] = {}
        for sentence, phrase, boxes in photo.located():
            for box in boxes:
                phrases.setdefault(box, []).append(" ".join(sentence.words(phrase)))
        for number, (box, texts) in enumerate(phrases.items()):
            regions.append(PhotoRecord(f"{photo.photo.id}#{number}", photo.photo.path, tuple(texts), split, box))
    return regions


def features_of(model: Trained, regions: list[PhotoRecord], cache: str) -> RegionFeatures:
    """Return the regions' pooled features; photos that are not cached are encoded."""
    paths = [region.path for region in regions]
    flips = model.config.data.flip
    filled, _ = features_cache(cache, model.encoder, paths, with_grid=True, flips=flips, progress=lambda *_: None)
    return RegionFeatures(filled, regions, grid_size=model.encoder.grid_size)


def generate(model: Trained, features: RegionFeatures, decoding: Decoding) -> Iterator[str]:
    """Yield the model's phrase for each region."""
    for batch in features.batches(BATCH):
        yield from caption_features(model.model, batch, decoding, model.vocabulary)


def nearest(features: RegionFeatures, known: RegionFeatures, phrases: list[PhotoRecord]) -> Iterator[str]:
    """Yield the first phrase of the most similar training region, by the cosine of standardised features."""
    kept = np.concatenate([batch.pooled.numpy() for batch in known.batches(BATCH)])
    mean, deviation = kept.mean(axis=0), kept.std(axis=0) + 1e-6
    kept = (kept - mean) / deviation
    kept /= np.linalg.norm(kept, axis=1, keepdims=True)
    for batch in features.batches(BATCH):
        for index in ((batch.pooled.numpy() - mean) / deviation @ kept.T).argmax(axis=1):
            yield phrases[index].captions[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of captioners' runs")
    parser.add_argument("--entities", type=Path, required=True, help="folder of Flickr30k Entities")
    parser.add_argument("--captions", type=Path, required=True, help="data set whose photos and splits to use")
    parser.add_argument("--phrases", type=Path, help="output of seetell snippets, for the most similar region")
    parser.add_argument("--split", default="val", help="split to score (default: %(default)s)")
    parser.add_argument("--cache", help="folder of cached features; by default that of each run")
    parser.add_argument("--beams", type=int, default=1, help="beams to decode with (default: %(default)s)")
    parser.add_argument("--metrics", default="Bleu_1,Bleu_2,Bleu_3,Bleu_4,ROUGE_L,CIDEr", help="as of seetell score")
    options = parser.parse_args()
    regions = annotated_regions(options.entities, options.captions, options.split)
    references = {region.id: region.captions for region in regions}
    decoding = Decoding(method="beam", beam_size=options.beams, length_penalty=0.7)

    def report(name: str, phrases: Iterator[str]) -> None:
        candidates = dict(zip(references, phrases, strict=True))
        scores = score_captions(references, candidates, metrics=options.metrics.split(",")).corpus
        words = np.mean([len(phrase.split()) for phrase in candidates.values()])
        examples = list(candidates.items())[:: len(candidates) // 5][:5]
        print(json.dumps({"name": name, "regions": len(references), **scores, "words": words, "examples": examples}))

    for run in options.runs:
        model = load_trained(run, build, only(captioning=CaptioningConfig))
        cache = options.cache or model.config.encoder.cache
        features = features_of(model, regions, cache)
        report(run.name, generate(model, features, decoding))
    if options.phrases:
        training = list(read(options.phrases).split("train"))
        report("most similar region", nearest(features, features_of(model, training, cache), training))


if __name__ == "__main__":
    main()
