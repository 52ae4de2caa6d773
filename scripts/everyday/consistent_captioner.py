"""Train the captioner to say the same of a photo and of copies of it, whatever their format and size.

    python scripts/everyday/consistent_captioner.py everyday.pack work

It begins as ``work/everyday.safetensors`` and reads photos through ``work/encoder.safetensors``, with word detectors
that are refitted (``consistent_words.py``). First what it says of a photo is taught for the copies, too (Kim & Rush,
"Sequence-Level Knowledge Distillation", EMNLP 2016); then its sentences of photos and copies are optimised for CIDEr-D
and truth, as in ``self_critical.py``.

``work/consistent.safetensors`` is the checkpoint that ``make_bundle.py`` makes a bundle of: captioner, word detectors
and encoder.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from arguments import script_arguments
from captioner import features_of, optimise, untrained_captioner, warm_cosine
from consistent_words import consistent_words
from copy_features import VERSIONS, DetectorInputs, PhotoVersions
from corpus import Corpus
from make_features import FeatureWriter, Photos, bundled_encoder
from measure import captions
from safetensors.torch import load_file
from self_critical import MAX_WORDS, TruthfulReward
from torch import Tensor
from torch.nn import functional as F
from vocabulary import Words
from word_detectors import WordDetectors

from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import END, SPECIALS
from seetell.metrics.frequencies import DocumentFrequencies
from seetell.nn.backbones import Encoder
from seetell.tasks.captioning.config import SelfCriticalConfig
from seetell.tasks.captioning.models import IGNORE_INDEX, caption_tensors
from seetell.tasks.captioning.self_critical import SelfCriticalLoss
from seetell.training.checkpoint import read_checkpoint, write_checkpoint

SETS = ("flickr_train", "coco_train", "coco_unlabelled")
MAX_SAID = 20


@dataclass(frozen=True)
class Consistent:
    """Sizes and weights of the training.

    Attributes:
        photos: of Flickr8k, of which copies are made; of COCO all are.
        steps: in which sentences are taught.
        rate: learning rate of these.
        batch: photos.
        sentence: weight of the sentence's cross-entropy, beside the divergence from the first captioner.
        critical_steps: in which sentences are optimised for their reward.
        critical_rate: learning rate of these.
        flickr, coco: photos of each in a batch of these.
        coco_weight: of a photo of COCO, which has one reference, beside one of Flickr8k with five.
        penalty: for each object that is named and is not there.
        divergence: weight of the divergence from the first captioner.
        taught: weight of the sentence's cross-entropy for copies.
    """

    photos: int = 1500
    steps: int = 300
    rate: float = 5e-5
    batch: int = 16
    sentence: float = 0.5
    critical_steps: int = 160
    critical_rate: float = 4e-5
    flickr: int = 10
    coco: int = 8
    coco_weight: float = 0.6
    penalty: float = 0.8
    divergence: float = 0.2
    taught: float = 0.1


class ConsistencyTraining:
    """Everything that the captioner is trained on, and the captioner.

    Attributes:
        captioner: trained.
        detectors: the refitted word detectors.

    Args:
        corpus: the pack.
        work: where captioner, encoder, word detectors and features are.
        config: of the training.
        device: to compute on.
    """

    def __init__(self, corpus: Corpus, work: Path, config: Consistent, device: torch.device) -> None:
        torch.manual_seed(0)
        self._config, self._random, self._device = config, np.random.default_rng(0), device
        words = Words.load(work)
        self._vocabulary = words.vocabulary
        first = untrained_captioner(corpus, words).eval().requires_grad_(False)
        first.load_state_dict(read_checkpoint(work / "everyday.safetensors")[0]["captioner"])
        self._first = first.to(device)
        self.captioner = copy.deepcopy(self._first).requires_grad_(True)
        writer = FeatureWriter(device, consistent_encoder(work))
        counts = {name: config.photos if name == "flickr_train" else len(corpus.sets[name]) for name in SETS}
        self._before = {name: Photos(corpus, work, name, device=device) for name in SETS}
        self._photos = {name: PhotoVersions(corpus, name, counts[name], writer, device) for name in SETS}
        self.detectors = self._refitted(words, work)
        for photos in self._photos.values():
            photos.detect(self.detectors)
        self._references = {
            name: [[[*tokens, SPECIALS[END]] for tokens in own] for own in corpus.sets[name].tokens] for name in SETS
        }
        self._frequencies = DocumentFrequencies.build(self._references["flickr_train"])
        self._said = {
            name: [words.vocabulary.encode(tokenize(sentence)) for sentence in captions(self._first, photos, words)]
            for name, photos in self._before.items()
        }

    def _refitted(self, words: Words, work: Path) -> WordDetectors:
        detectors = WordDetectors(words.detected)
        detectors.load_state_dict(load_file(work / "detectors.safetensors"))
        detectors.eval().to(self._device)
        versions = [[own.detector_inputs(version) for version in range(VERSIONS)] for own in self._photos.values()]
        before = []
        for name, photos in self._before.items():
            own = slice(self._photos[name].count), 0
            parts = photos.pooled[own], photos.imagenet[own], photos.set.objects[own], photos.set.object_boxes[own]
            before.append(DetectorInputs(*(torch.from_numpy(part).to(self._device) for part in parts)))
        return consistent_words(detectors, before, versions)

    def _parts(self, copied: bool) -> tuple[Tensor, Tensor]:
        """Return divergence from the first captioner and cross-entropy of its sentences, of a new batch."""
        config, random = self._config, self._random
        sets = random.integers(len(SETS), size=config.batch)
        divergence, entropy = [], []
        for number in np.unique(sets):
            name = SETS[number]
            rows = random.integers(self._photos[name].count, size=int((sets == number).sum()))
            inputs, targets = caption_tensors([[self._said[name][row]] for row in rows], max_words=MAX_SAID)
            inputs, targets = inputs.to(self._device), targets.to(self._device)
            with torch.no_grad():
                known = features_of(self._before[name], rows, np.zeros_like(rows))
                expected = torch.log_softmax(self._first(known, inputs, targets), dim=1)
            version = random.integers(1, VERSIONS, size=len(rows)) if copied else np.zeros_like(rows)
            logits = self.captioner(self._photos[name].features(rows, version), inputs, targets)
            guessed = torch.log_softmax(logits, dim=1)
            divergence.append((expected.exp() * (expected - guessed)).sum(dim=1))
            entropy.append(F.nll_loss(guessed, targets[targets != IGNORE_INDEX], reduction="none"))
        return torch.cat(divergence).mean(), torch.cat(entropy).mean()

    def taught(self) -> Tensor:
        """Return the loss of the next batch in teaching sentences."""
        parts = [self._parts(copied) for copied in (False, True)]
        return sum((one + self._config.sentence * other for one, other in parts), torch.zeros(()))

    def critical(self) -> Tensor:
        """Return the loss of the next batch in optimising rewards."""
        config = self._config
        total = config.flickr + config.coco
        loss = config.flickr / total * self._rewarded("flickr_train", config.flickr, config.penalty)
        share = config.coco_weight
        loss = loss + share * config.coco / total * self._rewarded("coco_train", config.coco, config.penalty / share)
        self.captioner.eval()
        (plain, _), (divergence, entropy) = (self._parts(copied) for copied in (False, True))
        return loss + config.divergence * (plain + divergence) + config.taught * entropy

    def _rewarded(self, name: str, count: int, penalty: float) -> Tensor:
        photos, random = self._photos[name], self._random
        rows = random.integers(photos.count, size=count)
        features = photos.features(rows, random.integers(VERSIONS, size=count))
        assert features.tags is not None
        references = [self._references[name][row] for row in rows]
        objects = features.tags.objects.cpu().numpy()
        reward = TruthfulReward(references, objects, self._frequencies, self._vocabulary, penalty)
        settings = SelfCriticalConfig(samples=5, temperature=0.6, baseline="others")
        return SelfCriticalLoss(settings, reward, max_words=MAX_WORDS)(self.captioner, features, range(count))[0]


def consistent_encoder(work: Path) -> Encoder:
    """Return the encoder that ``consistent_encoder.py`` wrote."""
    encoder = bundled_encoder()
    encoder.load_state_dict(load_file(work / "encoder.safetensors"))
    return encoder.eval().requires_grad_(False)


def main(corpus: Corpus, work: Path, config: Consistent, *, device: torch.device) -> None:
    """Train, and write the checkpoint."""
    training = ConsistencyTraining(corpus, work, config, device)
    captioner = training.captioner
    stages = (
        (training.taught, config.rate, config.steps, 30),
        (training.critical, config.critical_rate, config.critical_steps, 20),
    )
    for loss, rate, steps, warmup in stages:
        optimise(
            captioner,
            loss,
            torch.optim.Adam(captioner.parameters(), lr=rate),
            partial(warm_cosine, warmup=warmup, steps=steps, middle=0.52, amplitude=0.48),
            steps=steps,
            decay=0.98,
            report=lambda value: f"loss {value.item():.3f}",
            every=20,
        )
    parts, metadata = read_checkpoint(work / "everyday.safetensors")
    parts["captioner"], parts["detectors"] = captioner.cpu().state_dict(), training.detectors.cpu().state_dict()
    parts["encoder"] = load_file(work / "encoder.safetensors")
    metadata["step"] += config.steps + config.critical_steps
    write_checkpoint(work / "consistent.safetensors", parts, metadata)


if __name__ == "__main__":
    parser = script_arguments(__doc__)
    parser.add_argument("--steps", type=int, help="of both trainings, to try things out")
    options = parser.parse_args()
    few = {} if options.steps is None else {"steps": options.steps, "critical_steps": options.steps}
    main(Corpus(options.pack), options.work, Consistent(**few), device=options.device)
