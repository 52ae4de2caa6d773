from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training_runs import configured

from seetell.errors import RecipeError
from seetell.language.vocabulary import END, START, UNK, Vocabulary
from seetell.metrics import score_captions
from seetell.metrics.cider import cider
from seetell.metrics.frequencies import DocumentFrequencies
from seetell.nn.backbones import Features, Tags
from seetell.tasks.captioning.config import SelfCriticalConfig
from seetell.tasks.captioning.models import CONFIGS, IGNORE_INDEX, Captioner, DecoderStart, create_captioner
from seetell.tasks.captioning.self_critical import CiderReward, SelfCriticalLoss, sample_sentences

WORDS = 7  # END, START, UNK and four words


class OneWord(Captioner):
    """Says one word by learnt probabilities that differ from photo to photo, then END."""

    def __init__(self, photos: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(photos, WORDS, generator=torch.Generator().manual_seed(0)))

    def start(self, features: Features) -> DecoderStart:
        return DecoderStart((), (features.pooled,))

    def step(self, tokens, photos, memory, state):
        ending = torch.full((len(tokens), WORDS), -1e4)
        ending[:, END] = 0
        first = self._first(state[0][:, 0].long())
        return torch.where((tokens == START)[:, None], first, ending), state, None

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        photos, captions, steps = inputs.shape
        rows = features.pooled[:, 0].long()[:, None, None].expand(photos, captions, steps)[targets != IGNORE_INDEX]
        logits, _, _ = self.step(inputs[targets != IGNORE_INDEX], rows, (), (rows[:, None],))
        return logits

    def _first(self, photos: Tensor) -> Tensor:
        barred = torch.zeros(WORDS)
        barred[[END, START, UNK]] = -1e4
        return torch.log_softmax(self.first[photos] + barred, dim=1)


PHOTOS = 3
FEATURES = Features(torch.arange(PHOTOS, dtype=torch.float32)[:, None], None)
VALUES = np.random.default_rng(1).normal(size=(PHOTOS, WORDS))


def value(photos, sentences) -> np.ndarray:
    return np.array([VALUES[photo, sentence[0]] for photo, sentence in zip(photos, sentences, strict=True)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("baseline", "temperature"), [pytest.param("others", 1.0, marks=pytest.mark.slow), ("greedy", 1.0), ("others", 0.5)]
)
def test_the_gradient_is_that_of_the_expected_reward(baseline: str, temperature: float):
    captioner = OneWord(PHOTOS)
    drawn_from = torch.softmax(captioner._first(torch.arange(PHOTOS)) / temperature, dim=1)
    expected = (drawn_from * torch.from_numpy(VALUES)).sum(dim=1)
    (exact,) = torch.autograd.grad(expected.mean(), captioner.first)
    torch.manual_seed(3)
    config = SelfCriticalConfig(after=0, samples=8_000, baseline=baseline, temperature=temperature)
    loss, _, reward = SelfCriticalLoss(config, value, max_words=4)(captioner, FEATURES, range(PHOTOS))
    loss.backward()
    assert captioner.first.grad is not None
    assert reward == pytest.approx(expected.mean().item(), abs=0.04)
    # the loss is a mean over words, of which each sentence has two: its own and END
    torch.testing.assert_close(-2 * captioner.first.grad, exact.float(), atol=7e-3, rtol=0)


def test_sentences_as_good_as_the_baseline_have_no_gradient():
    captioner = OneWord(PHOTOS)
    config = SelfCriticalConfig(after=0, samples=4)
    loss, _, reward = SelfCriticalLoss(config, lambda photos, _: np.ones(len(photos)), max_words=4)(
        captioner, FEATURES, range(PHOTOS)
    )
    loss.backward()
    assert reward == 1
    assert captioner.first.grad is not None
    assert not captioner.first.grad.any()


def test_sampled_sentences():
    captioner = OneWord(PHOTOS)
    torch.manual_seed(0)
    drawn = sample_sentences(captioner, FEATURES, 4, samples=3000, temperature=1)
    assert all(len(sentence) == 2 and sentence[0] > UNK and sentence[1] == END for sentence in drawn)
    first = np.array([sentence[0] for sentence in drawn]).reshape(PHOTOS, -1)
    shares = np.stack([np.bincount(row, minlength=WORDS) for row in first]) / first.shape[1]
    np.testing.assert_allclose(shares, captioner._first(torch.arange(PHOTOS)).exp().detach(), atol=0.03)
    greedy = sample_sentences(captioner, FEATURES, 4, samples=1, temperature=0)
    assert [sentence[0] for sentence in greedy] == captioner._first(torch.arange(PHOTOS)).argmax(1).tolist()


def test_a_sentence_that_does_not_end_is_one_word_too_long_and_has_no_end():
    captioner = OneWord(PHOTOS)
    assert all(END not in row for row in sample_sentences(captioner, FEATURES, 0, samples=2, temperature=1))
    assert all(len(row) == 1 for row in sample_sentences(captioner, FEATURES, 0, samples=2, temperature=1))


@pytest.mark.parametrize("architecture", CONFIGS)
def test_every_captioner_can_learn_from_rewards(architecture: str):
    torch.manual_seed(0)
    captioner = create_captioner(
        architecture, CONFIGS[architecture](), feature_size=4, vocabulary_size=WORDS, locations=3
    )
    tags = None
    if captioner.uses_tags:
        objects, words = CONFIGS[architecture]().objects, CONFIGS[architecture]().words
        tags = Tags(
            torch.rand(PHOTOS, objects),
            torch.rand(PHOTOS, objects, 5),
            torch.rand(PHOTOS, words),
            torch.randn(PHOTOS, objects),
        )
    features = Features(torch.randn(PHOTOS, 4), torch.randn(PHOTOS, 3, 4), tags)
    loss, _, _ = SelfCriticalLoss(SelfCriticalConfig(samples=3), value, max_words=4)(captioner, features, range(PHOTOS))
    loss.backward()
    gradients = [parameter.grad for name, parameter in captioner.named_parameters() if not name.startswith("null_")]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert any(gradient.any() for gradient in gradients)


CAPTIONS = [
    ["A dog runs.", "The dog runs on grass"],
    ["A cat sleeps on a bed.", "The cat sleeps"],
    ["Two men play chess", "Men at a table"],
]


def test_the_reward_is_cider_d_with_end_as_a_word():
    vocabulary = Vocabulary.build([c.lower().strip(".").split() for photo in CAPTIONS for c in photo], min_count=1)
    reward = CiderReward(CAPTIONS, vocabulary)
    spoken = vocabulary.encode(["a", "dog", "runs"])
    got = reward([0, 0, 1], [[*spoken, END], spoken, [*spoken, END]])
    references = [[[*c.lower().strip(".").split(), "<end>"] for c in photo] for photo in CAPTIONS]
    said = ["a", "dog", "runs"]
    expected = cider(
        [references[0], references[0], references[1]],
        [[*said, "<end>"], said, [*said, "<end>"]],
        frequencies=DocumentFrequencies.build(references),
    )
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert got[0] > got[1] > 0, "breaking off must cost"
    plain = score_captions(dict(enumerate(CAPTIONS)), {0: " ".join(said), 1: "a cat", 2: "men"})
    assert plain.per_photo[0]["CIDEr"] != pytest.approx(got[0])


def test_settings_that_cannot_work_are_errors():
    with pytest.raises(RecipeError, match="samples: expected at least 2"):
        SelfCriticalConfig(samples=1)
    assert SelfCriticalConfig(samples=1, baseline="greedy").samples == 1
    with pytest.raises(RecipeError, match="temperature: expected a positive number, got 0"):
        SelfCriticalConfig(temperature=0)
    with pytest.raises(RecipeError, match="greedy"):
        configured({"task": "captioning", "captioning": {"self_critical": {"baseline": "gready"}}})


@pytest.mark.parametrize("dropout", [False, True])
def test_the_gradient_is_taken_with_dropout_only_if_asked(dropout: bool):
    modes = []

    class Watched(OneWord):
        def step(self, tokens, photos, memory, state):
            modes.append(("step", self.training))
            return super().step(tokens, photos, memory, state)

        def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
            modes.append(("forward", self.training))
            return super().forward(features, inputs, targets)

    config = SelfCriticalConfig(after=0, samples=2)
    SelfCriticalLoss(config, value, max_words=4, dropout=dropout)(Watched(PHOTOS), FEATURES, range(PHOTOS))
    first = [name for name, _ in modes].index("forward")
    assert {training for _, training in modes[:first]} == {False}  # sampled without
    assert {training for _, training in modes[first:]} == {dropout}
