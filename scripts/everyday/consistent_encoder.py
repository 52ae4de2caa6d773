"""Train the encoder to see the same in a photo and in copies of it, whatever their format and size.

    python scripts/everyday/consistent_encoder.py everyday.pack work

Consistency training (Zheng et al., "Improving the Robustness of Deep Neural Networks via Stability Training", CVPR
2016): the features of a copy are to be those that the encoder, before this training, has of the photo itself. They are
compared as the captioner of ``work/everyday.safetensors`` reads them, up to its next words. Two thirds of the
photos are cut-outs, since the encoder knows those that it was trained on by heart.

``work/encoder.safetensors`` is the average of the weights, normalisations absorbed.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from arguments import script_arguments
from captioner import optimise, untrained_captioner, warm_cosine
from copies import copy_of, cutout
from corpus import Corpus
from make_features import Photos, bundled_encoder
from measure import captions
from safetensors.torch import save_file
from torch import Tensor
from vocabulary import Words

from seetell.language.tokenizer import tokenize
from seetell.nn.backbones import Encoder, Features, Tags
from seetell.nn.onnx_graph import absorb_norms
from seetell.photos.preprocessing import Preprocessing
from seetell.tasks.captioning.models import caption_tensors
from seetell.tasks.captioning.models.tag_transformer import TagTransformer
from seetell.training.checkpoint import read_checkpoint

SHARES = {"flickr_train": 0.55, "coco_train": 0.225, "coco_unlabelled": 0.225}
"""Of the sets of photos."""
MAX_WORDS = 20


@dataclass(frozen=True)
class Consistency:
    """Sizes and weights of the training.

    Attributes:
        steps: in which the rate would fall to a fiftieth.
        stop: the step after which it ends.
        batch: photos, with one copy of each.
        rate: learning rate of each array, as a share of the root mean square of its first values.
        warmup: steps in which the rate rises.
        decay: of the average of the weights.
        grid, read, first, pooled, words: weights of the differences of grid, of what the captioner makes of it, of
            its first word, of the pooled vector, and of the next words' probabilities.
    """

    steps: int = 2300
    stop: int = 800
    batch: int = 16
    rate: float = 5e-4
    warmup: int = 50
    decay: float = 0.99
    grid: float = 0.25
    read: float = 1.0
    first: float = 0.5
    pooled: float = 0.5
    words: float = 2.0


class Reading:
    """What a captioner makes of grids, and how much it differs between two.

    Args:
        captioner: reads them; not trained.
        grid: ``(N, L, D)``, from which the deviation of everything is taken.
        config: weights of the differences.
    """

    def __init__(self, captioner: TagTransformer, grid: Tensor, config: Consistency) -> None:
        self._captioner, self._config = captioner, config
        with torch.no_grad():
            deviations = [part.flatten(0, -2).std(dim=0).clamp(min=1e-3) for part in self._parts(grid)]
        own = (deviations[0], deviations[1].square().mean().sqrt(), deviations[2].square().mean().sqrt(), deviations[3])
        self._deviations = own
        self._weights = config.grid, config.read, config.first, config.pooled

    def _parts(self, grid: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        pooled = grid.mean(dim=1)
        return grid, self._captioner._encode_grid(grid), self._captioner._first_word(pooled), pooled

    def logprobs(self, grid: Tensor, tags: Tags, words: tuple[Tensor, Tensor]) -> Tensor:
        """Return the log-probabilities of the next word at all places of sentences, ``(M, V)``."""
        return torch.log_softmax(self._captioner(Features(grid.mean(dim=1), grid, tags), *words), dim=1)

    def difference(self, grid: Tensor, expected: Tensor, tags: Tags, words: tuple[Tensor, Tensor]) -> Tensor:
        """Return the weighted squared differences of two grids ``(B, L, D)``, and the divergence of the next words."""
        parts = zip(self._parts(grid), self._parts(expected), self._deviations, self._weights, strict=True)
        total = sum(weight * ((one - other) / by).square().mean() for one, other, by, weight in parts)
        wanted, found = self.logprobs(expected, tags, words), self.logprobs(grid, tags, words)
        divergence = (wanted.exp() * (wanted - found)).sum(dim=1).mean()
        return total + self._config.words * divergence


class PairSource:
    """Photos beside copies of them, with tags and sentences.

    Args:
        corpus: the pack.
        work: where tags are.
        captioner: whose own sentences are read.
        way: how the encoder sees photos.
        device: to compute on.
    """

    def __init__(
        self, corpus: Corpus, work: Path, captioner: TagTransformer, way: Preprocessing, device: torch.device
    ) -> None:
        words = Words.load(work)
        self._corpus, self._way, self._device = corpus, way, device
        self._photos = {name: Photos(corpus, work, name, device=device) for name in SHARES}
        self._said = {
            name: [words.vocabulary.encode(tokenize(sentence)) for sentence in captions(captioner, photos, words)]
            for name, photos in self._photos.items()
        }

    def draw(self, count: int, random: np.random.Generator) -> tuple[Tensor, Tensor, Tags, tuple[Tensor, Tensor]]:
        """Return photos and copies ``(B, 3, H, W)``, the tags of the photos, and their sentences as word numbers."""
        sets = random.choice(list(SHARES), p=list(SHARES.values()), size=count)
        rows = [int(random.integers(len(self._said[name]))) for name in sets]
        images, tags, said = [], [], []
        for name, row in zip(sets, rows, strict=True):
            photo, view = cutout(self._corpus.photo(name, row), random), int(random.integers(2))
            pair = np.stack([self._way(photo), self._way(copy_of(photo, random))])
            images.append(pair[..., ::-1] if view else pair)
            tags.append(self._photos[name].tags(np.array([row]), np.array([view])))
            said.append([self._said[name][row]])
        one, other = torch.from_numpy(np.stack(images, axis=1)).to(self._device)
        joined = Tags(*(torch.cat(part) for part in zip(*tags, strict=True)))
        inputs, targets = caption_tensors(said, max_words=MAX_WORDS)
        return one, other, joined, (inputs.to(self._device), targets.to(self._device))


def array_groups(student: Encoder, rate: float) -> list[dict[str, Any]]:
    """Return the parameters for an optimiser, the learning rate of each in proportion to its own size."""
    return [
        {"params": [value], "lr": rate * max(value.detach().square().mean().sqrt().item(), 1e-3)}
        for value in student.parameters()
    ]


def main(corpus: Corpus, work: Path, config: Consistency, *, device: torch.device) -> None:
    """Train, and write the encoder."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    words = Words.load(work)
    captioner = untrained_captioner(corpus, words).eval().requires_grad_(False)
    captioner.load_state_dict(read_checkpoint(work / "everyday.safetensors")[0]["captioner"])
    captioner.to(device)
    teacher = absorb_norms(bundled_encoder()).requires_grad_(False).to(device, memory_format=torch.channels_last)
    student = copy.deepcopy(teacher)
    pairs = PairSource(corpus, work, captioner, teacher.preprocessing, device)
    some = Photos(corpus, work, "coco_unlabelled", device=device)
    rows = np.arange(min(200, len(some.set)))
    reading = Reading(captioner, some.grids(rows, np.zeros_like(rows)), config)

    def loss() -> Tensor:
        photos, copies, tags, said = pairs.draw(config.batch, random)
        with torch.no_grad():
            expected = teacher(photos).grid
        found = student(copies).grid
        assert expected is not None
        assert found is not None
        return reading.difference(found, expected, tags, said)

    student.requires_grad_(True)
    optimise(
        student,
        loss,
        torch.optim.Adam(array_groups(student, config.rate), betas=(0.9, 0.99)),
        partial(warm_cosine, warmup=config.warmup, steps=config.steps, middle=0.51, amplitude=0.5),
        steps=config.stop,
        decay=config.decay,
        report=lambda value: f"difference {value.item():.3f}",
        every=50,
    )
    weights = {name: value.contiguous() for name, value in student.cpu().state_dict().items()}
    save_file(weights, work / "encoder.safetensors")


if __name__ == "__main__":
    parser = script_arguments(__doc__)
    parser.add_argument("--steps", type=int, default=Consistency.stop, help="fewer than it has, to try things out")
    options = parser.parse_args()
    main(Corpus(options.pack), options.work, Consistency(stop=options.steps), device=options.device)
