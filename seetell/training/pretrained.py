"""Initialise from a pretrained model, also where its vocabulary is another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from seetell.errors import CheckpointError
from seetell.language.vocabulary import Vocabulary
from seetell.training.checkpoint import Arrays, read_checkpoint, split_parts
from seetell.training.run_folder import RunFolder


@dataclass(frozen=True)
class PretrainedModel:
    """Weights to initialise from.

    Attributes:
        path: of the run or bundle.
        vocabulary: the words of the model; ``None`` where it has none.
        parts: arrays by part and name; ``encoder`` is absent where the encoder was not trained.
    """

    path: Path
    vocabulary: Vocabulary | None
    parts: dict[str, Arrays]

    def part(self, name: str) -> Arrays:
        """Return the arrays of a part.

        Raises:
            CheckpointError: the model has no such part.
        """
        if name not in self.parts:
            raise CheckpointError(f"init_from: {self.path} has no {name}; it has {', '.join(sorted(self.parts))}")
        return self.parts[name]


def read_pretrained(path: Path) -> PretrainedModel:
    """Read the best weights of a run, or the weights of a bundle.

    Args:
        path: the folder of a run or of a bundle.

    Raises:
        CheckpointError: it is neither, or its files are damaged.
    """
    run, weights = RunFolder(path), path / "weights.safetensors"
    if run.best.is_file():
        parts, _ = read_checkpoint(run.best)
    elif weights.is_file():
        try:
            arrays = load_file(weights)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{weights}: not readable: {error}") from error
        parts = split_parts(
            {key: value.float() if value.is_floating_point() else value for key, value in arrays.items()}
        )
    else:
        raise CheckpointError(
            f"{path} is neither a run (best.safetensors) nor a bundle with weights (weights.safetensors)"
        )
    return PretrainedModel(path, Vocabulary.load(run.vocabulary) if run.vocabulary.exists() else None, parts)


def load_encoder(encoder: nn.Module, pretrained: PretrainedModel) -> None:
    """Load the weights of an encoder, where the pretrained model has them."""
    if "encoder" in pretrained.parts:
        _load(encoder, pretrained.parts["encoder"], pretrained)


def load_model(
    model: nn.Module, part: str, vocabulary: Vocabulary, pretrained: PretrainedModel, *, vocab_parameters: Sequence[str]
) -> None:
    """Load the weights of a model; words in both vocabularies keep theirs, new words their random initial ones.

    Args:
        model: changed in place.
        part: the pretrained model's.
        vocabulary: the model's.
        pretrained: the weights.
        vocab_parameters: names of the parameters whose first axis is that of the vocabulary.

    Raises:
        CheckpointError: the architecture or its sizes differ.
    """
    here, there = _shared_words(vocabulary, pretrained)
    arrays = dict(pretrained.part(part))
    own = model.state_dict()
    for name in vocab_parameters:
        if name in arrays and own[name].shape[1:] == arrays[name].shape[1:]:
            merged: Tensor = own[name].detach().cpu().clone()
            merged[here] = arrays[name][there]
            arrays[name] = merged
    _load(model, arrays, pretrained)


def load_word_embeddings(
    embedding: nn.Embedding, vectors: Tensor, vocabulary: Vocabulary, pretrained: PretrainedModel, *, setting: str
) -> None:
    """Load word vectors, centred and scaled to a standard deviation of 1; new words keep their random initial ones.

    A captioner's vectors are alike for words that occur in captions of similar photos.

    Args:
        embedding: changed in place.
        vectors: of the pretrained model's words, ``(V, D)``.
        vocabulary: the embedding's.
        pretrained: the model that the vectors are of.
        setting: how to make sizes fit, for the error.

    Raises:
        CheckpointError: the vectors have another length.
    """
    if vectors.shape[1] != embedding.embedding_dim:
        raise CheckpointError(
            f"init_from: the word vectors of {pretrained.path} have {vectors.shape[1]} elements, those of this run "
            f"{embedding.embedding_dim}; set {setting} to {vectors.shape[1]}, or init_word_embeddings to false"
        )
    here, there = _shared_words(vocabulary, pretrained)
    centred = vectors - vectors.mean(dim=0)
    with torch.no_grad():
        embedding.weight[here] = (centred / centred.std())[there].to(embedding.weight.device)


def _shared_words(vocabulary: Vocabulary, pretrained: PretrainedModel) -> tuple[Tensor, Tensor]:
    """Return the numbers, in the new and in the pretrained vocabulary, of the words in both."""
    if pretrained.vocabulary is None:
        raise CheckpointError(f"init_from: {pretrained.path} has no vocabulary, so its words cannot be taken over")
    numbers = {word: number for number, word in enumerate(pretrained.vocabulary.words)}
    known = [(new, numbers[word]) for new, word in enumerate(vocabulary.words) if word in numbers]
    here, there = (torch.tensor(column) for column in zip(*known, strict=True))
    return here, there


def _load(module: nn.Module, arrays: Arrays, pretrained: PretrainedModel) -> None:
    try:
        module.load_state_dict(arrays)
    except RuntimeError as error:
        reason = str(error).split("\n")[-1].strip()
        raise CheckpointError(
            f"init_from: the weights of {pretrained.path} do not fit this recipe ({reason}); "
            "use the same architecture, model sizes and encoder, or start afresh with --set init_from="
        ) from error
