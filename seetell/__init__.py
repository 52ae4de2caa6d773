"""seetell describes images: captions, regions, phrases of sentences and search.

    >>> import seetell
    >>> seetell.load().caption("photo.jpg").text

Names are imported when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seetell.errors import BundleError, PhotoError, SeetellError, UsageError
    from seetell.language.decoding import Decoding
    from seetell.photos.opening import open_photo
    from seetell.results import Caption, Regions
    from seetell.tasks.captioning.captioner import Captioner
    from seetell.tasks.classification.classifier import Classifier
    from seetell.tasks.dense_captioning.predict import DenseCaptioner
    from seetell.tasks.detection.detector import Detector
    from seetell.tasks.grounding.predict import PhraseGrounder
    from seetell.tasks.loading import load
    from seetell.tasks.retrieval.embedder import Embedder

__version__ = "0.1.0"

# from version 1.29 on ONNX Runtime reports every process and model over the network, unless this is set before it loads
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "BundleError",
    "Caption",
    "Captioner",
    "Classifier",
    "Decoding",
    "DenseCaptioner",
    "Detector",
    "Embedder",
    "PhotoError",
    "PhraseGrounder",
    "Regions",
    "SeetellError",
    "UsageError",
    "load",
    "open_photo",
]

_HOMES = {
    "seetell.errors": ("BundleError", "PhotoError", "SeetellError", "UsageError"),
    "seetell.language.decoding": ("Decoding",),
    "seetell.photos.opening": ("open_photo",),
    "seetell.results": ("Caption", "Regions"),
    "seetell.tasks.captioning.captioner": ("Captioner",),
    "seetell.tasks.classification.classifier": ("Classifier",),
    "seetell.tasks.dense_captioning.predict": ("DenseCaptioner",),
    "seetell.tasks.detection.detector": ("Detector",),
    "seetell.tasks.grounding.predict": ("PhraseGrounder",),
    "seetell.tasks.loading": ("load",),
    "seetell.tasks.retrieval.embedder": ("Embedder",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module 'seetell' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
