"""Trained models: reloaded from the folder of their run, or to initialise another from, also of another vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from seetell.errors import CheckpointError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, create_encoder, weights_hash
from seetell.regular_file import read_json
from seetell.training.checkpoint import Arrays, read_checkpoint, split_parts
from seetell.training.config import RunConfig, Sections, config_from_dict
from seetell.training.run_folder import RunFolder

Build = Callable[[RunConfig, Encoder, Vocabulary | None], nn.Module]
"""Creates a task's model with random weights; see a task's ``models.build``."""


@dataclass(frozen=True)
class Trained:
    """The best weights of a run.

    Attributes:
        config: of the run.
        vocabulary: the model's words; ``None`` where it has none.
        encoder: in evaluation mode, on the CPU.
        model: the task's model, in evaluation mode, on the CPU.
        metadata: of the checkpoint: ``step``, validation ``scores`` and hashes.
    """

    config: RunConfig
    vocabulary: Vocabulary | None
    encoder: Encoder
    model: Any
    metadata: dict[str, Any]


def load_trained(folder: Path, build: Build, sections: Sections) -> Trained:
    """Load the best weights of a run.

    Args:
        folder: of the run.
        build: creates the task's model.
        sections: finds the class of the task's section; see :func:`~seetell.training.config.only`.

    Raises:
        CheckpointError: the folder holds no validated weights of such a task, or they do not belong to its vocabulary
            or encoder.
    """
    run = RunFolder(folder)
    if not run.best.exists():
        lacking = "has no best.safetensors" if run.path.is_dir() else "there is no such folder"
        raise CheckpointError(f"{folder}: {lacking}; expected the folder of a run that has validated at least once")
    config = run.load_config(sections)
    vocabulary = Vocabulary.load(run.vocabulary) if run.vocabulary.exists() else None
    parts, metadata = read_checkpoint(run.best)
    if metadata.get("vocabulary_hash") != (vocabulary and vocabulary.hash):
        raise CheckpointError(f"{run.vocabulary} is not the vocabulary that {run.best} was trained with")
    encoder, model = assemble(config, vocabulary, parts, part=metadata["part"], build=build)
    if "encoder" not in parts and weights_hash(encoder) != metadata["encoder_hash"]:
        chosen = config.encoder
        raise CheckpointError(
            f"{folder} was trained on other {chosen.name} weights than {chosen.weights!r} stands for now"
        )
    return Trained(config, vocabulary, encoder, model, metadata)


def assemble(
    config: RunConfig, vocabulary: Vocabulary | None, parts: Mapping[str, Arrays], *, part: str, build: Build
) -> tuple[Encoder, nn.Module]:
    """Create an encoder and a model and load their weights, both in evaluation mode.

    Args:
        config: of the run.
        vocabulary: the model's words.
        parts: arrays by part and name; an encoder that is absent has the weights that the configuration names.
        part: the model's.
        build: creates the model.
    """
    chosen = config.encoder
    weights = "none" if "encoder" in parts else chosen.weights
    encoder = create_encoder(
        chosen.name, weights=weights, image_size=chosen.image_size, options=chosen.options, adapter=chosen.adapter
    )
    if "encoder" in parts:
        encoder.load_state_dict(parts["encoder"])
    model = build(config, encoder, vocabulary)
    model.load_state_dict(parts[part])
    return encoder.eval(), model.eval()


def network_config(description: Mapping[str, Any], sections: Sections) -> RunConfig:
    """Return what a bundle's description says of its network; how it was trained is left out.

    Args:
        description: the content of ``model.json``.
        sections: finds the class of the task's section.

    Raises:
        RecipeError: it says what no network here is made of.
        KeyError: it does not say.
    """
    config = description["config"]
    return config_from_dict({name: config[name] for name in ("task", "encoder", config["task"])}, sections)


def load_exported(folder: Path, build: Build, sections: Sections, *, part: str) -> tuple[Encoder, nn.Module]:
    """Load the network that a bundle was exported from, both its parts in evaluation mode.

    Args:
        folder: of the bundle.
        build: creates the task's model.
        sections: finds the class of the task's section.
        part: the model's.

    Raises:
        CheckpointError: the bundle has no weights in torch, or they are not those of its configuration.
    """
    pretrained = read_pretrained(folder)
    try:
        config = network_config(read_json(folder / "model.json"), sections)
        parts = {part: pretrained.part(part), **pretrained.parts}
        return assemble(config, pretrained.vocabulary, parts, part=part, build=build)
    except (KeyError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{folder}: its weights do not fit its configuration ({reason})") from error


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

    @property
    def has_adapter(self) -> bool:
        """Whether its encoder ends with an adapter."""
        return any(name.startswith("adapter.") for name in self.parts.get("encoder", {}))

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


def load_encoder(encoder: Encoder, pretrained: PretrainedModel) -> None:
    """Load the weights of an encoder, where the pretrained model has them; an adapter that it lacks stays as it is."""
    if "encoder" in pretrained.parts:
        _load(encoder if pretrained.has_adapter else encoder.unadapted, pretrained.parts["encoder"], pretrained)


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


def load_beginning(model: nn.Module, part: str, pretrained: PretrainedModel) -> None:
    """Load the weights of a model that may have been extended: what the pretrained one lacks keeps its initial values.

    Args:
        model: changed in place.
        part: the pretrained model's.
        pretrained: the weights.

    Raises:
        CheckpointError: the pretrained model has what this one lacks, or sizes differ.
    """
    _load(model, {**model.state_dict(), **pretrained.part(part)}, pretrained)


def load_word_embeddings(
    embedding: nn.Embedding, vocabulary: Vocabulary, pretrained: PretrainedModel, *, setting: str
) -> None:
    """Load a captioner's word vectors, centred and of deviation 1; new words keep their random initial ones.

    A captioner's vectors are alike for words that occur in captions of similar photos.

    Args:
        embedding: changed in place.
        vocabulary: the embedding's.
        pretrained: has a captioner.
        setting: how to make sizes fit, for the error.

    Raises:
        CheckpointError: there is no captioner, or its vectors have another length.
    """
    vectors = pretrained.part("captioner")["word_embedding.weight"]
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
