from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import RecipeError
from seetell.language.vocabulary import END, START, UNK
from seetell.nn.backbones import Features
from seetell.tasks.captioning.config import ScheduledSamplingConfig
from seetell.tasks.captioning.models import IGNORE_INDEX, Captioner
from seetell.tasks.captioning.scheduled_sampling import replace_with_samples

WORDS = 9


class NextWord(Captioner):
    """Predicts the word after the one it read; after START, word 4; in training mode rather END."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        read = inputs[targets != IGNORE_INDEX]
        following = torch.where(read == START, 4, (read + 1).clamp(max=WORDS - 1))
        if self.training:
            following = torch.full_like(following, 8)
        logits = 50 * F.one_hot(following, WORDS).float() * self.weight
        logits[:, END] = 90
        return logits


FEATURES = Features(torch.zeros(1, 1), None)
INPUTS = torch.tensor([[[START, 3, 5, 6], [START, 7, END, END]]])
TARGETS = torch.tensor([[[3, 5, 6, END], [7, END, IGNORE_INDEX, IGNORE_INDEX]]])


def test_every_word_but_start_and_padding_becomes_the_prediction_before_it():
    captioner = NextWord().train()
    own = replace_with_samples(captioner, FEATURES, INPUTS, TARGETS, probability=1.0)
    assert own.tolist() == [[[START, 4, 4, 6], [START, 4, END, END]]]
    assert captioner.training
    assert not own.requires_grad


def test_words_are_replaced_as_often_as_asked():
    torch.manual_seed(0)
    inputs, targets = INPUTS[:, :1].repeat(1, 2000, 1), TARGETS[:, :1].repeat(1, 2000, 1)
    own = replace_with_samples(NextWord(), FEATURES, inputs, targets, probability=0.3)
    assert (own[..., 1] != 3).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert set(own.unique().tolist()).isdisjoint({END, UNK})


def test_the_probability_rises_in_steps():
    config = ScheduledSamplingConfig(after=10, every=5, increase=0.1, max_probability=0.25)
    assert [config.probability(step) for step in (0, 9, 10, 14, 15, 20, 99)] == pytest.approx(
        [0, 0, 0.1, 0.1, 0.2, 0.25, 0.25]
    )
    assert ScheduledSamplingConfig().probability(10**6) == 0


def test_settings_that_cannot_work_are_errors():
    with pytest.raises(RecipeError, match="every: expected at least 1, got 0"):
        ScheduledSamplingConfig(every=0)
    with pytest.raises(RecipeError, match="max_probability: expected a number from 0 to 1, got 2"):
        ScheduledSamplingConfig(max_probability=2)
