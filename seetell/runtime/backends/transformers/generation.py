"""Writing with a model of transformers: batches of images to tokens and their log-probabilities.

Log-probabilities are the model's own: of the distribution before anything is filtered, forbidden or scaled. Letters:
``B`` images, ``N`` rows (beams of all images together), ``T`` tokens written, ``V`` vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers

from seetell.language.sampling import draw, filtered_probabilities
from seetell.runtime.backends.transformers.model import LoadedModel


@dataclass(frozen=True)
class Sampling:
    """Options of drawing at random, see :class:`~seetell.language.decoding.Decoding`."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Search:
    """How tokens are chosen.

    Attributes:
        max_tokens: longest text.
        beam_size: beams of beam search, 1 for the most probable token each time; ``None`` for the model's own.
        length_penalty: see :class:`~seetell.language.decoding.Decoding`; ``None`` for the model's own.
        no_repeat_ngram_size: n-grams of tokens of this size are written at most once; ``None`` for the model's own.
        sampling: draws instead, if given.
    """

    max_tokens: int
    beam_size: int | None = None
    length_penalty: float | None = None
    no_repeat_ngram_size: int | None = None
    sampling: Sampling | None = None


@dataclass(frozen=True)
class Written:
    """What a model wrote for an image.

    Attributes:
        tokens: without the one that ends the text.
        logprobs: of each token.
        end_logprob: of the end; ``None`` where the text was cut.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    end_logprob: float | None


def write(model: LoadedModel, inputs: Any, search: Search, sample_ids: Sequence[int]) -> list[Written]:
    """Write a text for each image of a batch.

    Args:
        model: writes.
        inputs: what its network generates from, tensors with a leading axis of ``B``.
        search: how tokens are chosen.
        sample_ids: for each image the number of its stream of random numbers; what is drawn depends on the seed and
            this number only, as far as the network computes the same in other batches.
    """
    options: dict[str, Any] = {"max_new_tokens": search.max_tokens, "do_sample": False}
    processors: list[Any] = []
    if search.no_repeat_ngram_size is not None:
        options["no_repeat_ngram_size"] = 0
        if search.no_repeat_ngram_size:
            processors.append(_NoRepeatedNgrams(search.no_repeat_ngram_size))
    if search.sampling is not None:
        options["num_beams"] = 1
        processors.append(_Draw(search.sampling, sample_ids, search.max_tokens))
    elif search.beam_size is not None:
        options["num_beams"] = search.beam_size
    if search.length_penalty is not None:
        options["length_penalty"] = search.length_penalty
    output = model.network.generate(
        **model.on_device(inputs),
        **options,
        logits_processor=transformers.LogitsProcessorList(processors),
        return_dict_in_generate=True,
        output_logits=True,
    )
    tokens, logprobs = _with_logprobs(output)
    ends = end_tokens(model)
    return [_until_end(row, values, ends) for row, values in zip(tokens, logprobs, strict=True)]


def end_tokens(model: LoadedModel) -> frozenset[int]:
    """Return the tokens that end a text."""
    config = model.network.generation_config
    named = [config.eos_token_id, model.tokenizer.eos_token_id, model.tokenizer.sep_token_id]
    several = [each if isinstance(each, list) else [each] for each in named]
    return frozenset(int(token) for each in several for token in each if token is not None)


def _with_logprobs(output: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens that were written and their log-probabilities, ``(B, T)``; padding follows the end."""
    beams = output.get("beam_indices")
    if beams is None:
        steps = len(output.logits)
        rows = torch.arange(len(output.sequences), device=output.sequences.device)[:, None].expand(-1, steps)
    else:
        steps = int((beams >= 0).sum(dim=1).max())
        rows = beams[:, :steps].clamp(min=0).long()
    tokens = output.sequences[:, output.sequences.shape[1] - steps :]
    logprobs = []
    for step in range(steps):
        logits = output.logits[step][rows[:, step].to(output.logits[step].device)]  # (B, V) float32
        chosen = logits.gather(1, tokens[:, step, None].to(logits.device))[:, 0]
        logprobs.append((chosen - logits.logsumexp(dim=1)).cpu().numpy())
    return tokens.cpu().numpy(), np.stack(logprobs, axis=1).astype(np.float64).clip(max=0)


def _until_end(tokens: np.ndarray, logprobs: np.ndarray, ends: frozenset[int]) -> Written:
    for place, token in enumerate(tokens):
        if int(token) in ends:
            return Written(tuple(tokens[:place].tolist()), tuple(logprobs[:place].tolist()), float(logprobs[place]))
    return Written(tuple(tokens.tolist()), tuple(logprobs.tolist()), None)


class _NoRepeatedNgrams(transformers.LogitsProcessor):
    """Forbids n-grams of what was written; those of the prompt, thousands of placeholders of the image, may recur."""

    def __init__(self, size: int) -> None:
        self._processor = transformers.NoRepeatNGramLogitsProcessor(size)
        self._prompt: int | None = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        if self._prompt is None:
            self._prompt = input_ids.shape[1]
        return self._processor(input_ids[:, self._prompt :], scores)


class _Draw(transformers.LogitsProcessor):
    """Draws the next token of each row from a stream of its own, and leaves no other to choose."""

    def __init__(self, sampling: Sampling, sample_ids: Sequence[int], max_tokens: int) -> None:
        self._sampling = sampling
        streams = [np.random.default_rng((sampling.seed, sample_id)) for sample_id in sample_ids]
        self._uniform = np.stack([stream.random(max_tokens) for stream in streams])  # (B, T)
        self._step = 0

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        logprobs = torch.log_softmax(scores.float(), dim=-1).cpu().numpy()
        weights = filtered_probabilities(
            logprobs, temperature=self._sampling.temperature, top_k=self._sampling.top_k, top_p=self._sampling.top_p
        )
        drawn = torch.from_numpy(draw(weights, self._uniform[:, self._step])).to(scores.device)
        self._step += 1
        alone = torch.full_like(scores, -torch.inf)
        return alone.scatter_(1, drawn[:, None], 0.0)


def pieces(tokenizer: Any, tokens: Sequence[int]) -> list[str]:
    """Return the part of each token in the text of all of them; special tokens have none.

    Args:
        tokenizer: of the model.
        tokens: of one text.
    """
    text = str(tokenizer.decode(tokens, skip_special_tokens=True))
    ends = [0]
    for count in range(1, len(tokens)):
        begun = tokenizer.decode(tokens[:count], skip_special_tokens=True)
        ends.append(max(ends[-1], _alike(begun, text)))  # the part of a character that has more tokens is no text yet
    return [text[start:end] for start, end in zip(ends, [*ends[1:], len(text)], strict=True)] if len(tokens) else []


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts have in common at the beginning."""
    common = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(common) if a != b), min(len(one), len(other)))
