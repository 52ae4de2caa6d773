"""The word detectors and the presence of objects as a network, and the bundle that tags photos with them.

Word detectors (Fang et al., "From Captions to Visual Concepts and Back", CVPR 2015) are logistic, on pooled features of
the captioner's encoder, ImageNet's logits and the object tags, with a second opinion: which words people use where such
objects are, learned from sentences alone.

Presence adds up what the detector's score of a class, the detected words that name it, and the other objects say
(Rabinovich et al., "Objects in Context", ICCV 2007).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seetell.export.shared_weights import quantise_weights
from seetell.language.object_names import CLASSES, object_phrases
from seetell.nn.onnx_graph import onnx_graph
from seetell.runtime.bundle import FORMAT, Bundle, bundled_models
from seetell.runtime.file_hashes import file_hash

SCORE_RANGE = (0.02, 0.98)
NOTICED_SCORE = 0.25
"""The size of a box counts from this score on."""

SURE_OF_WORD, UNHEARD_OF, WORD_RANGE = 0.99, 0.05, (0.003, 0.97)
WORDS_SHARE, CONTEXT_SHARE = 0.2, 0.5
"""Weights in the presence of what detected words say and of what the other objects say; that of the score is 1."""

DETECTOR, CLASSIFIER = "coco-nanodet", "imagenet-efficientnet-lite2"
POOLED, IMAGENET, HIDDEN = 1280, 1000, 128


class WordDetectors(nn.Module):
    """From features and object tags to probabilities of words and the presence of objects.

    Args:
        words: those that are detected.
    """

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        objects, inputs = len(CLASSES), POOLED + IMAGENET + 2 * len(CLASSES)
        self.linear = nn.Linear(inputs, len(words))
        self.prior = nn.Sequential(nn.Linear(objects, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, len(words)))
        self.prior_gain = nn.Parameter(torch.full((len(words),), 0.5))
        self.context = nn.Sequential(nn.Linear(objects, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, objects))
        self.context_own = nn.Parameter(torch.ones(objects))
        self.context_bias = nn.Parameter(torch.zeros(objects))
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        naming = torch.zeros(len(words), objects)
        for place, word in enumerate(words):
            if name := object_phrases().get((word,)):
                naming[place, CLASSES.index(name)] = 1
        self.register_buffer("naming", naming)

    def forward(self, pooled: Tensor, imagenet: Tensor, objects: Tensor, object_boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities of words ``(B, W)`` and the presence of objects ``(B, O)``, logits."""
        linear = self.linear(self.standardised(self.inputs(pooled, imagenet, objects, object_boxes)))
        words = torch.sigmoid(linear + self.prior_gain * self.opinion(objects))
        return words, self.presence(objects, words)

    def inputs(self, pooled: Tensor, imagenet: Tensor, objects: Tensor, object_boxes: Tensor) -> Tensor:
        """Return features, logits, and scores and sizes of the objects, ``(B, D + 1000 + 2·O)``."""
        scores = objects.clamp(*SCORE_RANGE)
        x0, y0, x1, y1, _ = object_boxes.unbind(dim=2)
        size = ((x1 - x0) * (y1 - y0)).clamp(min=0).sqrt() * (scores > NOTICED_SCORE)
        return torch.cat([pooled, imagenet, torch.logit(scores), size], dim=1)

    def standardised(self, inputs: Tensor) -> Tensor:
        """Return what the detectors are linear in: inputs of mean 0 and deviation 1, ``(…, D + 1000 + 2·O)``."""
        standard: Tensor = ((inputs - self.mean) / self.deviation).clamp(-6, 6)
        return standard

    def opinion(self, objects: Tensor) -> Tensor:
        """Return what people say where such objects are, logits of words ``(…, W)``."""
        logits: Tensor = self.prior(((objects.clamp(*SCORE_RANGE) - 0.15) / 0.35).clamp(0, 1))
        return logits

    def presence(self, objects: Tensor, words: Tensor) -> Tensor:
        """Return how likely each object class is there, ``(B, O)``; about 0 at a score of 0.4 if no more is known."""
        scores = torch.logit(objects.clamp(*SCORE_RANGE))
        context = self.context((scores + 2.5).clamp(min=0)) + self.context_own * scores + self.context_bias
        unsaid = torch.exp(torch.log1p(-words.clamp(max=SURE_OF_WORD)) @ self.naming)  # none of a class's words holds
        said = torch.where(self.naming.sum(dim=0) > 0, 1 - unsaid, UNHEARD_OF).clamp(*WORD_RANGE)
        return scores + WORDS_SHARE * torch.logit(said) + CONTEXT_SHARE * context


def write_tagger(detectors: WordDetectors, words: Sequence[str], folder: Path, *, encoder_of: Bundle) -> Bundle:
    """Write a bundle that tags photos: the bundled detector and ImageNet classifier, and word detectors.

    Args:
        detectors: in evaluation mode.
        words: that they detect.
        folder: new.
        encoder_of: the bundle whose encoder's features they read.
    """
    folder.mkdir(parents=True)
    file = folder / "word_detectors.onnx"
    objects = len(CLASSES)
    example = (torch.rand(2, POOLED), torch.rand(2, IMAGENET), torch.rand(2, objects), torch.rand(2, objects, 5))
    names = ("pooled", "imagenet", "objects", "object_boxes")
    photos = {0: torch.export.Dim("photos", min=1)}
    file.write_bytes(
        onnx_graph(
            detectors, example, inputs=names, outputs=("words", "presence"), dynamic_shapes=tuple(photos for _ in names)
        )
    )
    quantise_weights(file)
    detector, classifier = (Bundle.load(bundled_models()[name]) for name in (DETECTOR, CLASSIFIER))
    sources = {
        "encoder": (encoder_of, "encoder"),
        "detector": (detector, "detector"),
        "tag_encoder": (classifier, "encoder"),
        "tag_classifier": (classifier, "classifier"),
    }
    shared, graphs = {}, {}
    for name, (owner, graph) in sources.items():
        files, sighted = dict(owner.graphs[graph].files), "images" in owner.graphs[graph].inputs
        default = owner.graphs[graph].default
        shared[name] = {"model": owner.folder.name, "sha256": {default: file_hash(files[default])}}
        described = owner.description["graphs"][graph]
        graphs[name] = {
            default: described[default],
            "default": default,
            "inputs": described["inputs"],
            "outputs": described["outputs"],
        }
        if sighted and owner.preprocessing != encoder_of.preprocessing:
            graphs[name]["preprocessing"] = owner.preprocessing.to_dict()
    graphs["word_detectors"] = {
        "fp32": file.name,
        "default": "fp32",
        "inputs": list(names),
        "outputs": ["words", "presence"],
    }
    description: dict[str, Any] = {
        "format": FORMAT,
        "name": folder.name,
        "task": "tagging",
        "preprocessing": encoder_of.preprocessing.to_dict(),
        "graphs": graphs,
        "shared": shared,
        "settings": {"objects": list(CLASSES), "words": list(words)},
        "files": {file.name: file_hash(file)},
    }
    (folder / "model.json").write_text(json.dumps(description, indent=1), "utf-8")
    return Bundle.load(folder)
