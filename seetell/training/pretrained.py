"""Beginning with the weights of an earlier model instead of random ones, also when the words are others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from seetell.errors import CheckpointError
from seetell.language.vocabulary import Vocabulary
from seetell.tasks.captioning.models import Captioner
from seetell.training.checkpoint import Arrays, read_checkpoint
from seetell.training.run_folder import RunFolder


@dataclass(frozen=True)
class EarlierModel:
    """Weights to begin with.

    Attributes:
        path: where they come from.
        vocabulary: the words they belong to.
        captioner: arrays by name.
        encoder: arrays by name; empty where the encoder was not trained.
    """

    path: Path
    vocabulary: Vocabulary
    captioner: Arrays
    encoder: Arrays


def read_earlier_model(path: Path) -> EarlierModel:
    """Read the best weights of a run, or those of a bundle.

    Args:
        path: the folder of a run or of a bundle.

    Raises:
        CheckpointError: it is neither, or its files are damaged.
    """
    run = RunFolder(path)
    if run.best.exists():
        parts, _ = read_checkpoint(run.best)
    elif (path / "weights.safetensors").exists():
        parts = {}
        try:
            for key, value in load_file(path / "weights.safetensors").items():
                part, _, name = key.partition(".")
                parts.setdefault(part, {})[name] = value.float() if value.is_floating_point() else value
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{path / 'weights.safetensors'}: not readable: {error}") from error
    else:
        raise CheckpointError(
            f"{path} is neither a run (best.safetensors) nor a bundle with weights (weights.safetensors)"
        )
    return EarlierModel(
        path, Vocabulary.load(path / "vocabulary.json"), parts.get("captioner", {}), parts.get("encoder", {})
    )


def load_encoder(encoder: nn.Module, earlier: EarlierModel) -> None:
    """Fill an encoder, where the earlier model brings weights for it."""
    if earlier.encoder:
        _load(encoder, earlier.encoder, earlier)


def load_captioner(captioner: Captioner, vocabulary: Vocabulary, earlier: EarlierModel) -> None:
    """Fill a captioner; words both vocabularies know keep what was learnt of them, new ones keep their random start.

    Args:
        captioner: filled in place.
        vocabulary: the captioner's.
        earlier: the weights to begin with.

    Raises:
        CheckpointError: the architecture or its sizes are others.
    """
    here, there = _shared_words(vocabulary, earlier)
    arrays = dict(earlier.captioner)
    own = captioner.state_dict()
    for name in captioner.vocab_parameters:
        if name in arrays and own[name].shape[1:] == arrays[name].shape[1:]:
            merged: Tensor = own[name].detach().cpu().clone()
            merged[here] = arrays[name][there]
            arrays[name] = merged
    _load(captioner, arrays, earlier)


def load_words(embedding: nn.Embedding, vocabulary: Vocabulary, earlier: EarlierModel) -> None:
    """Fill an aligner's word vectors with a captioner's, centred and scaled to a standard deviation of 1.

    Those know already which words photos show alike. Words that the captioner does not know keep their random start.

    Args:
        embedding: filled in place.
        vocabulary: the aligner's.
        earlier: the captioner.

    Raises:
        CheckpointError: the vectors are of another length.
    """
    vectors = earlier.captioner["word_embedding.weight"]
    if vectors.shape[1] != embedding.embedding_dim:
        raise CheckpointError(
            f"start_from: the word vectors of {earlier.path} have {vectors.shape[1]} elements, those of this recipe "
            f"{embedding.embedding_dim}; set aligner.word_size to {vectors.shape[1]}, or start_words to false"
        )
    here, there = _shared_words(vocabulary, earlier)
    centred = vectors - vectors.mean(dim=0)
    with torch.no_grad():
        embedding.weight[here] = (centred / centred.std())[there].to(embedding.weight.device)


def _shared_words(vocabulary: Vocabulary, earlier: EarlierModel) -> tuple[Tensor, Tensor]:
    """Return the numbers, here and there, of the words that both vocabularies know."""
    numbers = {word: number for number, word in enumerate(earlier.vocabulary.words)}
    known = [(new, numbers[word]) for new, word in enumerate(vocabulary.words) if word in numbers]
    here, there = (torch.tensor(column) for column in zip(*known, strict=True))
    return here, there


def _load(module: nn.Module, arrays: Arrays, earlier: EarlierModel) -> None:
    try:
        module.load_state_dict(arrays)
    except RuntimeError as error:
        reason = str(error).split("\n")[-1].strip()
        raise CheckpointError(
            f"start_from: the weights of {earlier.path} do not fit this recipe ({reason}); "
            "use its architecture, captioner sizes and encoder"
        ) from error
