"""The folder of a dense captioner: a captioner's, and two graphs that find what it talks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from seetell.errors import BundleError, SeetellError
from seetell.language.vocabulary import Vocabulary
from seetell.photos.preprocessing import Preprocessing
from seetell.runtime.bundle import Bundle, inside

KIND = "regions"


@dataclass(frozen=True)
class Localisation:
    """How boxes are chosen between the graphs.

    Attributes:
        strides: of the maps, finest first.
        canonical_box_size: boxes whose side, the root of the area in pixels of the encoder's input, is shorter are looked at
            in the finest map; those of up to twice the side in the next, and so on.
        pre_nms_top_n: proposals that are compared.
        proposal_nms_iou: of two that overlap more, the better stays.
        proposals: how many of the rest are looked at.
        nms_iou: of two final boxes that overlap more, the better stays.
        max_detections: final boxes a photo.
        caption_confidence_weight: a region's score is its objectness times the geometric mean of its words' probabilities to this
            power.
    """

    strides: tuple[int, ...]
    canonical_box_size: float
    pre_nms_top_n: int
    proposal_nms_iou: float
    proposals: int
    nms_iou: float
    max_detections: int
    caption_confidence_weight: float

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Localisation:
        """Read what a bundle says.

        Raises:
            KeyError: a field is missing.
            TypeError: one is no number.
        """
        values = {field.name: content[field.name] for field in fields(cls)}
        strides = tuple(int(stride) for stride in values.pop("strides"))
        if not strides or not all(isinstance(value, (int, float)) and value >= 0 for value in values.values()):
            raise TypeError(f"localisation must be numbers, none of them negative, got {dict(content)}")
        return cls(strides=strides, **values)


@dataclass(frozen=True)
class RegionBundle:
    """A dense captioner's folder whose description and vocabulary were read and agree.

    Attributes:
        captioner: encoder, decoder and words. The encoder's graph gives a map a stride.
        localisation: how boxes are chosen.
        proposals: graph from the maps to a pyramid and to boxes with their logits.
        regions: graph from pyramid and boxes to corrected boxes, scores and what the decoder reads.
    """

    captioner: Bundle
    localisation: Localisation
    proposals: Path
    regions: Path

    @classmethod
    def load(cls, folder: str | Path) -> RegionBundle:
        """Read a bundle; of the large files only the presence is checked.

        Raises:
            BundleError: a file is missing or its content does not fit the others.
        """
        captioner = Bundle.load(folder, kind=KIND)
        try:
            localisation = Localisation.from_dict(captioner.description["localisation"])
            graphs = captioner.description["graphs"]
            proposals, regions = (inside(captioner.folder, graphs[name]) for name in ("proposals", "regions"))
        except KeyError as error:
            raise BundleError(f"{folder}/model.json: lacks {error.args[0]!r}; export the model again") from error
        except (TypeError, ValueError, AttributeError, SeetellError) as error:
            raise BundleError(f"{folder}/model.json: {error}; export the model again") from error
        missing = [file.name for file in (proposals, regions) if not file.is_file()]
        if missing:
            raise BundleError(f"{folder}: lacks {', '.join(missing)}; install or export the model again")
        return cls(captioner, localisation, proposals, regions)

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.captioner.folder

    @property
    def name(self) -> str:
        """The model's name."""
        return self.captioner.name

    @property
    def description(self) -> Mapping[str, Any]:
        """All of ``model.json``."""
        return self.captioner.description

    @property
    def preprocessing(self) -> Preprocessing:
        """How photos become the encoder's input."""
        return self.captioner.preprocessing

    @property
    def vocabulary(self) -> Vocabulary:
        """The words it can say."""
        return self.captioner.vocabulary

    def card(self) -> str:
        """Return the model card."""
        return self.captioner.card()

    def verify(self) -> None:
        """Compare every file with its recorded hash.

        Raises:
            BundleError: some file was changed or damaged.
        """
        self.captioner.verify()
