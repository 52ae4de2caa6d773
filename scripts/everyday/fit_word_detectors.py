"""Fit the word detectors and the presence of objects on the features of ``make_features.py``.

    python scripts/everyday/fit_word_detectors.py everyday.pack work

The word detectors are cross-fitted: what the captioner is trained on comes from detectors that have not seen the photo.
Their second opinion, P(word | objects), is learnt from sentences alone; so is the context in presence, a denoising
autoencoder (Vincent et al., ICML 2008) of the object classes that sentences of one photo mention. For each set of
photos ``work`` then holds ``SET.words.npy`` and ``SET.presence.npy``; the detectors are ``detectors.safetensors``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from arguments import script_arguments
from corpus import SETS, TRAINING, Corpus
from make_features import Photos
from mentions import Mentions
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from vocabulary import Words
from word_detectors import SCORE_RANGE, WordDetectors

FOLDS = 4
BATCH = 256
STEPS, WORD_STEPS = 2500, 500
"""Of prior and context, and of the words of each fold."""
DROPOUT = 0.3
COCO_WEIGHT = 3.0
"""Of a photo of COCO with its one caption, beside one of Flickr8k with five."""


def _descend(
    parameters: Sequence[nn.Parameter], loss: Callable[[], Tensor], *, steps: int, rate: float, decay: float = 0.0
) -> None:
    """Minimise a loss of a batch, a function without arguments, by AdamW with a rate that falls to 0."""
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    for _ in range(steps):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
        schedule.step()


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(dim=1).mean()


def fit_prior(model: WordDetectors, mentions: Mentions, *, steps: int) -> None:
    """Learn P(word | objects) from the classes and words of sentences, classes softened as a detector's scores are."""
    objects, words = (each.to(model.mean.device) for each in mentions.by_photo())
    model.prior[2].bias.data = torch.logit(words.mean(dim=0).clamp(1e-4, 0.9))

    def loss() -> Tensor:
        rows = torch.randint(len(objects), (BATCH,), device=objects.device)
        seen = objects[rows] * (0.3 + 0.7 * torch.rand_like(objects[rows]))
        seen = seen * (torch.rand_like(seen) > 0.15) + (torch.rand_like(seen) < 0.015) * torch.rand_like(seen) * 0.5
        return _cross_entropy(model.prior(seen), words[rows])

    _descend([*model.prior.parameters()], loss, steps=steps, rate=3e-3, decay=0.01)


def fit_context(model: WordDetectors, mentions: Mentions, labelled: Photos, unlabelled: Photos, *, steps: int) -> None:
    """Learn which classes sentences mention from scores drawn as the detector gives them, class by class."""
    device = model.mean.device
    objects, _ = (each.to(device) for each in mentions.by_photo())
    scores = torch.from_numpy(labelled.set.objects[:, 0]).to(device)
    mentioned = scores[torch.from_numpy(mentions.of_photos(labelled.set)[0]).to(device)]
    every = torch.cat([scores, torch.from_numpy(unlabelled.set.objects[:, 0]).to(device)])

    def loss() -> Tensor:
        there = objects[torch.randint(len(objects), (BATCH,), device=device)]
        absent = every.gather(0, torch.randint(len(every), there.shape, device=device)).clamp(max=0.45)
        present = mentioned[torch.randint(len(mentioned), there.shape, device=device)]
        logits = torch.logit(torch.where(there > 0, present, absent).clamp(*SCORE_RANGE))
        seen = (logits + 2.5).clamp(min=0) * (torch.rand_like(logits) > 0.1)
        guessed = model.context(seen) + model.context_own * logits + model.context_bias
        return _cross_entropy(guessed, there)

    context = [*model.context.parameters(), model.context_own, model.context_bias]
    _descend(context, loss, steps=steps, rate=3e-3, decay=0.02)


def fit_words(
    model: WordDetectors, inputs: Tensor, prior: Tensor, targets: Tensor, weights: Tensor, *, steps: int
) -> None:
    """Fit the regressions.

    Args:
        model: whose ``linear`` and ``prior_gain`` are fitted.
        inputs: standardised, of both views, ``(N, 2, …)``.
        prior: logits of words, ``(N, 2, W)``.
        targets: share of each photo's captions that have a word, ``(N, W)``.
        weights: of photos, ``(N,)``.
        steps: of the optimiser.
    """
    nn.init.zeros_(model.linear.weight)
    nn.init.constant_(model.prior_gain, 0.5)
    model.linear.bias.data = torch.logit(targets.mean(dim=0).clamp(1e-4, 0.9)) - 0.5 * prior[:, 0].mean(dim=0)

    def loss() -> Tensor:
        rows = torch.multinomial(weights, BATCH, replacement=True)
        views = torch.randint(2, (BATCH,), device=rows.device)
        linear = model.linear(F.dropout(inputs[rows, views], DROPOUT))
        decay = 1e-4 * BATCH * model.linear.weight.pow(2).sum()
        return _cross_entropy(linear + model.prior_gain * prior[rows, views], targets[rows]) + decay

    _descend([*model.linear.parameters(), model.prior_gain], loss, steps=steps, rate=1e-3)


def main(corpus: Corpus, work: Path, *, device: torch.device, steps: int = STEPS) -> None:
    """Fit everything; write probabilities of words and presence of all photos, and the weights.

    Args:
        corpus: the pack.
        work: where features are, and what is written.
        device: to compute on.
        steps: of each part.
    """
    torch.manual_seed(0)
    words = Words.load(work)
    mentions = Mentions.of(corpus, words)
    photos = {name: Photos(corpus, work, name, device=device) for name in SETS}
    model = WordDetectors(words.detected).to(device)
    fit_prior(model, mentions, steps=steps)
    fit_context(model, mentions, photos["coco_train"], photos["coco_unlabelled"], steps=steps)
    parts = {name: _parts(photos[name], device) for name in SETS}
    with torch.no_grad():
        inputs = {name: _inputs(model, each) for name, each in parts.items()}
        plain = [inputs[name][:, 0] for name in TRAINING]
        model.mean.copy_(torch.stack([each.mean(dim=0) for each in plain]).mean(dim=0))
        model.deviation.copy_(torch.cat(plain).std(dim=0) + 1e-3)
        inputs = {name: model.standardised(each) for name, each in inputs.items()}
        opinions = {name: model.opinion(each[2]) for name, each in parts.items()}
    joined, opinion = (torch.cat([each[name] for name in TRAINING]) for each in (inputs, opinions))
    targets = torch.from_numpy(np.concatenate([mentions.shares(photos[name].set) for name in TRAINING])).to(device)
    weights = torch.ones(len(joined), device=device)
    weights[len(inputs[TRAINING[0]]) :] = COCO_WEIGHT
    folds = torch.randint(FOLDS, (len(joined),), generator=torch.Generator().manual_seed(0)).to(device)
    fitted, held_out = [], torch.zeros_like(opinion)
    for fold in range(FOLDS):
        own = folds != fold
        fit_words(model, joined[own], opinion[own], targets[own], weights[own], steps=min(steps, WORD_STEPS))
        held_out[~own] = _probabilities(model, joined[~own], opinion[~own])
        fitted.append({name: value.clone() for name, value in model.state_dict().items()})
    model.load_state_dict({name: torch.stack([each[name] for each in fitted]).mean(dim=0) for name in fitted[0]})
    found = {name: _probabilities(model, inputs[name], opinions[name]) for name in SETS}
    found |= zip(TRAINING, held_out.split([len(inputs[name]) for name in TRAINING]), strict=True)
    for name, probabilities in found.items():
        with torch.no_grad():
            presence = model.presence(parts[name][2].flatten(0, 1), probabilities.flatten(0, 1))
        np.save(work / f"{name}.words.npy", probabilities.cpu().numpy())
        np.save(work / f"{name}.presence.npy", presence.unflatten(0, (-1, 2)).cpu().numpy())
    truth = mentions.shares(photos["coco_dev"].set) > 0
    print(f"detected words on COCO's dev photos: mAP {mean_ap(found['coco_dev'][:, 0].cpu().numpy(), truth):.3f}")
    weights_of = {name: value.contiguous() for name, value in model.cpu().state_dict().items()}
    save_file(weights_of, work / "detectors.safetensors")


def mean_ap(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean average precision of the words that three photos or more have, of ``(N, W)`` each."""
    found = []
    for column in np.flatnonzero(truth.sum(axis=0) >= 3):
        right = truth[np.argsort(-scores[:, column]), column]
        found.append((np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean())
    return float(np.mean(found)) if found else 0.0


def _parts(photos: Photos, device: torch.device) -> list[Tensor]:
    """Return pooled features, ImageNet's logits, objects and their boxes, each ``(N, 2, …)``."""
    parts = (photos.pooled, photos.imagenet, photos.set.objects, photos.set.object_boxes)
    return [torch.from_numpy(np.asarray(part, np.float32)).to(device) for part in parts]


def _inputs(model: WordDetectors, parts: Sequence[Tensor]) -> Tensor:
    return torch.stack([model.inputs(*(part[:, view] for part in parts)) for view in range(2)], dim=1)


@torch.no_grad()
def _probabilities(model: WordDetectors, inputs: Tensor, opinion: Tensor) -> Tensor:
    """Return probabilities of words ``(N, 2, W)``."""
    return torch.sigmoid(model.linear(inputs) + model.prior_gain * opinion)


if __name__ == "__main__":
    parser = script_arguments(__doc__)
    options = parser.parse_args()
    main(Corpus(options.pack), options.work, device=options.device)
