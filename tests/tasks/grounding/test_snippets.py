from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import PhotoRecord
from seetell.errors import CheckpointError
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Features
from seetell.photos import Preprocessing
from seetell.tasks.grounding.snippets import infer_snippets
from seetell.tasks.retrieval.models.aligner import Aligner, AlignerConfig
from seetell.training.trained import Trained

CAPTIONS = ("A red cross.", "There is a red cross on grey.", "Unheard-of!")
WORDS = Vocabulary(("<end>", "<start>", "<unk>", "a", "red", "cross", "there", "is", "on", "grey"), 1)


@pytest.fixture
def cache(shapes, tmp_path) -> FeatureCache:
    size = Preprocessing(4, 4, mean=(0, 0, 0), std=(255, 255, 255))
    filled = FeatureCache(tmp_path, weights_hash="w", preprocessing=size, shape=(5, 6), flips=False)
    random = np.random.default_rng(0)
    filled.fill([shapes / "red-cross.png"], lambda images: random.normal(size=(len(images), 5, 6)))
    return filled


def trained(similarity: str = "both") -> Trained:
    torch.manual_seed(0)
    config = AlignerConfig(similarity=similarity, width=6, components=6, windows=(2,), sentence_encoder="convolution")
    aligner = Aligner(config, feature_size=6, grid_size=(2, 2), vocabulary_size=len(WORDS)).eval()
    run = SimpleNamespace(section=SimpleNamespace(aligner=config), data=SimpleNamespace(max_words=6))
    return Trained(run, WORDS, encoder=None, model=aligner, metadata={})


def inferred(shapes: Path, cache: FeatureCache, *, beta: float):
    photo = PhotoRecord("x", shapes / "red-cross.png", CAPTIONS, "train")
    (found,) = infer_snippets(trained(), cache, [photo], beta=beta)
    return found


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_snippets_are_the_captions_cut_up(shapes, cache, beta):
    found = inferred(shapes, cache, beta=beta)
    said = [word for snippet in found for word in snippet.words]
    assert said == [word for caption in CAPTIONS for word in tokenize(caption)[:6]]
    windows = {(0, 0, 64, 64)} | {(x, y, x + 128 / 3, y + 128 / 3) for x in (0, 64 / 3) for y in (0, 64 / 3)}
    assert {tuple(np.round(snippet.box, 3)) for snippet in found} <= {tuple(np.round(box, 3)) for box in windows}


def test_more_beta_makes_longer_snippets(shapes, cache):
    alone, some, whole = (inferred(shapes, cache, beta=beta) for beta in (0.0, 0.5, 100.0))
    assert len(alone) > len(some) > len(whole) == 3


def test_without_beta_each_word_takes_the_region_that_fits_it_best(shapes, cache):
    aligner = trained().model
    features = torch.from_numpy(cache.open()[0, 0].astype(np.float32))
    pooled, grid = features[None, 0], features[None, 1:]
    with torch.inference_mode():
        seen = aligner.embed_photos(aligner.prepare(Features(pooled, grid))).regions[0]
        said = aligner.embed_sentences(torch.tensor([WORDS.encode(["a", "red", "cross"])]), torch.tensor([3])).words[0]
    best = (said @ seen.T).argmax(dim=1).tolist()
    joined = 1 + sum(one != other for one, other in itertools.pairwise(best))
    words = [len(snippet.words) for snippet in inferred(shapes, cache, beta=0.0)]
    assert sum(words[:joined]) == 3


def test_an_aligner_of_whole_photos_finds_no_regions(shapes, cache):
    with pytest.raises(CheckpointError, match=r"expected one with retrieval.aligner.similarity: both"):
        next(infer_snippets(trained("global"), cache, [], beta=0.5))
