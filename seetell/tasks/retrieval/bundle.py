"""The folder of an aligner: what is in it, whether it is whole, and whose encoder it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seetell.errors import BundleError, SeetellError, UsageError, unknown
from seetell.language.vocabulary import Vocabulary
from seetell.photos.preprocessing import Preprocessing
from seetell.runtime.bundle import (
    check_format,
    check_vocabulary,
    find,
    inside,
    read_card,
    read_description,
    sha256,
    verify_files,
)


@dataclass(frozen=True)
class AlignmentBundle:
    """An aligner's folder whose description and vocabulary were read and agree.

    The encoder may be that of another model, which is then named: two models that look at photos in the same way need
    only one copy.

    Attributes:
        folder: where it is.
        name: what results carry.
        description: all of ``model.json``.
        preprocessing: how photos become the encoder's input.
        vocabulary: the words it knows.
        max_words: longer sentences are cut.
        boxes: the regions, ``(R, 4)`` xyxy in shares of the photo's width and height, the whole photo first.
        encoders: by precision, ``fp32`` or ``int8``, the encoder's file.
        precision: the one used by default.
        photos: graph from the encoder's features to embeddings of regions and whole photos.
        sentences: graph from word numbers to embeddings of words and whole sentences.
        grounding: graph from a photo's grid and phrases to boxes; ``None`` of an aligner that never saw boxes.
    """

    folder: Path
    name: str
    description: Mapping[str, Any]
    preprocessing: Preprocessing
    vocabulary: Vocabulary
    max_words: int
    boxes: np.ndarray
    encoders: Mapping[str, Path]
    precision: str
    photos: Path
    sentences: Path
    grounding: Path | None

    @classmethod
    def load(cls, folder: str | Path) -> AlignmentBundle:
        """Read a bundle; of the large files only the presence is checked, but of an encoder that is another model's.

        Raises:
            BundleError: it is no aligner, a file is missing, or its content does not fit the others.
        """
        folder = Path(folder)
        description = read_description(folder)
        check_format(folder, description)
        if description.get("kind") != "align":
            raise BundleError(f"{folder}: is a model of kind {description.get('kind')!r}; expected 'align'")
        try:
            name, preprocessing = str(description["name"]), Preprocessing(**description["preprocessing"])
            encoder, graphs = dict(description["encoder"]), description["graphs"]
            precision, owner, expected = encoder.pop("default"), encoder.pop("model"), encoder.pop("sha256")
            home = folder if owner is None else _home(folder, owner)
            encoders = {kind: inside(home, file) for kind, file in encoder.items()}
            photos, sentences = inside(folder, graphs["photos"]), inside(folder, graphs["sentences"])
            grounding = inside(folder, graphs["grounding"]) if "grounding" in graphs else None
            files = [*(inside(folder, file) for file in description["files"]), *encoders.values(), photos, sentences]
            files += [] if grounding is None else [grounding]
            vocabulary = description["vocabulary_sha256"], description["vocabulary_size"]
            max_words = int(description["sizes"]["max_words"])
            boxes = np.array(description["sizes"]["boxes"], np.float64).reshape(-1, 4)
        except KeyError as error:
            raise BundleError(f"{folder / 'model.json'}: lacks {error.args[0]!r}; export the model again") from error
        except (TypeError, ValueError, AttributeError, SeetellError) as error:
            raise BundleError(f"{folder / 'model.json'}: {error}; export the model again") from error
        if precision not in encoders:
            raise BundleError(f"{folder / 'model.json'}: {unknown('default encoder', precision, encoders)}")
        missing = sorted({file.name for file in files if not file.is_file()})
        if missing:
            raise BundleError(f"{folder}: lacks {', '.join(missing)}; install or export the model again")
        for kind, digest in (expected or {}).items():
            if sha256(encoders[kind]) != digest:
                raise BundleError(
                    f"{folder}: was made for another {kind} encoder than {encoders[kind]} is now; export it again"
                )
        words = check_vocabulary(folder, *vocabulary)
        return cls(
            folder,
            name,
            description,
            preprocessing,
            words,
            max_words,
            boxes,
            encoders,
            precision,
            photos,
            sentences,
            grounding,
        )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the encoder's grid.

        Raises:
            BundleError: the description does not say.
        """
        try:
            rows, columns = map(int, self.description["sizes"]["grid"])
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{self.folder / 'model.json'}: lacks 'sizes.grid'; export the model again") from error
        return rows, columns

    def encoder(self, precision: str | None = None) -> Path:
        """Return the encoder's file.

        Raises:
            UsageError: the bundle has none of that precision.
        """
        precision = precision or self.precision
        if precision not in self.encoders:
            raise UsageError(f"{self.name}: {unknown('precision', precision, self.encoders)}")
        return self.encoders[precision]

    def card(self) -> str:
        """Return the model card."""
        return read_card(self.folder)

    def verify(self) -> None:
        """Compare every file with its recorded hash.

        Raises:
            BundleError: some file was changed or damaged.
        """
        verify_files(self.folder, self.description)


def _home(folder: Path, owner: str) -> Path:
    """Return the folder of the model whose encoder is used: a neighbour of that name, or a bundled model."""
    neighbour = inside(folder.parent, owner)
    return neighbour if neighbour.is_dir() else find(owner)
