"""How a run adapts to photos of another kind than those with labels, as a section of its recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from seetell.config import check_not_negative, check_positive, check_shares, check_sizes
from seetell.errors import RecipeError

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

Method = Literal[
    "none",
    "gradient_reversal",
    "mmd",
    "instance_weighting",
    "kernel_mean_matching",
    "mixstyle",
    "group_dro",
    "adapters",
]

ALIGNING = ("gradient_reversal", "mmd")
"""Methods that make features of both domains alike."""

USE_TARGET = (*ALIGNING, "instance_weighting", "kernel_mean_matching")
"""Methods that learn from photos of the target domain, which need no labels."""


@dataclass(frozen=True)
class AdaptationConfig:
    """Domain adaptation and generalisation: from the photos of ``data``, the source, to those the model will meet.

    Attributes:
        method: ``none``; ``gradient_reversal``, features from which a discriminator cannot tell the domain; ``mmd``,
            features of a small maximum mean discrepancy; ``instance_weighting`` or ``kernel_mean_matching``, source
            photos that look like target photos count more; ``mixstyle``, styles of source photos are mixed;
            ``group_dro``, clusters of source photos with high losses count more; ``adapters``, the model of
            ``init_from`` stays as it is, but for the encoder's adapter, which learns from a few labels of the target
            domain: there ``data`` is the target.
        target: photos of the target domain, for the methods that learn from them, without labels: a folder, of which
            all photos count, or a file of captions, of which the training photos count.
        weight: of the loss of ``gradient_reversal`` and ``mmd`` beside the task's.
        discriminator_width: hidden units of the discriminator of ``gradient_reversal``.
        ratio_exponent: to which ``instance_weighting`` raises the density ratios: 1 leaves them, 0 weights all alike.
        largest_weight: of a photo, for ``kernel_mean_matching``; the mean is 1.
        style_stage: of the encoder, behind which ``mixstyle`` mixes.
        style_probability: with which a batch's styles are mixed.
        style_alpha: of the distribution Beta(α, α) of a photo's share of its own style.
        groups: clusters of the source photos' features, for ``group_dro``.
        group_step_size: how fast the weights of groups follow their losses.
    """

    method: Method = "none"
    target: str = ""
    weight: float = 1.0
    discriminator_width: int = 256
    ratio_exponent: float = 0.5
    largest_weight: float = 10.0
    style_stage: int = 3
    style_probability: float = 0.5
    style_alpha: float = 0.1
    groups: int = 4
    group_step_size: float = 0.01

    def __post_init__(self) -> None:
        check_sizes(self, "discriminator_width", "style_stage", "groups")
        check_positive(self, "style_alpha", "group_step_size")
        check_not_negative(self, "weight")
        check_shares(self, "ratio_exponent", "style_probability")
        if self.largest_weight <= 1:
            raise RecipeError(f"largest_weight: expected more than the mean, 1, got {self.largest_weight}")
        if self.method in USE_TARGET and not self.target:
            raise RecipeError(
                f"target: {self.method} learns from photos of the target domain, without labels; name their folder"
            )
        if self.target and self.method not in USE_TARGET:
            raise RecipeError(f"target: {self.method} reads no photos of the target domain, got {self.target!r}")

    def check(self, config: RunConfig) -> None:
        """Check the method against the rest of the run.

        Raises:
            RecipeError: they contradict each other.
        """
        adapter, method, section = config.encoder.adapter, self.method, config.section
        if not section.ADAPTS and (adapter or method != "none"):
            field = "encoder.adapter" if adapter else "adaptation.method"
            raise RecipeError(f"{field}: models of {config.task} are not adapted; leave it out")
        if adapter and section.trains_encoder:
            raise RecipeError("encoder.adapter: stands behind a frozen encoder, but this run trains the encoder itself")
        if adapter and not config.encoder.cache:
            raise RecipeError("encoder.cache: an adapter is trained on cached features, so it must name a folder")
        if method in ALIGNING and not adapter and not section.trains_encoder:
            raise RecipeError(
                f"adaptation.method: {method} changes features, but those of a frozen encoder stay as they are; set "
                "encoder.adapter, such as 64, or train the encoder"
            )
        if method == "gradient_reversal" and config.steps == -1:
            raise RecipeError(
                "adaptation.method: the strength of gradient_reversal rises until the last step, so steps "
                "must be a number, not -1"
            )
        if method == "mixstyle" and (section.trains_encoder or not config.encoder.cache):
            raise RecipeError(
                "adaptation.method: mixstyle mixes cached activations of a frozen encoder; set encoder.cache, and do "
                "not train the encoder"
            )
        if method == "adapters" and not (adapter and config.init_from):
            field = "init_from: name the model that" if adapter else "encoder.adapter: set its width, such as 64, which"
            raise RecipeError(f"{field} the method adapters refines")

    def check_parts(self, parts: int) -> None:
        """Check that the batch may be computed in parts.

        Raises:
            RecipeError: it may not.
        """
        if parts > 1 and self.method == "group_dro":
            raise RecipeError(
                "adaptation.method: the weights of group_dro follow the losses of a whole batch, which cannot be "
                f"computed in {parts} parts; train with one process and batch_parts: 1"
            )
