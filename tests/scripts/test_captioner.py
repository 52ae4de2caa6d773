from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from captioner import initial_captioner, mix, return_to_start, starting_weights
from corpus import Start
from vocabulary import Words

from seetell.language.vocabulary import SPECIALS, Vocabulary
from seetell.tasks.captioning.models.transformer import Transformer, TransformerConfig
from seetell.training.ema import ExponentialMovingAverage

SIZES = {"width": 16, "layers": 1, "heads": 2, "feedforward": 32, "positions": 40}
KNOWN = (*SPECIALS, "a", "dog", "cat", "bus", "runs")


@pytest.fixture
def corpus() -> SimpleNamespace:
    """Stands for a pack: a captioner to begin with, and vectors of words."""
    captioner = Transformer(TransformerConfig(**SIZES), feature_size=1280, vocabulary_size=len(KNOWN), locations=64)
    weights = {name: each.numpy() for name, each in captioner.state_dict().items()}
    vectors = {"dog": np.eye(50)[0], "puppy": np.eye(50)[0], "cat": np.eye(50)[1], "bus": np.eye(50)[2]}
    return SimpleNamespace(start=Start(SIZES, Vocabulary(KNOWN), weights), vectors=vectors)


@pytest.fixture
def words() -> Words:
    return Words(Vocabulary((*KNOWN, "puppy")), len(KNOWN), ("dog", "puppy"))


def test_the_captioner_begins_as_the_first_one(corpus, words):
    captioner = initial_captioner(corpus, words, dropout=0.1, feature_dropout=0.1)
    first = starting_weights(corpus)
    own = captioner.state_dict()
    torch.testing.assert_close(own["word_embedding.weight"][: len(KNOWN)], first["word_embedding.weight"])
    torch.testing.assert_close(own["grid_embedding.weight"], first["grid_embedding.weight"])
    assert own["output_bias"][-1] < first["output_bias"].mean()
    embedded = captioner.word_embedding.weight
    torch.testing.assert_close(captioner.tag_embedding.weight[80], 4 * embedded[KNOWN.index("dog")])
    torch.testing.assert_close(captioner.tag_embedding.weight[16], 4 * embedded[KNOWN.index("dog")])


def test_part_of_the_weights_returns(corpus, words):
    captioner = initial_captioner(corpus, words, dropout=0.0, feature_dropout=0.0)
    before = {name: each.clone() for name, each in captioner.state_dict().items()}
    with torch.no_grad():
        for parameter in captioner.parameters():
            parameter.add_(1)
    return_to_start(captioner, corpus, words, 0.25, ("grid_", "word_embedding"))
    moved = {name: each - before[name] for name, each in captioner.state_dict().items() if each.is_floating_point()}
    assert moved["grid_embedding.weight"].unique().numpy() == pytest.approx(0.75, abs=1e-5)
    assert moved["word_embedding.weight"][: len(KNOWN)].mean().item() == pytest.approx(0.75, abs=1e-5)
    assert moved["word_embedding.weight"][len(KNOWN) :].mean().item() == pytest.approx(1, abs=1e-5)
    assert moved["pooled_embedding.weight"].mean().item() == pytest.approx(1, abs=1e-5)


def test_captioners_are_mixed_but_for_what_is_not_learnt(corpus, words):
    captioner = initial_captioner(corpus, words, dropout=0.0, feature_dropout=0.0)
    one = captioner.state_dict()
    other = {name: each + 1 if each.is_floating_point() else each for name, each in one.items()}
    mixed = mix([one, other], [0.25, 0.75])
    torch.testing.assert_close(mixed["gains"], one["gains"] + 0.75)
    assert (mixed["thresholds"] == -torch.inf).all()
    assert (mixed["object_of"] == one["object_of"]).all()


def test_the_average_follows_the_weights(corpus, words):
    captioner = initial_captioner(corpus, words, dropout=0.0, feature_dropout=0.0)
    average = ExponentialMovingAverage({"captioner": captioner}, decay=0.5)
    before = average.values["captioner.gains"].clone()
    with torch.no_grad():
        captioner.gains.add_(1)
    average.update()  # in the beginning the new weights count for most
    torch.testing.assert_close(average.values["captioner.gains"], before + 0.9)
    for _ in range(30):
        average.update()
    torch.testing.assert_close(average.values["captioner.gains"], before + 1)
    average.apply()
    torch.testing.assert_close(captioner.gains, before + 1)
    assert (captioner.thresholds == -torch.inf).all()
