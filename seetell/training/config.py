"""A training run as a frozen dataclass; a recipe file is that dataclass written down as YAML."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

import yaml

from seetell.config import check_limits, check_shares, check_sizes
from seetell.errors import RecipeError, unknown
from seetell.language.decoding import Decoding
from seetell.tasks.captioning.distillation import DistillationConfig
from seetell.tasks.captioning.models import CONFIGS
from seetell.tasks.captioning.scheduled_sampling import ScheduledSamplingConfig
from seetell.tasks.captioning.self_critical import SelfCriticalConfig
from seetell.training.optimisers import OptimiserConfig
from seetell.training.schedule import ScheduleConfig


@dataclass(frozen=True)
class DataConfig:
    """Which photos and captions, and how captions become words.

    Attributes:
        path: the data set: a folder, or a CSV, TSV, JSON lines or JSON file.
        format: the reader's name; detected when absent.
        photos: where the photos are, when the data set does not say.
        split_seed: decides validation and test photos where the data states no splits.
        min_count: words seen less often in training captions become UNK.
        max_words: longer captions are cut.
        captions_per_photo: captions drawn for each photo of a batch (``seq_per_img``).
        flip: mirror half of the training photos.
        crop: while the encoder runs on pixels, train on random crops of a photo enlarged by 8/7 (224 of 256).
    """

    path: str = "data"
    format: str | None = None
    photos: str | None = None
    split_seed: int = 0
    min_count: int = 5
    max_words: int = 16
    captions_per_photo: int = 5
    flip: bool = True
    crop: bool = False


@dataclass(frozen=True)
class EncoderConfig:
    """Which image encoder.

    Attributes:
        name: ``efficientnet_lite0``, ``efficientnet_lite1``, ``efficientnet_lite2`` or any model of timm.
        weights: ``imagenet``, ``none`` or a safetensors file.
        image_size: side of the square input in pixels; the encoder's own when absent.
        cache: folder for features computed once while the encoder is frozen; empty runs the encoder every time.
    """

    name: str = "efficientnet_lite0"
    weights: str = "imagenet"
    image_size: int | None = None
    cache: str = ".cache/features"


@dataclass(frozen=True)
class FinetuneConfig:
    """Training the encoder as well.

    Attributes:
        after: the step from which the encoder is trained (``finetune_cnn_after``); -1 never.
        frozen_stages: how many of the encoder's stages, from the photo on, stay as they are: early stages cost most
            and change least.
        optimiser: the encoder's own.
    """

    after: int = -1
    frozen_stages: int = 0
    optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(learning_rate=1e-5))


@dataclass(frozen=True)
class ValidationConfig:
    """Looking at the validation photos now and then.

    Attributes:
        every: steps between validations (``save_checkpoint_every`` in NeuralTalk2).
        photos: how many validation photos to use (``val_images_use``); -1 all.
        language: caption them and score the captions; the best model is then the one with the highest CIDEr-D,
            otherwise the one with the lowest loss.
        decoding: how they are captioned.
    """

    every: int = 2500
    photos: int = 3200
    language: bool = True
    decoding: Decoding = field(default_factory=Decoding)


@dataclass(frozen=True)
class CardConfig:
    """What the bundle's card says of rights.

    Attributes:
        licence: of the weights.
        training_data: what they were trained on.
        terms: of that data.
    """

    licence: str = "unspecified"
    training_data: str = "unspecified"
    terms: str = "unspecified"


@dataclass(frozen=True)
class Recipe:
    """A whole training run.

    Attributes:
        name: of the run and of the bundle made from it.
        data: photos and captions.
        encoder: the image encoder.
        architecture: the captioner.
        captioner: its configuration; the fields are the architecture's.
        optimiser: the captioner's.
        schedule: the course of both learning rates.
        finetune: training the encoder as well.
        scheduled_sampling: reading own words while training.
        distillation: learning from earlier models beside people's captions.
        self_critical: learning from CIDEr-D instead of people's captions.
        validation: looking at the validation photos.
        batch_size: photos a step.
        steps: how many steps in all; -1 goes on until stopped.
        averaging: decay of the running average of the weights (EMA), such as 0.99, that validation looks at and that
            becomes the model; 0 keeps none.
        label_smoothing: share of the target probability spread over all words.
        explosion_factor: stop when the loss exceeds this many times the first one.
        checkpoint_every: steps between checkpoints.
        log_every: steps between lines of the log.
        start_from: the folder of a run or bundle whose weights to begin with; on the command line also the name of
            a bundled model.
        seed: of all randomness.
        card: what the bundle's card says of rights.
        device: where torch computes, such as ``cpu`` or ``cuda``.
        mixed_precision: multiply in bfloat16 while training, which GPUs do much faster; weights stay in 32 bits. Few
            processors gain from it, and some cannot run an LSTM so.
        threads: torch's threads on the CPU; 0 leaves torch's choice.
    """

    name: str = "captioner"
    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    architecture: str = "neuraltalk2"
    captioner: Any = None
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    scheduled_sampling: ScheduledSamplingConfig = field(default_factory=ScheduledSamplingConfig)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    self_critical: SelfCriticalConfig = field(default_factory=SelfCriticalConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    card: CardConfig = field(default_factory=CardConfig)
    batch_size: int = 16
    steps: int = -1
    averaging: float = 0.0
    label_smoothing: float = 0.0
    explosion_factor: float = 20.0
    checkpoint_every: int = 500
    log_every: int = 25
    start_from: str = ""
    seed: int = 123
    device: str = "cpu"
    mixed_precision: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "captioner", checked_captioner(self.architecture, self.captioner))
        check_sizes(self, "batch_size", "checkpoint_every", "log_every", "validation.every")
        check_sizes(self.data, "captions_per_photo", "max_words", "min_count", of="data")
        check_limits(self, "steps", "validation.photos")
        check_shares(self, "label_smoothing", "averaging")
        self.schedule.check_steps(self.steps)
        if self.distillation.teachers and self.self_critical.after == 0:
            raise RecipeError("distillation.teachers: with self_critical.after = 0 nothing is learnt from them")
        runs_on_pixels = not self.encoder.cache or self.finetune.after >= 0
        if self.data.crop and not runs_on_pixels:
            raise RecipeError(
                "data.crop: cached features cannot be cropped; set encoder.cache to '' or finetune.after to a step"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for YAML or JSON."""
        return dataclasses.asdict(self)


def checked_captioner(architecture: str, config: Any) -> Any:
    """Return a captioner's configuration, the architecture's own when there is none.

    Raises:
        RecipeError: there is no such architecture, or the configuration is another one's.
    """
    if architecture not in CONFIGS:
        raise RecipeError(f"architecture: {unknown('architecture', architecture, CONFIGS)}")
    if config is None:
        return CONFIGS[architecture]()
    if not isinstance(config, CONFIGS[architecture]):
        raise RecipeError(f"captioner: its fields are not those of the architecture {architecture!r}")
    return config


def find_recipe(name: str | Path) -> Path:
    """Return the recipe file of that path, or the one of that name that ships with seetell.

    Raises:
        RecipeError: there is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    package = Path(__file__).resolve().parents[1]
    shipped = {file.stem: file for folder in (package, package.parent) for file in (folder / "recipes").glob("*.yaml")}
    if path.name not in shipped:
        raise RecipeError(f"{name}: no such file, and {unknown('recipe', path.name, shipped)}")
    return shipped[path.name]


def load_recipe(path: str | Path, settings: Sequence[str] = ()) -> Recipe:
    """Read the recipe of a captioner.

    Args:
        path: YAML, the fields of :class:`Recipe`.
        settings: ``key=value`` pairs that replace fields, such as ``optimiser.learning_rate=1e-3``.

    Raises:
        RecipeError: the file is missing or not YAML, a field is unknown or of the wrong type, or fields contradict.
    """
    return recipe_from_dict(recipe_content(path, settings))


def recipe_content(path: str | Path, settings: Sequence[str] = ()) -> dict[str, Any]:
    """Read a recipe file as plain types, fields not yet checked.

    Args:
        path: YAML.
        settings: ``key=value`` pairs that replace fields.

    Raises:
        RecipeError: the file is missing, or is no YAML with fields.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: cannot read the recipe: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: expected fields such as 'name: my-captioner', got a {type(content).__name__}")
    for key, value in parse_settings(settings).items():
        _set(content, key, value)
    return content


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs, values as YAML reads them.

    Raises:
        RecipeError: one is not such a pair.
    """
    parsed = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        try:
            parsed[key.strip()] = yaml.safe_load(value) if value else ""
        except yaml.YAMLError as error:
            raise RecipeError(f"--set {setting}: the value is not YAML: {error}") from error
        if not equals:
            raise RecipeError(f"--set {setting}: expected key=value, such as batch_size=32")
    return parsed


def recipe_from_dict(content: Mapping[str, Any]) -> Recipe:
    """Build a recipe from plain types, checking every field's name and type."""
    content = dict(content)
    captioner = content.pop("captioner", None)
    architecture = content.get("architecture", "neuraltalk2")
    if captioner is not None and architecture in CONFIGS:
        content["captioner"] = build_config(CONFIGS[architecture], captioner, "captioner")
    built: Recipe = build_config(Recipe, content, "")
    return built


def _set(content: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        content = content.setdefault(parent, {})
        if not isinstance(content, dict):
            raise RecipeError(f"--set {key}: {parent!r} has no fields of its own")
    content[last] = value


def build_config(kind: type[Any], values: Any, where: str) -> Any:
    """Build a dataclass from plain types, checking every field's name and type.

    Args:
        kind: the dataclass.
        values: its fields.
        where: the field that it fills, for errors; empty for a whole recipe.

    Raises:
        RecipeError: a field is unknown or of the wrong type, or fields contradict.
    """
    if not isinstance(values, Mapping):
        raise RecipeError(f"{where}: expected fields, got {values!r}")
    types = get_type_hints(kind)
    arguments = {}
    for key, value in values.items():
        place = f"{where}.{key}" if where else str(key)
        if key not in types:
            raise RecipeError(f"{place}: {unknown('field', key, types)}")
        arguments[key] = _convert(types[key], value, place)
    return kind(**arguments)


def _convert(wanted: Any, value: Any, place: str) -> Any:
    if wanted is Any:
        return value
    if dataclasses.is_dataclass(wanted):
        return build_config(wanted, value, place)  # type: ignore[arg-type]
    if get_origin(wanted) in (Union, UnionType):
        options = [option for option in get_args(wanted) if option is not type(None)]
        return None if value is None else _convert(options[0], value, place)
    if get_origin(wanted) is tuple:
        if not isinstance(value, (list, tuple)):
            raise RecipeError(f"{place}: expected a list such as [a, b], got {value!r}")
        return tuple(_convert(get_args(wanted)[0], item, place) for item in value)
    if get_origin(wanted) is Literal:
        if value not in get_args(wanted):
            raise RecipeError(f"{place}: {unknown('value', value, get_args(wanted))}")
        return value
    if wanted is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return float(value)  # YAML reads 1e-3 as text
        except ValueError:
            pass
    elif isinstance(value, wanted) and not (wanted is int and isinstance(value, bool)):
        return value
    raise RecipeError(f"{place}: expected {wanted.__name__}, got {value!r}")


class AnyRecipe(Protocol):
    """A recipe of a captioner or of an aligner."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for YAML."""


def save_recipe(recipe: AnyRecipe, path: str | Path) -> None:
    """Write a recipe as YAML, every field included."""
    Path(path).write_text(yaml.safe_dump(recipe.to_dict(), sort_keys=False, allow_unicode=True), encoding="utf-8")
