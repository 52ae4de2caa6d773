"""What captioners say of the regions that people drew boxes around, scored against what people call them.

Deep Visual-Semantic Alignments (Karpathy & Fei-Fei, 2015, section 4.3): a captioner trained on whole photos against one
trained on phrases that an aligner found (``seetell snippets``), and against repeating the phrase of the most similar
training region. Each box of Flickr30k Entities is one region, its phrases are the references. Prints a JSON line each.

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
from seetell.tasks.captioning.region_features import RegionFeatures
from seetell.tasks.captioning.trained import TrainedModel, load_trained
from seetell.tasks.captioning.validation import caption_features
from seetell.training.encoding import features_cache
from seetell.training.run_folder import RunFolder

BATCH = 250


def boxes_of_people(entities: Path, captions: Path, split: str) -> list[PhotoRecord]:
    """Return each box that people drew, once, with all phrases that mean it."""
    regions = []
    for photo in read_entities(entities, read(captions)).split(split):
        phrases: dict[tuple[float, ...], list[str]] = {}
        for sentence, phrase, boxes in photo.located():
            for box in boxes:
                phrases.setdefault(box, []).append(" ".join(sentence.words(phrase)))
        for number, (box, said) in enumerate(phrases.items()):
            regions.append(PhotoRecord(f"{photo.photo.id}#{number}", photo.photo.path, tuple(said), split, box))
    return regions


def features_of(model: TrainedModel, regions: list[PhotoRecord], cache: str) -> RegionFeatures:
    """Return the regions' pooled features; photos are encoded where the cache lacks them."""
    paths = [region.path for region in regions]
    flips = model.recipe.data.flip
    filled, _ = features_cache(cache, model.encoder, paths, with_grid=True, flips=flips, progress=lambda *_: None)
    return RegionFeatures(filled, regions, grid_size=model.encoder.grid_size)


def said(model: TrainedModel, features: RegionFeatures, decoding: Decoding) -> Iterator[str]:
    """Yield what the model says of each region."""
    for batch in features.batches(BATCH):
        yield from caption_features(model.captioner, batch, decoding, model.vocabulary)


def nearest(features: RegionFeatures, known: RegionFeatures, phrases: list[PhotoRecord]) -> Iterator[str]:
    """Yield the first phrase of the most similar training region, by the cosine of standardised features."""
    kept = np.concatenate([batch.pooled.numpy() for batch in known.batches(BATCH)])
    mean, deviation = kept.mean(axis=0), kept.std(axis=0) + 1e-6
    kept = (kept - mean) / deviation
    kept /= np.linalg.norm(kept, axis=1, keepdims=True)
    for batch in features.batches(BATCH):
        for place in ((batch.pooled.numpy() - mean) / deviation @ kept.T).argmax(axis=1):
            yield phrases[place].captions[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of captioners' runs")
    parser.add_argument("--entities", type=Path, required=True, help="folder of Flickr30k Entities")
    parser.add_argument("--captions", type=Path, required=True, help="data set whose photos and splits count")
    parser.add_argument("--phrases", type=Path, help="output of seetell snippets, for the most similar region")
    parser.add_argument("--split", default="val", help="split to score (default: %(default)s)")
    parser.add_argument("--cache", help="folder of cached features; that of each run when absent")
    parser.add_argument("--beams", type=int, default=1, help="beams to decode with (default: %(default)s)")
    parser.add_argument("--metrics", default="Bleu_1,Bleu_2,Bleu_3,Bleu_4,ROUGE_L,CIDEr", help="as of seetell score")
    options = parser.parse_args()
    regions = boxes_of_people(options.entities, options.captions, options.split)
    people = {region.id: region.captions for region in regions}
    decoding = Decoding(method="beam", beam_size=options.beams, length_penalty=0.7)

    def report(name: str, phrases: Iterator[str]) -> None:
        candidates = dict(zip(people, phrases, strict=True))
        scores = score_captions(people, candidates, metrics=options.metrics.split(",")).corpus
        words = np.mean([len(phrase.split()) for phrase in candidates.values()])
        examples = list(candidates.items())[:: len(candidates) // 5][:5]
        print(json.dumps({"name": name, "regions": len(people), **scores, "words": words, "examples": examples}))

    for run in options.runs:
        model = load_trained(RunFolder(run))
        cache = options.cache or model.recipe.encoder.cache
        features = features_of(model, regions, cache)
        report(run.name, said(model, features, decoding))
    if options.phrases:
        training = list(read(options.phrases).split("train"))
        report("most similar region", nearest(features, features_of(model, training, cache), training))


if __name__ == "__main__":
    main()
