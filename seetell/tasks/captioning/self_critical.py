"""Self-critical sequence training: optimising the CIDEr-D of sentences sampled from the captioner.

Rennie et al., "Self-Critical Sequence Training for Image Captioning", CVPR 2017: the gradient of the expected reward is
that of ``-(r(w) - b) log p(w)`` over sampled sentences ``w`` (equation 5), where the baseline ``b`` is the reward of
the greedy sentence (equation 8). With ``baseline: others`` it is the mean reward of the photo's other samples (Luo,
"A Better Variant of Self-Critical Sequence Training", 2020), which needs no decoding of its own.

END counts as a word of references and of samples that end; otherwise samples that break off are not penalised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import END, SPECIALS, START, UNK, Vocabulary
from seetell.metrics.cider import cider
from seetell.metrics.frequencies import DocumentFrequencies
from seetell.nn.backbones import Features
from seetell.tasks.captioning.config import SelfCriticalConfig
from seetell.tasks.captioning.models import IGNORE_INDEX, Captioner, caption_tensors

Reward = Callable[[Sequence[int], Sequence[Sequence[int]]], np.ndarray]
"""Maps positions of ``N`` photos and a sentence for each to rewards ``(N,)``."""


class CiderReward:
    """CIDEr-D of sampled sentences, with the document frequencies of all training captions.

    Args:
        captions: the reference captions of each training photo.
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
        candidates = [[words[number] for number in sentence] for sentence in sentences]
        return cider([self._references[photo] for photo in photos], candidates, frequencies=self._frequencies)


class SelfCriticalLoss:
    """The loss of one batch of photos.

    Args:
        config: the number of samples, and the baseline of their rewards.
        reward: of sentences.
        max_words: longest sentence sampled.
        dropout: take the gradient with dropout: a little biased, as sentences are sampled without, but regularised.
    """

    def __init__(self, config: SelfCriticalConfig, reward: Reward, *, max_words: int, dropout: bool = False) -> None:
        self._config, self._reward, self._max_words, self._dropout = config, reward, max_words, dropout

    def __call__(self, captioner: Captioner, features: Features, photos: Sequence[int]) -> tuple[Tensor, int, float]:
        """Sample sentences and weight their log-probabilities by how far their rewards exceed the baseline.

        Args:
            captioner: put in evaluation mode: with dropout, sentences would not be sampled from the probabilities whose
                gradient is taken; with ``dropout`` put in training mode after they are sampled.
            features: of ``B`` photos.
            photos: ``(B,)`` their positions among the training photos.

        Returns:
            The loss per word, whose gradient is that of the expected reward; the number of words; the mean reward.
        """
        samples, temperature = self._config.samples, self._config.temperature
        captioner.eval()
        sampled = sample_sentences(captioner, features, self._max_words, samples=samples, temperature=temperature)
        rewards = self._reward(np.repeat(photos, samples).tolist(), sampled).reshape(-1, samples)  # (B, C)
        if self._config.baseline == "greedy":
            greedy = sample_sentences(captioner, features, self._max_words, samples=1, temperature=0)
            baseline = self._reward(list(photos), greedy)[:, None]
        else:
            baseline = (rewards.sum(axis=1, keepdims=True) - rewards) / (samples - 1)
        words = [sentence[:-1] if sentence[-1] == END else sentence for sentence in sampled]
        rows = [words[first : first + samples] for first in range(0, len(words), samples)]
        inputs, targets = caption_tensors(rows, max_words=self._max_words)
        device = features.pooled.device
        targets = targets.to(device)
        real = targets != IGNORE_INDEX
        captioner.train(self._dropout)
        with torch.backends.cudnn.flags(enabled=False):  # its recurrent layers have a gradient in training mode alone
            logits = captioner(features, inputs.to(device), targets)
        nll = F.cross_entropy(logits / temperature, targets[real], reduction="none")  # (M,)
        advantage = torch.from_numpy(rewards - baseline).to(nll)  # (B, C)
        weights = advantage[:, :, None].expand(real.shape)[real]  # (M,)
        return (weights * nll).mean(), len(nll), float(rewards.mean())


def sample_sentences(
    captioner: Captioner, features: Features, max_words: int, *, samples: int, temperature: float
) -> list[list[int]]:
    """Sample sentences word by word from the captioner's distribution, with torch's global random numbers.

    Args:
        captioner: in evaluation mode.
        features: of ``B`` photos.
        max_words: a sentence that has not ended after this many words has one word more and no END, by which
            ``caption_tensors`` recognises a sentence that was cut.
        samples: ``C``, sentences per photo.
        temperature: divides the log-probabilities; 0 takes the most probable word each time.

    Returns:
        ``B·C`` lists of word numbers, photo by photo, END included where the sentence ended.
    """
    with torch.no_grad():
        memory, state = captioner.start(features)
        state = tuple(part.repeat_interleave(samples, dim=0) for part in state)
        rows, device = len(state[0]), state[0].device
        tokens = torch.full((rows, max_words + 1), IGNORE_INDEX, device=device)
        live, last = torch.arange(rows, device=device), torch.full((rows,), START, device=device)
        for place in range(max_words + 1):
            logprobs, state, _ = captioner.step(last, live // samples, memory, state)
            logprobs[:, [START, UNK]] = -torch.inf
            if temperature:
                last = torch.multinomial(torch.softmax(logprobs / temperature, dim=1), 1)[:, 0]
            else:
                last = logprobs.argmax(dim=1)
            tokens[live, place] = last
            going = last != END
            live, last, state = live[going], last[going], tuple(part[going] for part in state)
            if not len(live):
                break
    return [[number for number in row if number != IGNORE_INDEX] for row in tokens.tolist()]
