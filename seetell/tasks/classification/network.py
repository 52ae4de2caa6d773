"""The classes of an image as scores of a network in torch, for methods that need gradients.

The scores are logits, as the methods' papers have them: a probability near 1 has no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import torch
from onnx import numpy_helper
from PIL import Image
from torch import Tensor, nn

from seetell.errors import UsageError
from seetell.explain.network import ScoredNetwork, last_map_layer
from seetell.nn.backbones import Encoder, create_encoder
from seetell.runtime.bundle import Bundle
from seetell.tasks.classification.classifier import Classifier as Predictor
from seetell.tasks.classification.config import ClassificationConfig
from seetell.tasks.classification.explain import ExplainedClasses
from seetell.tasks.classification.model import Classifier, LinearClassifier, build
from seetell.tasks.classification.predict import BundleClassifier
from seetell.training.config import only
from seetell.training.trained import load_exported, network_config


class ClassScores(nn.Module):
    """From images to the logits of some classes.

    Args:
        encoder: in evaluation mode.
        classifier: in evaluation mode.
        classes: ``K`` numbers of classes; all when absent.
    """

    def __init__(self, encoder: Encoder, classifier: Classifier, classes: Sequence[int] | None = None) -> None:
        super().__init__()
        self.encoder, self.classifier = encoder, classifier
        self.classes = None if classes is None else list(classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(B, K)`` for images ``(B, 3, H, W)``."""
        logits = self.classifier.of(self.encoder(images))
        return logits if self.classes is None else logits[:, self.classes]


def network(predictor: Predictor[object], image: Image.Image, explained: ExplainedClasses) -> ScoredNetwork:
    """Return the network whose scores are the logits of the explained classes.

    Args:
        predictor: of a bundle.
        image: that is explained.
        explained: what :func:`seetell.tasks.classification.explain.explain` returned for it.

    Raises:
        UsageError: the model is no bundle.
        CheckpointError: the bundle has no weights in torch, and is none of published ones.
    """
    if not isinstance(predictor, BundleClassifier):
        raise UsageError(f"{predictor.name} has no network in torch here; expected a bundle")
    encoder, classifier = load_network(predictor.bundle)
    prepared = torch.from_numpy(predictor.bundle.preprocessing(image))[None]
    scores = ClassScores(encoder, classifier, explained.classes).eval().requires_grad_(False)
    return ScoredNetwork(scores, prepared, torch.zeros_like(prepared), last_map_layer(encoder, prepared))


def load_network(bundle: Bundle) -> tuple[Encoder, Classifier]:
    """Return the encoder and the classifier that a bundle was exported from, in evaluation mode.

    A bundle of published weights has none in torch: its encoder is made from the published ones, and its classifier,
    one linear layer, is read from the graph.

    Raises:
        CheckpointError: it has other weights than its configuration says.
    """
    sections = only(classification=ClassificationConfig)
    if (bundle.folder / "weights.safetensors").is_file():
        encoder, classifier = load_exported(bundle.folder, build, sections, part="classifier")
        assert isinstance(classifier, Classifier)
        return encoder, classifier
    chosen = network_config(bundle.description, sections).encoder
    encoder = create_encoder(chosen.name, weights=chosen.weights, image_size=chosen.image_size, options=chosen.options)
    linear = LinearClassifier(encoder.channels, len(bundle.labels or ()))
    initializers = onnx.load(bundle.graph("classifier", "fp32")).graph.initializer
    arrays = {each.name: torch.from_numpy(numpy_helper.to_array(each).astype("float32")) for each in initializers}
    weight = arrays["weight"] * arrays.get("scale", torch.ones(1))[:, None]  # where it is stored in half precision
    linear.linear.load_state_dict({"weight": weight, "bias": arrays["bias"]})
    return encoder.eval(), linear.eval()
