"""The words of a caption as scores of a network in torch, for methods that need gradients.

Tags, which detectors and classifiers find, are held fixed: gradients say what the encoder and the captioner see, and
not what an object detector does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from seetell.explain.network import ScoredNetwork, last_map_layer
from seetell.nn.backbones import Encoder, Tags
from seetell.tasks.captioning.config import CaptioningConfig
from seetell.tasks.captioning.explain import ExplainedCaption
from seetell.tasks.captioning.models import Captioner, build, caption_tensors
from seetell.tasks.captioning.predict import BundleCaptioner
from seetell.training.config import only
from seetell.training.trained import load_exported


class WordScores(nn.Module):
    """From images to the log-probabilities of words of one sentence.

    Args:
        encoder: in evaluation mode.
        captioner: in evaluation mode.
        tokens: ``T`` word ids of the sentence.
        positions: ``K`` places of the words to score.
        tags: of one image, for captioners that read them.
    """

    def __init__(
        self,
        encoder: Encoder,
        captioner: Captioner,
        tokens: Sequence[int],
        positions: Sequence[int],
        tags: Tags | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.captioner, self.tags = encoder, captioner, tags
        self.tokens, self.positions = list(tokens), list(positions)

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(B, K)`` for images ``(B, 3, H, W)``."""
        count = len(images)
        features = self.encoder(images)
        if self.tags is not None:
            features = features._replace(tags=Tags(*(found.expand(count, *found.shape[1:]) for found in self.tags)))
        inputs, targets = caption_tensors([[self.tokens]] * count, max_words=len(self.tokens))
        logits = self.captioner(features, inputs, targets).reshape(count, len(self.tokens) + 1, -1)
        logprobs = torch.log_softmax(logits, dim=2)[:, self.positions]
        wanted = torch.tensor([self.tokens[place] for place in self.positions])
        return logprobs.gather(2, wanted[None, :, None].expand(count, -1, 1))[:, :, 0]


def network(predictor: BundleCaptioner, image: Image.Image, explained: ExplainedCaption) -> ScoredNetwork:
    """Return the network whose scores are those of the explained words.

    Args:
        predictor: of a bundle with its weights in torch.
        image: that is explained.
        explained: what :func:`seetell.tasks.captioning.explain.explain` returned for it.

    Raises:
        CheckpointError: the bundle has no weights in torch.
    """
    bundle = predictor.bundle
    encoder, captioner = load_exported(bundle.folder, build, only(captioning=CaptioningConfig), part="captioner")
    assert isinstance(captioner, Captioner)
    tags = None
    if captioner.uses_tags:
        features = predictor.features([predictor.prepare(image)])
        tags = Tags(*(torch.from_numpy(np.array(features[name])) for name in Tags._fields))
    scores = WordScores(encoder, captioner, explained.tokens, explained.positions, tags).eval().requires_grad_(False)
    prepared = torch.from_numpy(bundle.preprocessing(image))[None]
    return ScoredNetwork(scores, prepared, torch.zeros_like(prepared), last_map_layer(encoder, prepared))
