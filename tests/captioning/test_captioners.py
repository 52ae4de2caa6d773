"""The contract of every captioner, and what NeuralTalk2 promises beyond it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seetell.backbones import Features
from seetell.captioning import CONFIGS, IGNORED, USES_GRID, create_captioner
from seetell.captioning.neuraltalk2 import NeuralTalk2Config
from seetell.errors import RecipeError
from seetell.language.decoding import Decoding
from seetell.language.vocabulary import END, START, Vocabulary
from seetell.training.batches import caption_tensors
from seetell.training.validation import caption_features

V, D = 11, 6
CAPTIONS = [[[3, 4, 5], [6, 7]], [[8], [9, 10, 3, 4]]]


def small(**settings):
    torch.manual_seed(0)
    config = CONFIGS["neuraltalk2"](**{"embedding_size": 8, "hidden_size": 8, **settings})
    return create_captioner("neuraltalk2", config, feature_size=D, vocabulary_size=V)


def features(photos: int = 2) -> Features:
    random = torch.Generator().manual_seed(1)
    return Features(torch.randn(photos, D, generator=random), torch.randn(photos, 4, D, generator=random))


VARIANTS = [
    pytest.param({"cell": cell, "layers": layers, "tied": tied}, id=f"{cell}-{layers}{'-tied' if tied else ''}")
    for cell, layers, tied in [("lstm", 1, False), ("lstm", 2, True), ("gru", 1, False), ("rnn", 2, False)]
]


@pytest.mark.parametrize("settings", VARIANTS)
def test_steps_say_what_training_scores(settings):
    captioner = small(**settings).eval()
    inputs, targets = caption_tensors(CAPTIONS, max_words=16)
    logits = captioner(features(), inputs, targets)
    assert logits.shape == (int((targets != IGNORED).sum()), V)
    scored = iter(torch.log_softmax(logits, dim=1))
    for photo in range(2):
        for caption in range(2):
            state = tuple(part[photo : photo + 1] for part in captioner.start(features()))
            for token in [START, *CAPTIONS[photo][caption]]:
                logprobs, state = captioner.step(torch.tensor([token]), state)
                torch.testing.assert_close(logprobs[0], next(scored), rtol=1e-4, atol=1e-5)
    assert next(scored, None) is None


@pytest.mark.parametrize("settings", VARIANTS)
def test_every_parameter_gets_a_gradient(settings):
    captioner = small(**settings)
    inputs, targets = caption_tensors(CAPTIONS, max_words=16)
    torch.nn.functional.cross_entropy(captioner(features(), inputs, targets), targets[targets != IGNORED]).backward()
    for name, parameter in captioner.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_learns_a_toy_set_by_heart():
    captioner = small(dropout=0.1)
    optimiser = torch.optim.Adam(captioner.parameters(), 0.03)
    single = [[[3, 4, 5, 6]], [[7, 3, 8]]]
    inputs, targets = caption_tensors(single, max_words=16)
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(
            captioner(features(), inputs, targets), targets[targets != IGNORED]
        ).backward()
        optimiser.step()
    words = Vocabulary(("<end>", "<start>", "<unk>", *"abcdefgh"), 1)
    said = caption_features(captioner.eval(), features(), Decoding(method="beam", beam_size=3), words)
    assert said == ["a b c d", "e a f"]


def test_the_photo_changes_the_caption_and_padding_does_not():
    captioner = small().eval()
    inputs, targets = caption_tensors(CAPTIONS, max_words=16)
    logits = captioner(features(), inputs, targets)
    other = Features(features().pooled.flip(0), None)
    assert not torch.allclose(logits, captioner(other, inputs, targets))
    scrambled = torch.where(targets == IGNORED, torch.full_like(inputs, 5), inputs)
    torch.testing.assert_close(captioner(features(), scrambled, targets), logits)


def test_what_it_reads_is_declared():
    assert set(USES_GRID) == set(CONFIGS)
    captioner = small()
    assert captioner.uses_grid == USES_GRID["neuraltalk2"]
    own = captioner.state_dict()
    assert [own[name].shape[0] for name in captioner.word_parameters] == [V] * len(captioner.word_parameters)


def test_caption_tensors_by_hand():
    inputs, targets = caption_tensors([[[3, 4, 5], [6]]], max_words=2)
    np.testing.assert_array_equal(inputs, [[[START, 3, 4], [START, 6, END]]])
    np.testing.assert_array_equal(targets, [[[3, 4, IGNORED], [6, END, IGNORED]]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "lsmt"}, "Did you mean 'lstm'"),
        ({"layers": 0}, "captioner.layers: expected at least 1, got 0"),
        ({"dropout": 1.0}, "captioner.dropout"),
        ({"embedding_size": 4, "hidden_size": 8, "tied": True}, "captioner.tied"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(RecipeError, match=message):
        small(**settings)


def test_unknown_architecture():
    with pytest.raises(RecipeError, match="Did you mean 'neuraltalk2'"):
        create_captioner("neuraltalk", NeuralTalk2Config(), feature_size=D, vocabulary_size=V)
