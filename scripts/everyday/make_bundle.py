"""Make the bundle everyday-transformer from a checkpoint of its captioner and word detectors.

    python scripts/everyday/make_bundle.py runs/everyday.safetensors seetell/bundles/everyday-transformer \
        --flickr8k $SEETELL_DATA/flickr8k

The checkpoint has the parts ``captioner`` and ``detectors``, and the metadata ``vocabulary``, ``words`` (those that are
detected), ``step`` and ``scores``. The encoder is its part ``encoder``, or else that of an earlier bundle, in half
precision like the captioner and computed in 32 bits; its normalisations are absorbed, so that graph and further
training read the same arrays. Photos of Flickr8k are only compared on. ``fit_reranking.py`` and ``fit_confidence.py``
complete the bundle.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from constraint import LOOSENED
from torch import Tensor
from word_detectors import WordDetectors, write_tagger

from seetell.export.exporter import export_run
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import create_encoder
from seetell.nn.onnx_graph import absorb_norms
from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.config import CaptioningConfig
from seetell.tasks.card import write_description
from seetell.tasks.loading import find_model
from seetell.tasks.registry import find_task
from seetell.training.checkpoint import read_checkpoint, write_checkpoint
from seetell.training.config import load_config, only, save_config
from seetell.training.run_folder import RunFolder
from seetell.training.trained import read_pretrained

RECIPE = Path(__file__).with_name("captioner.yaml")
COMMAND = "the scripts of scripts/everyday"


def make_bundle(checkpoint: Path, target: Path, *, flickr8k: str, encoder_of: str) -> dict[str, Any]:
    """Write the bundle; see this file's beginning.

    Args:
        checkpoint: of captioner and word detectors.
        target: the bundle's folder; replaced if it exists.
        flickr8k: the data set.
        encoder_of: name or folder of the bundle that has the encoder.

    Returns:
        The content of ``model.json``.
    """
    parts, metadata = read_checkpoint(checkpoint)
    source = Bundle.load(find_model(encoder_of))
    with tempfile.TemporaryDirectory() as temporary:
        detectors = WordDetectors(metadata["words"])
        detectors.load_state_dict(parts["detectors"])
        tagger = write_tagger(
            detectors.eval().requires_grad_(False),
            metadata["words"],
            Path(temporary) / "tagger",
            encoder_of=source,
        )
        run = RunFolder(Path(temporary) / "run")
        run.path.mkdir()
        sizes = {**metadata.get("captioner", {}), "words": len(metadata["words"])}
        settings = [f"data.path={flickr8k}", f"captioning.tagger={tagger.folder}"]
        settings += [f"captioning.captioner.{name}={size}" for name, size in sizes.items()]
        save_config(load_config(RECIPE, only(captioning=CaptioningConfig), settings), run.config)
        vocabulary = Vocabulary(tuple(metadata["vocabulary"]), metadata.get("min_count", 1))
        vocabulary.save(run.vocabulary)
        captioner = {**parts["captioner"], "thresholds": parts["captioner"]["thresholds"] - LOOSENED}
        write_checkpoint(
            run.best,
            {"captioner": captioner, "encoder": absorbed_encoder(source, parts.get("encoder"))},
            {
                "part": "captioner",
                "step": metadata["step"],
                "scores": metadata["scores"],
                "vocabulary_hash": vocabulary.hash,
            },
        )
        description = export_run(
            run.path, target, find_task=find_task, precisions=("fp32",), shared_encoder=True, replace=True
        )
    description["command"] = COMMAND
    for scores in description["scores"].values():
        scores["command"] = COMMAND
    write_description(target, description)
    return description


def absorbed_encoder(source: Bundle, trained: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """Return an encoder's weights with its normalisations absorbed, rounded as they will be stored.

    Args:
        source: the bundle whose encoder it is.
        trained: other weights for it.
    """
    chosen, size = source.description["encoder"], source.preprocessing.height
    encoder = create_encoder(chosen, weights="none", image_size=size)
    encoder.load_state_dict(trained or read_pretrained(source.folder).part("encoder"))
    absorbed = absorb_norms(encoder.eval()).half().float()
    return dict(absorbed.state_dict())


def main() -> None:
    """Read the command line, make the bundle and verify it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--flickr8k", required=True, help="folder of Flickr8k")
    parser.add_argument("--encoder-of", default="everyday-transformer", help="bundle whose encoder is used")
    arguments = parser.parse_args()
    description = make_bundle(
        arguments.checkpoint, arguments.target, flickr8k=arguments.flickr8k, encoder_of=arguments.encoder_of
    )
    Bundle.load(arguments.target).verify()
    for name, value in description["parity"].items():
        print(f"{name}: {value:.3g}")


if __name__ == "__main__":
    main()
