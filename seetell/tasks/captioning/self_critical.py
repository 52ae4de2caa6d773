"""Self-critical sequence training: learning from the CIDEr-D of the sentences the captioner itself draws.

Rennie et al., "Self-Critical Sequence Training for Image Captioning", CVPR 2017: the gradient of the expected reward is
that of ``-(r(w) - b) log p(w)`` over drawn sentences ``w`` (equation 5), where the baseline ``b`` is the reward of the
greedy sentence (equation 8). With ``baseline: others`` it is the mean reward of the photo's other drawn sentences (Luo,
"A Better Variant of Self-Critical Sequence Training", 2020), which needs no decoding of its own.

END counts as a word of references and of drawn sentences that end: otherwise sentences that break off are not punished.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seetell.errors import RecipeError, unknown
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import END, SPECIALS, START, UNK, Vocabulary
from seetell.metrics.cider import cider
from seetell.metrics.frequencies import DocumentFrequencies
from seetell.nn.backbones import Features
from seetell.tasks.captioning.models import IGNORE_INDEX, Captioner
from seetell.training.batches import caption_tensors
from seetell.training.optimisers import OptimiserConfig

Baseline = Literal["others", "greedy"]

Reward = Callable[[Sequence[int], Sequence[Sequence[int]]], np.ndarray]
"""Takes positions of ``N`` photos and a sentence for each; gives ``(N,)`` numbers, higher for better sentences."""


@dataclass(frozen=True)
class SelfCriticalConfig:
    """When and how rewards replace the likelihood of people's captions.

    Attributes:
        after: the step from which rewards are learnt from; -1 never. The encoder then stays as it is.
        samples: sentences drawn for each photo.
        temperature: of the probabilities they are drawn from, and whose gradient is taken; below 1 the sentences are
            closer to what beam search finds, and their rewards tell more.
        baseline: what a sentence's reward is compared with: the mean of the photo's ``others``, or that of the
            ``greedy`` sentence.
        optimiser: replaces the captioner's, and the schedule begins anew.
    """

    after: int = -1
    samples: int = 5
    temperature: float = 1.0
    baseline: Baseline = "others"
    optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(learning_rate=5e-5))

    def __post_init__(self) -> None:
        if self.baseline not in get_args(Baseline):
            raise RecipeError(f"self_critical.baseline: {unknown('baseline', self.baseline, get_args(Baseline))}")
        if not self.temperature > 0:
            raise RecipeError(f"self_critical.temperature: expected more than 0, got {self.temperature}")
        least = 2 if self.baseline == "others" else 1
        if self.samples < least:
            raise RecipeError(
                f"self_critical.samples: expected at least {least} with the baseline {self.baseline!r}, "
                f"got {self.samples}"
            )


class CiderReward:
    """CIDEr-D of drawn sentences, with the document frequencies of all training captions.

    Args:
        captions: what people said of each training photo.
        vocabulary: the captioner's.
    """

    def __init__(self, captions: Sequence[Sequence[str]], vocabulary: Vocabulary) -> None:
        ending = SPECIALS[END]
        self._vocabulary = vocabulary
        self._references = [[[*tokenize(caption), ending] for caption in photo] for photo in captions]
        self._frequencies = DocumentFrequencies.build(self._references)

    def __call__(self, photos: Sequence[int], sentences: Sequence[Sequence[int]]) -> np.ndarray:
        """Score one sentence for each entry of ``photos``.

        Args:
            photos: ``(N,)`` positions among the training photos.
            sentences: ``N`` lists of word numbers, END included where the sentence ended.

        Returns:
            ``(N,)`` from 0 to 10.
        """
        words = self._vocabulary.words
        spoken = [[words[number] for number in sentence] for sentence in sentences]
        return cider([self._references[photo] for photo in photos], spoken, frequencies=self._frequencies)


class SelfCriticalLoss:
    """The loss of one batch of photos.

    Args:
        config: how many sentences, and what their rewards are compared with.
        reward: scores sentences.
        max_words: longest sentence drawn.
    """

    def __init__(self, config: SelfCriticalConfig, reward: Reward, *, max_words: int) -> None:
        self._config, self._reward, self._max_words = config, reward, max_words

    def __call__(self, captioner: Captioner, features: Features, photos: Sequence[int]) -> tuple[Tensor, float]:
        """Draw sentences, score them, and weigh their log-probabilities by how much better they are than the baseline.

        Args:
            captioner: left in evaluation mode: with dropout, sentences would not be drawn from the probabilities whose
                gradient is taken.
            features: of ``B`` photos.
            photos: ``(B,)`` their positions among the training photos.

        Returns:
            The loss per word, whose gradient is that of the expected reward, and the mean reward.
        """
        samples, temperature = self._config.samples, self._config.temperature
        captioner.eval()
        drawn = draw_sentences(captioner, features, self._max_words, samples=samples, temperature=temperature)
        rewards = self._reward(np.repeat(photos, samples).tolist(), drawn).reshape(-1, samples)  # (B, C)
        if self._config.baseline == "greedy":
            greedy = draw_sentences(captioner, features, self._max_words, samples=1, temperature=0)
            baseline = self._reward(list(photos), greedy)[:, None]
        else:
            baseline = (rewards.sum(axis=1, keepdims=True) - rewards) / (samples - 1)
        words = [sentence[:-1] if sentence[-1] == END else sentence for sentence in drawn]
        rows = [words[first : first + samples] for first in range(0, len(words), samples)]
        inputs, targets = caption_tensors(rows, max_words=self._max_words)
        device = features.pooled.device
        targets = targets.to(device)
        real = targets != IGNORE_INDEX
        with torch.backends.cudnn.flags(enabled=False):  # its recurrent layers have a gradient in training mode alone
            logits = captioner(features, inputs.to(device), targets)
        surprise = F.cross_entropy(logits / temperature, targets[real], reduction="none")  # (M,)
        advantage = torch.from_numpy(rewards - baseline).to(surprise)  # (B, C)
        weights = advantage[:, :, None].expand(real.shape)[real]  # (M,)
        return (weights * surprise).mean(), float(rewards.mean())


def draw_sentences(
    captioner: Captioner, features: Features, max_words: int, *, samples: int, temperature: float
) -> list[list[int]]:
    """Draw sentences word by word from the captioner's own distribution; torch's random numbers decide.

    Args:
        captioner: in evaluation mode.
        features: of ``B`` photos.
        max_words: sentences that have not ended after so many words are left with one word more and no END, which
            is how ``caption_tensors`` knows a sentence that was cut.
        samples: ``C``, sentences for each photo.
        temperature: divides the log-probabilities; 0 takes the most probable word each time.

    Returns:
        ``B·C`` lists of word numbers, photo by photo, END included where the sentence ended.
    """
    with torch.no_grad():
        memory, state = captioner.start(features)
        state = tuple(part.repeat_interleave(samples, dim=0) for part in state)
        rows, device = len(state[0]), state[0].device
        said = torch.full((rows, max_words + 1), IGNORE_INDEX, device=device)
        live, last = torch.arange(rows, device=device), torch.full((rows,), START, device=device)
        for place in range(max_words + 1):
            logprobs, state, _ = captioner.step(last, live // samples, memory, state)
            logprobs[:, [START, UNK]] = -torch.inf
            if temperature:
                last = torch.multinomial(torch.softmax(logprobs / temperature, dim=1), 1)[:, 0]
            else:
                last = logprobs.argmax(dim=1)
            said[live, place] = last
            going = last != END
            live, last, state = live[going], last[going], tuple(part[going] for part in state)
            if not len(live):
                break
    return [[number for number in row if number != IGNORE_INDEX] for row in said.tolist()]
