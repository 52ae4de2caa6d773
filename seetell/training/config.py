"""A training run as a frozen dataclass; a recipe is that dataclass written as YAML.

What all tasks have in common is here once. What one task adds is its section, a dataclass of its own, which a recipe
writes under the task's name::

    task: captioning
    steps: 2000
    captioning:
      architecture: transformer
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from seetell.atomic_write import atomic_file
from seetell.config import (
    build_config,
    check_fractions,
    check_limits,
    check_not_negative,
    check_sizes,
    parse_settings,
    read_yaml,
    set_field,
)
from seetell.errors import RecipeError, unknown
from seetell.training.adaptation_config import AdaptationConfig
from seetell.training.augmentation import UNCHANGED, AugmentationConfig
from seetell.training.optimisers import OptimiserConfig, ScheduleConfig
from seetell.training.renamed import renamed_fields


@dataclass(frozen=True)
class DataConfig:
    """The data set, and how its text becomes words.

    Attributes:
        path: the data set: a folder, or a CSV, TSV, JSON lines or JSON file.
        captions: for a data set of regions: a data set of captions whose photos and splits to use.
        format: the reader's name; detected when absent.
        photos: folder of the photos, when the data set does not name it.
        split_seed: decides validation and test photos where the data set states no splits.
        min_count: words less frequent than this in the training text become UNK.
        max_words: longer captions are cut.
        captions_per_photo: captions drawn per photo of a batch (``seq_per_img``).
        flip: mirror half of the training photos.
        crop: while the encoder runs on pixels, train on random crops of a photo enlarged by 8/7 (224 of 256).
        augmentation: while the encoder runs on pixels, further changes to training photos.
    """

    path: str = "data"
    captions: str | None = None
    format: str | None = None
    photos: str | None = None
    split_seed: int = 0
    min_count: int = 5
    max_words: int = 16
    captions_per_photo: int = 5
    flip: bool = True
    crop: bool = False
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)

    def __post_init__(self) -> None:
        check_sizes(self, "captions_per_photo", "max_words", "min_count")

    @property
    def reading(self) -> dict[str, Any]:
        """The options that the readers of :mod:`seetell.data` take beside the path."""
        return {"format": self.format, "photos": self.photos, "split_seed": self.split_seed}


@dataclass(frozen=True)
class EncoderConfig:
    """The image encoder.

    Attributes:
        name: a name that :func:`~seetell.nn.backbones.create_encoder` takes, such as ``efficientnet_lite0``; ``none``
            where the model sees no images.
        weights: ``imagenet``, ``none`` or a safetensors file, such as ``best.safetensors`` of a run that trained it.
        image_size: side of the square input in pixels; the encoder's own when absent.
        cache: folder for features computed once while the encoder is frozen; empty runs the encoder every time.
        options: of the network itself, such as ``shortcut: B`` of ``cifar_resnet20``.
        train_batch_norms: while the encoder is trained, normalise by the statistics of batches, and keep their average
            for prediction. For batches of many images, and networks that are trained from scratch.
        adapter: hidden units of a residual adapter behind the frozen encoder, which is trained with the model; 0 for
            none.
    """

    name: str = "efficientnet_lite0"
    weights: str = "imagenet"
    image_size: int | None = None
    cache: str = ".cache/features"
    options: dict[str, Any] = field(default_factory=dict)
    train_batch_norms: bool = False
    adapter: int = 0

    def __post_init__(self) -> None:
        check_not_negative(self, "adapter")


@dataclass(frozen=True)
class ValidationConfig:
    """Periodic validation.

    Attributes:
        every: steps between validations (``save_checkpoint_every`` in NeuralTalk2).
        photos: how many validation photos to use (``val_images_use``); -1 all.
    """

    every: int = 500
    photos: int = 1000

    def __post_init__(self) -> None:
        check_sizes(self, "every")
        check_limits(self, "photos")


UNSPECIFIED = "unspecified"
"""What a card says of rights that nobody stated."""


@dataclass(frozen=True)
class CardConfig:
    """Rights, as the model card states them; unspecified, they are those of the bundle that ``init_from`` names.

    Attributes:
        licence: of the weights.
        training_data: what they were trained on.
        terms: of that data.
    """

    licence: str = UNSPECIFIED
    training_data: str = UNSPECIFIED
    terms: str = UNSPECIFIED


class Section:
    """What one task adds to a run's configuration; a frozen dataclass derives from it.

    Attributes:
        DEFAULTS: fields of the run that have another default for this task, as plain types.
        ADAPTS: whether the task's training heeds ``adaptation`` and ``encoder.adapter``.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {}
    ADAPTS: ClassVar[bool] = False

    @property
    def trains_encoder(self) -> bool:
        """Whether the encoder is trained at some time; asked of tasks that adapt."""
        return False

    def check(self, config: RunConfig) -> None:
        """Check the section against the rest of the run.

        Raises:
            RecipeError: they contradict each other.
        """

    def check_parts(self, parts: int, processes: int) -> None:
        """Check that the batch may be computed in parts, by a number of processes, with the same loss.

        Raises:
            RecipeError: it may not.
        """

    def with_models(self, find: FindModel) -> Section:
        """Return the same with every name of a model replaced by its folder."""
        return self


Sections = Callable[[str], type[Section]]
"""Returns the section of a task by the task's name."""

FindModel = Callable[[str, str], str]
"""Takes a field's path and the name of a model in it; returns the model's folder."""


@dataclass(frozen=True)
class RunConfig:
    """A whole training run.

    Attributes:
        task: name of the task whose model is trained, such as ``captioning``.
        section: the fields of that task; a recipe writes them under the task's name.
        name: of the run and of the bundle made from it.
        data: the data set.
        encoder: the image encoder.
        init_from: folder of the run or bundle to initialise from; on the command line also the name of a bundled model.
        optimiser: of the model.
        schedule: of all learning rates.
        adaptation: to photos of another kind than those with labels.
        validation: periodic validation.
        card: rights, as the model card states them.
        batch_size: photos per step, of all processes together.
        batch_parts: parts that a batch is computed in, each with random numbers of its own for dropout and sampling;
            there is at least one per process. A run of 4 parts has the same losses on one, two and four processes.
        steps: how many in all; -1 trains until stopped.
        ema_decay: decay of the exponential moving average of the weights, such as 0.99, that is validated and becomes
            the model; 0 keeps none.
        divergence_factor: stop when the loss exceeds this many times the first one.
        checkpoint_every: steps between checkpoints.
        log_every: steps between lines of the log.
        seed: of all randomness.
        device: where torch computes, such as ``cpu`` or ``cuda``; ``auto`` takes a GPU where there is one.
        precision: of the multiplications while training: ``fp32``, ``bf16`` or ``fp16``, whose loss is scaled against
            underflow; weights stay in 32 bits. 16 bits are for GPUs: few processors gain from them, and some cannot run
            an LSTM with them.
        compile: translate the model with ``torch.compile``, which takes a minute or more when training begins and needs
            a C++ compiler. Dropout draws other numbers.
        threads: torch's threads on the CPU; 0 leaves torch's choice.
    """

    task: str
    section: Any
    name: str = "run"
    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    init_from: str = ""
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    adaptation: AdaptationConfig = field(default_factory=AdaptationConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    card: CardConfig = field(default_factory=CardConfig)
    batch_size: int = 16
    batch_parts: int = 1
    steps: int = -1
    ema_decay: float = 0.0
    divergence_factor: float = 20.0
    checkpoint_every: int = 500
    log_every: int = 25
    seed: int = 123
    device: str = "auto"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    compile: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        check_sizes(self, "batch_size", "batch_parts", "checkpoint_every", "log_every")
        check_limits(self, "steps")
        check_fractions(self, "ema_decay")
        if self.schedule.decay == "cosine" and self.steps == -1:
            raise RecipeError("schedule.decay: cosine ends with the last step, so steps must be a number, not -1")
        self.adaptation.check(self)
        self.section.check(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for YAML or JSON, the section under the task's name."""
        content = dataclasses.asdict(self)
        section = content.pop("section")
        return {**content, self.task: section}

    def with_models(self, find: FindModel) -> RunConfig:
        """Return the same with every name of a model replaced by its folder."""
        init_from = find("init_from", self.init_from) if self.init_from else ""
        return dataclasses.replace(self, init_from=init_from, section=self.section.with_models(find))


def check_cached(config: RunConfig, trained: str) -> None:
    """Check that a run trains on cached features.

    Raises:
        RecipeError: it does not, or on crops; it names what is ``trained``, such as ``an aligner``.
    """
    if not config.encoder.cache:
        raise RecipeError(f"encoder.cache: {trained} is trained on cached features, so it must name a folder")
    if config.data.crop:
        raise RecipeError(f"data.crop: {trained} is trained on cached features, which cannot be cropped")
    if config.data.augmentation != UNCHANGED:
        raise RecipeError(f"data.augmentation: {trained} is trained on cached features, whose photos cannot be changed")


def check_whole(config: RunConfig, trained: str) -> None:
    """Check that a run whose encoder is trained sees whole photos, since boxes are not moved with a change of them.

    Raises:
        RecipeError: it changes them otherwise than by mirroring; it names what is ``trained``, such as ``a detector``.
    """
    if config.data.crop:
        raise RecipeError(f"data.crop: boxes are not cropped; leave it false for {trained}")
    if config.data.augmentation != UNCHANGED:
        raise RecipeError(f"data.augmentation: boxes are not changed; leave it out for {trained}")


def only(**sections: type[Section]) -> Sections:
    """Return the sections of the given tasks alone, by name."""

    def find(task: str) -> type[Section]:
        if task not in sections:
            raise RecipeError(f"task: expected {' or '.join(sections)}, got {task!r}")
        return sections[task]

    return find


def config_from_dict(content: Mapping[str, Any], sections: Sections) -> RunConfig:
    """Build a run's configuration from plain types.

    Args:
        content: the fields.
        sections: finds the class of the task's section.

    Raises:
        RecipeError: a field is unknown or of the wrong type, or fields contradict.
    """
    content = dict(content)
    task = content.get("task", "captioning")
    if not isinstance(task, str):
        raise RecipeError(f"task: expected str, got {task!r}")
    renamed = renamed_fields(task)
    known = [field.name for field in dataclasses.fields(RunConfig) if field.name != "section"]
    for key in content:
        if key not in known and key != task:
            raise RecipeError(f"{key}: {unknown('field', key, [*known, task], renamed=renamed)}")
    if "task" not in content:
        raise RecipeError("task: missing; name what is trained, such as task: captioning")
    kind = sections(task)
    section = build_config(kind, content.pop(task, {}), task, renamed=renamed)
    return build_config(RunConfig, _with_defaults(content, kind.DEFAULTS), renamed=renamed, section=section)


def _with_defaults(content: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **content}
    for key, default in defaults.items():
        if isinstance(default, Mapping) and isinstance(merged[key], Mapping):
            merged[key] = _with_defaults(merged[key], default)
    return merged


def load_config(path: str | Path, sections: Sections, settings: Sequence[str] = ()) -> RunConfig:
    """Read a recipe.

    Args:
        path: a YAML file with the fields of :class:`RunConfig` and of the task's section.
        sections: finds the class of the task's section.
        settings: ``key=value`` pairs that replace fields, such as ``optimiser.learning_rate=1e-3``.

    Raises:
        RecipeError: the file is missing or not YAML, a field is unknown or of the wrong type, or fields contradict.
        UsageError: a setting is not a pair.
    """
    content = read_yaml(Path(path))
    for key, value in parse_settings(settings).items():
        set_field(content, key, value)
    return config_from_dict(content, sections)


def save_config(config: RunConfig, path: Path) -> None:
    """Write a recipe with every field."""
    import yaml

    with atomic_file(path) as file:
        file.write(yaml.safe_dump(config.to_dict(), sort_keys=False, allow_unicode=True).encode())
