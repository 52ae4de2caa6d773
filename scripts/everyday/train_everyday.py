"""Train the everyday captioner from a pack: everything between ``pack.py`` and ``make_bundle.py``.

    python scripts/everyday/train_everyday.py everyday.pack work --device cuda

The result is ``work/everyday.safetensors``, the checkpoint that ``make_bundle.py`` makes a bundle of. Steps whose
result is in ``work`` are not repeated.
"""

from __future__ import annotations

import time
from pathlib import Path

import cross_entropy
import fit_word_detectors
import make_features
import self_critical
import torch
from arguments import script_arguments
from captioner import SIGHT, mix, return_to_start, untrained_captioner
from constraint import presence_thresholds
from corpus import Corpus
from cross_entropy import CrossEntropy
from measure import scores
from safetensors.torch import load_file
from vocabulary import Words

from seetell.training.checkpoint import write_checkpoint

SHARES = {"mixed": 0.5, "flickr": 0.5}
"""Of the results of ``self_critical.py`` in the captioner."""
SIGHT_SHARE = 0.5
"""Of the first captioner's weights in what reads the encoder's features."""


def main(
    pack: Path, work: Path, *, device: torch.device, workers: int = 2, steps: int | None = None
) -> dict[str, float]:
    """Do what is not done yet.

    Args:
        pack: the photos and texts.
        work: of all results.
        device: to compute on.
        workers: threads that open photos.
        steps: of every training, to try things out.

    Returns:
        The scores on the development photos.
    """
    trial = {} if steps is None else {"steps": steps}
    first = CrossEntropy(**trial)
    started = time.monotonic()

    def done(what: str) -> None:
        print(f"== {what} after {time.monotonic() - started:.0f} s", flush=True)

    make_features.main(pack, work, device=device, workers=workers)
    done("features")
    corpus = Corpus(pack)
    if not (work / "detected.json").exists():
        Words.of(corpus).save(work)
    words = Words.load(work)
    if not (work / "detectors.safetensors").exists():
        fit_word_detectors.main(corpus, work, device=device, **trial)
    done("word detectors")
    if not (work / "cross_entropy.safetensors").exists():
        cross_entropy.main(corpus, work, first, device=device)
    done("cross-entropy")
    for name in SHARES:
        if not (work / f"{name}.safetensors").exists():
            self_critical.main(corpus, work, name, device=device, steps=steps)
        done(f"self-critical training, {name}")
    captioner = untrained_captioner(corpus, words).eval()
    captioner.load_state_dict(mix([load_file(work / f"{name}.safetensors") for name in SHARES], [*SHARES.values()]))
    return_to_start(captioner, corpus, words, SIGHT_SHARE, SIGHT)
    captioner.to(device)
    captioner.thresholds.copy_(presence_thresholds(corpus, work))
    measured = scores(captioner, corpus, work, device=device)
    write_checkpoint(
        work / "everyday.safetensors",
        {
            "captioner": captioner.cpu().state_dict(),
            "detectors": load_file(work / "detectors.safetensors"),
        },
        {
            "vocabulary": list(words.vocabulary.words),
            "min_count": words.vocabulary.min_count,
            "words": list(words.detected),
            "captioner": corpus.start.sizes,
            "step": first.steps + self_critical.TRAININGS["mixed"].stop,
            "scores": measured,
        },
    )
    done("scores")
    print("\n".join(f"{name}: {value:.1f}" for name, value in measured.items()))
    return measured


if __name__ == "__main__":
    parser = script_arguments(__doc__)
    parser.add_argument("--workers", type=int, default=2, help="threads that open photos")
    parser.add_argument("--steps", type=int, help="of every training, to try things out")
    options = vars(parser.parse_args())
    main(options.pop("pack"), options.pop("work"), **options)
