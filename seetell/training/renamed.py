"""New names for the fields and values of earlier recipes, which errors recommend."""

from __future__ import annotations

RENAMED = {
    "aligner": "retrieval.aligner",
    "alpha": "momentum, rho or betas, whichever the optimiser reads",
    "architecture": "{task}.architecture",
    "averaging": "ema_decay",
    "beta": "betas",
    "block_ngrams": "no_repeat_ngram_size",
    "boxes": "grounding.boxes",
    "captioner": "{task}.captioner",
    "cells": "output_size",
    "certainty": "caption_confidence_weight",
    "compares": "similarity",
    "decoding": "{task}.decoding",
    "densecap": "dense_captioning.densecap",
    "distillation": "captioning.distillation",
    "expected": "soft_fraction",
    "explosion_factor": "divergence_factor",
    "finest_until": "canonical_box_size",
    "finetune": "captioning.finetune",
    "fixed_words": "freeze_word_embeddings",
    "grounder": "grounding.grounder",
    "halving": "exponential",
    "hidden": "hidden_channels",
    "kind": "task",
    "label_smoothing": "{task}.label_smoothing",
    "language": "captioning.language_metrics",
    "mixing": "mixer_hidden_size",
    "mixed_precision": "precision",
    "most": "max_probability",
    "phrases_per_photo": "grounding.phrases_per_photo",
    "positive_share": "positive_fraction",
    "ranking": "retrieval.ranking",
    "ratios": "aspect_ratios",
    "regions": "roi_head",
    "samples": "batch_size_per_image",
    "scheduled_sampling": "captioning.scheduled_sampling",
    "self_critical": "captioning.self_critical",
    "sentence": "sentence_encoder",
    "sides": "anchor_sizes",
    "start_from": "init_from",
    "start_words": "{task}.init_word_embeddings",
    "training_data": "card.training_data",
    "unit_regions": "normalise_regions",
}
"""By old name, ``{task}`` being the run's task; what is more than a name explains."""


def renamed_fields(task: str) -> dict[str, str]:
    """Return the new names in a recipe of a task."""
    return {old: new.format(task=task) for old, new in RENAMED.items()}
