"""The captioning section of a training run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from seetell.config import check_fractions, check_parts, check_positive, check_shares, check_sizes
from seetell.errors import RecipeError
from seetell.language.decoding import Decoding
from seetell.tasks.captioning.models import USES_TAGS, config_type
from seetell.training.config import FindModel, RunConfig, Section, check_cached
from seetell.training.optimisers import OptimiserConfig


@dataclass(frozen=True)
class FinetuneConfig:
    """Training the encoder as well.

    Attributes:
        after: the step from which the encoder is trained (``finetune_cnn_after``); -1 never.
        frozen_stages: how many stages of the encoder, from the first on, are never trained: early stages cost most and
            change least.
        optimiser: of the encoder.
    """

    after: int = -1
    frozen_stages: int = 0
    optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(learning_rate=1e-5))


@dataclass(frozen=True)
class ScheduledSamplingConfig:
    """How often the captioner reads a word of its own.

    Attributes:
        after: the first step with such words; -1 never.
        every: steps between increases.
        increase: added to the probability at ``after`` and then every ``every`` steps.
        max_probability: the probability is not increased beyond this.
    """

    after: int = -1
    every: int = 1000
    increase: float = 0.05
    max_probability: float = 0.25

    def __post_init__(self) -> None:
        check_sizes(self, "every")
        check_shares(self, "increase", "max_probability")

    def probability(self, step: int) -> float:
        """Return the probability that a word is replaced at a step, counted from 0."""
        if not 0 <= self.after <= step:
            return 0.0
        return min(self.max_probability, self.increase * (1 + (step - self.after) // self.every))


@dataclass(frozen=True)
class DistillationConfig:
    """Learning from earlier captioners beside reference captions, until rewards are optimised.

    Attributes:
        teachers: the folders of runs or bundles; on the command line also the names of bundled models. Their
            vocabulary must be that of this run. They see whole photos, even where this run crops.
        weight: weight of the teachers in the loss; the rest is that of the reference captions.
        temperature: softens the probabilities of teachers and student; above 1, improbable words count more.
    """

    teachers: tuple[str, ...] = ()
    weight: float = 0.5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_parts(self, "weight")
        check_positive(self, "temperature")


@dataclass(frozen=True)
class SelfCriticalConfig:
    """When and how rewards replace the likelihood of reference captions.

    Attributes:
        after: the step from which rewards are optimised; -1 never. The encoder is frozen from then on.
        samples: sentences sampled per photo.
        temperature: of the probabilities they are sampled from, and whose gradient is taken; below 1 the sentences are
            closer to those of beam search, and their rewards more informative.
        baseline: what the reward of a sentence is compared with: the mean of the photo's ``others``, or that of the
            ``greedy`` sentence.
        optimiser: replaces the captioner's, and the schedule starts again.
    """

    after: int = -1
    samples: int = 5
    temperature: float = 1.0
    baseline: Literal["others", "greedy"] = "others"
    optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(learning_rate=5e-5))

    def __post_init__(self) -> None:
        check_positive(self, "temperature")
        least = 2 if self.baseline == "others" else 1
        if self.samples < least:
            raise RecipeError(
                f"samples: expected at least {least} with the baseline {self.baseline!r}, got {self.samples}"
            )


@dataclass(frozen=True)
class CaptionerSection(Section):
    """What a run that trains a captioner adds to :class:`~seetell.training.config.RunConfig`.

    Attributes:
        architecture: of the captioner.
        captioner: its configuration; the fields are the architecture's.
        label_smoothing: share of the target probability spread over all words.
        decoding: how validation photos or regions are described, and the defaults of the bundle.
    """

    architecture: str = "neuraltalk2"
    captioner: Any = None
    label_smoothing: float = 0.0
    decoding: Decoding = field(default_factory=Decoding)

    def __post_init__(self) -> None:
        if self.captioner is None:
            object.__setattr__(self, "captioner", config_type(self.architecture)())
        check_fractions(self, "label_smoothing")

    def check_parts(self, parts: int, processes: int) -> None:
        """Check that the loss has no state that a part of a batch changes."""
        if parts > 1 and getattr(self.captioner, "attention", "") == "hard":
            raise RecipeError(
                "attention: the baseline of hard attention follows the whole batch, which cannot be computed in "
                f"{parts} parts; train with one process and batch_parts: 1"
            )

    @classmethod
    def field_types(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the type of ``captioner``, which depends on the architecture."""
        return {"captioner": config_type(str(values.get("architecture", cls.architecture)))}


@dataclass(frozen=True)
class CaptioningConfig(CaptionerSection):
    """What captioning adds to :class:`CaptionerSection`.

    Attributes:
        finetune: training the encoder as well.
        scheduled_sampling: reading words of its own while training.
        distillation: learning from earlier models beside reference captions.
        self_critical: optimising CIDEr-D instead of the likelihood of reference captions.
        language_metrics: caption the validation photos and score the captions; the best model is then the one with the
            highest CIDEr-D, otherwise the one with the lowest loss.
        tagger: folder of the bundle whose detectors tag the photos, for a captioner that reads tags; on the command
            line also the name of a bundled model. Empty for the bundle that ``init_from`` names.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"name": "captioner", "validation": {"every": 2500, "photos": 3200}}

    ADAPTS = True

    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    scheduled_sampling: ScheduledSamplingConfig = field(default_factory=ScheduledSamplingConfig)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    self_critical: SelfCriticalConfig = field(default_factory=SelfCriticalConfig)
    language_metrics: bool = True
    tagger: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        tuned, rewarded = self.finetune.after, self.self_critical.after
        if self.distillation.teachers and rewarded == 0:
            raise RecipeError("distillation.teachers: with self_critical.after = 0 nothing is learnt from them")
        if 0 <= rewarded <= tuned:
            raise RecipeError(
                f"finetune.after: the encoder is frozen from self_critical.after = {rewarded} on; expected an earlier "
                f"step or -1, got {tuned}"
            )

    @property
    def trains_encoder(self) -> bool:
        """Whether the encoder is trained at some time."""
        return self.finetune.after >= 0

    def check(self, config: RunConfig) -> None:
        """Check that crops are of pixels, and that references, not rewards, adapt."""
        if config.adaptation.method != "none" and self.self_critical.after >= 0:
            raise RecipeError(
                "captioning.self_critical.after: with an adaptation.method, captions are learnt from references; set "
                f"it to -1 instead of {self.self_critical.after}"
            )
        if config.data.crop and config.encoder.cache and self.finetune.after < 0:
            raise RecipeError(
                "data.crop: cached features cannot be cropped; set encoder.cache to '' or captioning.finetune.after to "
                "a step"
            )
        if USES_TAGS[self.architecture]:
            check_cached(config, "a captioner that reads tags")

    def with_models(self, find: FindModel) -> CaptioningConfig:
        """Return the same with the names of teachers and of the tagger replaced by their folders."""
        teachers = tuple(find("captioning.distillation.teachers", name) for name in self.distillation.teachers)
        tagger = find("captioning.tagger", self.tagger) if self.tagger else ""
        distillation = dataclasses.replace(self.distillation, teachers=teachers)
        return dataclasses.replace(self, distillation=distillation, tagger=tagger)
