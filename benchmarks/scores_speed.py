"""Time for BLEU, ROUGE-L and CIDEr-D of 5,000 captions with five references each, compared with pycocoevalcap.

    .venv/bin/python benchmarks/scores_speed.py

prints one JSON line. Both score the same captions in one process, taking turns: once from the same tokens, once from
sentences, each with its own tokenizer (pycocoevalcap's needs Java). The captions are synthetic, with word frequencies
like those of a language; ``--data`` uses those of a real data set.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import accumulate, islice, product
from pathlib import Path
from typing import Any

import numpy as np
from figures import machine, summary
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from seetell.data import read
from seetell.language.tokenizer import tokenize
from seetell.metrics import score_captions
from seetell.metrics.bleu import bleu_of
from seetell.metrics.cider import cider_of
from seetell.metrics.ngrams import count_ngrams
from seetell.metrics.rouge import rouge

References = dict[int, list[str]]
Candidates = dict[int, str]

VOCABULARY = 6000
LENGTHS = range(7, 16)


def synthetic(photos: int, references: int) -> tuple[References, Candidates]:
    """Return sentences of words with frequencies of 1 / rank; the sentences of a photo share a dozen words."""
    generator = random.Random(0)
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    words = ["".join(parts) for parts in islice(product(syllables, repeat=3), 0, None, 57)][:VOCABULARY]
    frequencies = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))

    def sentence(topic: list[str]) -> str:
        length = generator.choice(LENGTHS)
        common = generator.choices(words, cum_weights=frequencies, k=length)
        mixed = [generator.choice(topic) if generator.random() < 0.4 else word for word in common]
        return f"{' '.join(mixed).capitalize()}."

    truth: References = {}
    candidates: Candidates = {}
    for photo in range(photos):
        topic = generator.choices(words, cum_weights=frequencies, k=12)
        truth[photo] = [sentence(topic) for _ in range(references)]
        candidates[photo] = sentence(topic)
    return truth, candidates


def of_data_set(path: Path, photos: int, references: int) -> tuple[References, Candidates]:
    """Return the captions of a data set's first photos; the candidate is a caption of the photo itself or the next."""
    records = [photo for photo in read(path, require_photos=False).photos if len(photo.captions) >= references]
    if len(records) < photos:
        raise SystemExit(f"{path}: {len(records)} photos have {references} captions; --photos asks for {photos}")
    truth = {number: list(record.captions[:references]) for number, record in enumerate(records[:photos])}
    candidates = {number: truth[(number + number % 2) % photos][number % references] for number in truth}
    return truth, candidates


def score_tokens(references: list[list[list[str]]], candidates: list[list[str]]) -> list[float]:
    """Score tokens with seetell: BLEU-1 to BLEU-4, ROUGE-L, CIDEr-D."""
    ngrams = count_ngrams(references, candidates)
    scores = bleu_of(ngrams)
    assert scores.per_photo.shape == (len(candidates), 4)
    return [*scores.corpus.tolist(), float(rouge(references, candidates).mean()), float(cider_of(ngrams).mean())]


def score_with_peer(references: dict[int, list[str]], candidates: dict[int, list[str]]) -> list[float]:
    """Score words separated by single spaces with pycocoevalcap, as its COCOEvalCap does."""
    bleu, _ = Bleu(4).compute_score(references, candidates, verbose=0)
    return [
        *bleu,
        float(Rouge().compute_score(references, candidates)[0]),
        float(Cider().compute_score(references, candidates)[0]),
    ]


def score_sentences_with_peer(references: References, candidates: Candidates) -> list[float]:
    """Tokenize with Java and score with pycocoevalcap."""
    tokenizer = PTBTokenizer()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = tokenizer.tokenize({photo: [{"caption": one} for one in group] for photo, group in references.items()})
        tokens = tokenizer.tokenize({photo: [{"caption": one}] for photo, one in candidates.items()})
    return score_with_peer(truth, tokens)


def timed(function: Callable[[], list[float]]) -> tuple[float, list[float]]:
    """Return the seconds that a call took, and its result."""
    gc.collect()
    started = time.perf_counter()
    scores = function()
    return time.perf_counter() - started, scores


def measure(ours: Callable[[], list[float]], theirs: Callable[[], list[float]], runs: int) -> dict[str, Any]:
    """Run both in turns and return the measurements of each."""
    seconds: tuple[list[float], list[float]] = ([], [])
    difference = 0.0
    for turn in range(runs):
        (one, ours_found), (other, theirs_found) = timed(ours), timed(theirs)
        seconds[0].append(one)
        seconds[1].append(other)
        difference = max(difference, float(np.abs(np.subtract(ours_found, theirs_found)).max()))
        print(f"run {turn + 1} of {runs}: {one:.2f} s, {other:.2f} s", file=sys.stderr)
    found = {"seetell_s": summary(seconds[0]), "pycocoevalcap_s": summary(seconds[1])}
    times = [other / one for one, other in zip(*seconds, strict=True)]
    return {**found, "speedup": summary(times), "largest_difference": difference}


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a data set whose captions to use, in any format that seetell reads")
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--references", type=int, default=5)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    described = machine(threads=1)
    if options.data is None:
        truth, generated = synthetic(options.photos, options.references)
    else:
        truth, generated = of_data_set(options.data, options.photos, options.references)
    references = [[tokenize(one) for one in sentences] for sentences in truth.values()]
    candidates = [tokenize(one) for one in generated.values()]
    joined = {photo: [" ".join(one) for one in sentences] for photo, sentences in enumerate(references)}
    joined_candidates = {photo: [" ".join(one)] for photo, one in enumerate(candidates)}
    result: dict[str, Any] = {
        "machine": described,
        "versions": {name: version(name) for name in ("seetell", "numpy", "pycocoevalcap")},
        "captions": "synthetic" if options.data is None else options.data.name,
        "photos": options.photos,
        "references": options.references,
        "runs": options.runs,
        "tokens": measure(
            lambda: score_tokens(references, candidates),
            lambda: score_with_peer(joined, joined_candidates),
            options.runs,
        ),
    }
    if shutil.which("java", path=os.environ.get("PATH")):
        result["sentences"] = measure(
            lambda: list(score_captions(truth, generated).corpus.values()),
            lambda: score_sentences_with_peer(truth, generated),
            options.runs,
        )
    else:
        print("no Java: pycocoevalcap's tokenizer is skipped", file=sys.stderr)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
