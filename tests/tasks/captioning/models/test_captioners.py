"""The contract of every captioner, and what NeuralTalk2 promises beyond it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seetell.errors import RecipeError
from seetell.language.decoding import Decoding
from seetell.language.vocabulary import END, START, Vocabulary
from seetell.nn.backbones import Features, Tags
from seetell.tasks.captioning.models import (
    CONFIGS,
    IGNORE_INDEX,
    USES_GRID,
    USES_TAGS,
    SoftTargets,
    caption_tensors,
    create_captioner,
)
from seetell.tasks.captioning.models.neuraltalk2 import NeuralTalk2Config
from seetell.tasks.captioning.validation import caption_features

V, D = 11, 6
WORDS = ["<end>", "<start>", "<unk>", "a", "dog", "sees", "people", "bear", "on", "grass", "boat"]
OBJECTS, DETECTED = ["person", "dog", "boat", "bear", "teddy bear"], ["grass", "dog", "sees"]
CAPTIONS = [[[3, 4, 5], [6, 7]], [[8], [9, 10, 3, 4]]]


SMALL = {
    "mean_pooling": {"embedding_size": 8, "hidden_size": 8},
    "multimodal_rnn": {"embedding_size": 8, "hidden_size": 8},
    "neuraltalk2": {"embedding_size": 8, "hidden_size": 8},
    "s2vt": {"embedding_size": 8, "hidden_size": 8},
    "show_attend_tell": {"embedding_size": 8, "hidden_size": 8, "annotation_size": 6, "attention_size": 5},
    "tag_transformer": {"width": 8, "heads": 2, "feedforward": 16, "objects": 5, "words": 3, "object_tokens": 2},
    "temporal_attention": {"embedding_size": 16, "hidden_size": 8, "annotation_size": 6, "attention_size": 5},
    "transformer": {"width": 8, "heads": 2, "feedforward": 16},
    "up_down": {"embedding_size": 8, "hidden_size": 8, "annotation_size": 6, "attention_size": 5},
}


def small(architecture: str = "neuraltalk2", **settings):
    torch.manual_seed(0)
    config = CONFIGS[architecture](**{**SMALL[architecture], **settings})
    captioner = create_captioner(architecture, config, feature_size=D, vocabulary_size=V, locations=4)
    captioner.name_tags(WORDS, OBJECTS, DETECTED)
    return captioner


def features(photos: int = 2) -> Features:
    random = torch.Generator().manual_seed(1)
    pooled, grid = torch.randn(photos, D, generator=random), torch.randn(photos, 4, D, generator=random)
    shapes = (photos, 5), (photos, 5, 5), (photos, 3), (photos, 5)
    return Features(pooled, grid, Tags(*(torch.rand(shape, generator=random) for shape in shapes)))


VARIANTS = {
    "multimodal-rnn": ("multimodal_rnn", {}),
    "lstm": ("neuraltalk2", {"cell": "lstm", "layers": 1}),
    "lstm-2-tied": ("neuraltalk2", {"cell": "lstm", "layers": 2, "tied": True}),
    "gru": ("neuraltalk2", {"cell": "gru"}),
    "rnn-2": ("neuraltalk2", {"cell": "rnn", "layers": 2}),
    "soft-attention": ("show_attend_tell", {}),
    "hard-attention": ("show_attend_tell", {"attention": "hard"}),
    "tag-transformer": ("tag_transformer", {}),
    "transformer": ("transformer", {}),
    "transformer-encoder": ("transformer", {"layers": 1, "encoder_layers": 2}),
    "transformer-few-positions": ("transformer", {"positions": 2}),
    "up-down": ("up_down", {}),
    "mean-pooling": ("mean_pooling", {}),
    "temporal-attention": ("temporal_attention", {}),
    "s2vt": ("s2vt", {}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_steps_say_what_training_scores(variant):
    architecture, settings = VARIANTS[variant]
    captioner = small(architecture, **settings).eval()
    inputs, targets = caption_tensors(CAPTIONS, max_words=16)
    logits = captioner(features(), inputs, targets)
    assert logits.shape == (int((targets != IGNORE_INDEX).sum()), V)
    scored = iter(torch.log_softmax(logits, dim=1))
    for photo in range(2):
        for caption in range(2):
            memory, state = captioner.start(features())
            state = tuple(part[photo : photo + 1] for part in state)
            for token in [START, *CAPTIONS[photo][caption]]:
                logprobs, state, attention = captioner.step(torch.tensor([token]), torch.tensor([photo]), memory, state)
                torch.testing.assert_close(logprobs[0], next(scored), rtol=1e-4, atol=1e-5)
                assert (attention is not None) == captioner.attends
                if attention is not None:
                    assert attention.shape == (1, 4)
                    torch.testing.assert_close(attention.sum(), torch.tensor(1.0))
    assert next(scored, None) is None


@pytest.mark.parametrize("variant", VARIANTS)
def test_rows_of_the_state_can_be_repeated_reordered_and_dropped(variant):
    """As beam search does: a sentence goes on the same in whichever row it stands."""
    architecture, settings = VARIANTS[variant]
    captioner = small(architecture, **settings).eval()
    memory, state = captioner.start(features())
    photos = torch.tensor([0, 0, 1, 1, 1])
    state = tuple(part[photos] for part in state)
    _, state, _ = captioner.step(torch.tensor([START, START, START, 4, 5]), photos, memory, state)
    rows, words = torch.tensor([4, 1, 1, 3]), torch.tensor([3, 6, 7, 8])
    together = captioner.step(words, photos[rows], memory, tuple(part[rows] for part in state))
    for place, row in enumerate(rows):
        alone = captioner.step(
            words[place : place + 1], photos[row][None], memory, tuple(part[row][None] for part in state)
        )
        torch.testing.assert_close(together.logprobs[place], alone.logprobs[0])
        for ours, theirs in zip(together.state, alone.state, strict=True):
            torch.testing.assert_close(ours[place], theirs[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_parameter_gets_a_gradient(variant):
    architecture, settings = VARIANTS[variant]
    captioner = small(architecture, **settings)
    inputs, targets = caption_tensors(CAPTIONS, max_words=16)
    captioner.loss(features(), inputs, targets, label_smoothing=0.1).backward()
    if captioner.uses_tags:  # which may be all that is known of an image
        captioner.loss(features()._replace(grid=None), inputs, targets, label_smoothing=0.1).backward()
    for name, parameter in captioner.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("variant", VARIANTS)
def test_teachers_who_say_what_people_say_teach_the_same(variant):
    architecture, settings = VARIANTS[variant]
    inputs, targets = caption_tensors(CAPTIONS, max_words=16)
    people = torch.nn.functional.one_hot(targets[targets != IGNORE_INDEX], V).float()
    losses = []
    for soft_targets in (None, SoftTargets(people, 1.0, 1.0), SoftTargets(people.roll(1, dims=1), 1.0, 1.0)):
        captioner = small(architecture, **settings)
        losses.append(
            captioner.loss(features(), inputs, targets, label_smoothing=0.0, soft_targets=soft_targets).item()
        )
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] != pytest.approx(losses[2], rel=1e-4)


@pytest.mark.parametrize(
    "variant",
    [
        *("multimodal-rnn", "lstm", "soft-attention", "hard-attention", "tag-transformer", "transformer", "up-down"),
        *("mean-pooling", "temporal-attention", "s2vt"),
    ],
)
def test_learns_a_toy_set_by_heart(variant: str):
    architecture, settings = VARIANTS[variant]
    captioner = small(architecture, dropout=0.1, **settings)
    optimiser = torch.optim.Adam(captioner.parameters(), 0.03)
    single = [[[3, 4, 5, 6]], [[7, 3, 8]]]
    inputs, targets = caption_tensors(single, max_words=16)
    for _ in range(110):
        optimiser.zero_grad()
        captioner.loss(features(), inputs, targets, label_smoothing=0.0).backward()
        optimiser.step()
    words = Vocabulary(("<end>", "<start>", "<unk>", *"abcdefgh"), 1)
    said = caption_features(captioner.eval(), features(), Decoding(method="beam", beam_size=3), words)
    assert said == ["a b c d", "e a f"]


@pytest.mark.parametrize("architecture", SMALL)
def test_the_photo_changes_the_caption_and_padding_does_not(architecture: str):
    captioner = small(architecture).eval()
    inputs, targets = caption_tensors(CAPTIONS, max_words=16)
    logits = captioner(features(), inputs, targets)
    other = features()._replace(pooled=features().pooled.flip(0), grid=features().grid.flip(0))
    assert not torch.allclose(logits, captioner(other, inputs, targets))
    scrambled = torch.where(targets == IGNORE_INDEX, torch.full_like(inputs, 5), inputs)
    torch.testing.assert_close(captioner(features(), scrambled, targets), logits)


@pytest.mark.parametrize("architecture", CONFIGS)
def test_what_it_reads_is_declared(architecture: str):
    captioner = small(architecture)
    assert (captioner.uses_grid, captioner.uses_tags) == (USES_GRID[architecture], USES_TAGS[architecture])
    own = captioner.state_dict()
    assert [own[name].shape[0] for name in captioner.vocab_parameters] == [V] * len(captioner.vocab_parameters)


def test_caption_tensors_by_hand():
    inputs, targets = caption_tensors([[[3, 4, 5], [6]]], max_words=2)
    np.testing.assert_array_equal(inputs, [[[START, 3, 4], [START, 6, END]]])
    np.testing.assert_array_equal(targets, [[[3, 4, IGNORE_INDEX], [6, END, IGNORE_INDEX]]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "lsmt"}, "Did you mean 'lstm'"),
        ({"layers": 0}, "layers: expected at least 1, got 0"),
        ({"dropout": 1.0}, "dropout"),
        ({"embedding_size": 4, "hidden_size": 8, "tied": True}, "tied"),
        ({"width": 6, "heads": 4}, "heads: must divide width, got 4 and 6"),
        ({"encoder_layers": -1}, "encoder_layers: expected 0 or more, got -1"),
        ({"feature_dropout": 1.0}, "feature_dropout"),
    ],
)
def test_bad_settings(settings, message):
    transformer = {"width", "encoder_layers", "feature_dropout"} & set(settings)
    with pytest.raises(RecipeError, match=message):
        small("transformer" if transformer else "neuraltalk2", **settings)


def test_unknown_architecture():
    with pytest.raises(RecipeError, match="Did you mean 'neuraltalk2'"):
        create_captioner("neuraltalk", NeuralTalk2Config(), feature_size=D, vocabulary_size=V, locations=4)
