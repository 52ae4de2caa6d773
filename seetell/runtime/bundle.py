"""A model as a folder: what is in it, whether it is whole, and where to find one.

``model.json`` describes, ``vocabulary.json`` names the words, the ``*.onnx`` files compute, ``README.md`` is the card.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seetell.errors import BundleError, SeetellError, UsageError, unknown
from seetell.language.decoding import Decoding
from seetell.language.vocabulary import Vocabulary
from seetell.photos.preprocessing import Preprocessing

FORMAT = 1
BUNDLES = Path(__file__).resolve().parents[1] / "bundles"
"""The models that came with the package, one folder each."""


@dataclass(frozen=True)
class Bundle:
    """A model folder whose description and vocabulary were read and agree.

    Attributes:
        folder: where it is.
        name: what results carry.
        kind: what it does, such as ``caption``.
        description: all of ``model.json``.
        preprocessing: how photos become the encoder's input.
        vocabulary: the words it can say.
        decoding: its default way from probabilities to sentences.
        encoders: by precision, ``fp32`` or ``int8``, the encoder's file.
        precision: the one used by default.
        decoder_start: graph from features to the decoder's first state.
        decoder_step: graph from a word and a state to the next word's log-probabilities and the next state.
    """

    folder: Path
    name: str
    kind: str
    description: Mapping[str, Any]
    preprocessing: Preprocessing
    vocabulary: Vocabulary
    decoding: Decoding
    encoders: Mapping[str, Path]
    precision: str
    decoder_start: Path
    decoder_step: Path

    @classmethod
    def load(cls, folder: str | Path, *, kind: str = "caption") -> Bundle:
        """Read a bundle; of the large files only the presence is checked, see :meth:`verify`.

        Args:
            folder: where it is.
            kind: what it must do.

        Raises:
            BundleError: a file is missing or its content does not fit the others.
        """
        folder = Path(folder)
        description = read_description(folder)
        check_format(folder, description)
        if description.get("kind", kind) != kind:
            raise BundleError(f"{folder}: is a model of kind {description['kind']!r}; expected {kind!r}")
        try:
            for field in ("name", "kind"):
                if not isinstance(description[field], str):
                    raise TypeError(f"{field} must be text, got {description[field]!r}")
            preprocessing = Preprocessing(**description["preprocessing"])
            decoding = Decoding.from_dict(description["decoding"])
            encoder, decoder = dict(description["encoder"]), description["decoder"]
            precision = encoder.pop("default")
            encoders = {name: inside(folder, file) for name, file in encoder.items()}
            start, step = inside(folder, decoder["start"]), inside(folder, decoder["step"])
            files = [*(inside(folder, name) for name in description["files"]), *encoders.values(), start, step]
            expected = description["vocabulary_sha256"], description["vocabulary_size"]
        except KeyError as error:
            raise BundleError(f"{folder / 'model.json'}: lacks {error.args[0]!r}; export the model again") from error
        except (TypeError, ValueError, AttributeError, SeetellError) as error:
            raise BundleError(f"{folder / 'model.json'}: {error}; export the model again") from error
        if precision not in encoders:
            raise BundleError(f"{folder / 'model.json'}: {unknown('default encoder', precision, encoders)}")
        missing = sorted({file.name for file in files if not file.is_file()})
        if missing:
            raise BundleError(f"{folder}: lacks {', '.join(missing)}; install or export the model again")
        vocabulary = check_vocabulary(folder, *expected)
        return cls(
            folder,
            description["name"],
            description["kind"],
            description,
            preprocessing,
            vocabulary,
            decoding,
            encoders,
            precision,
            start,
            step,
        )

    def encoder(self, precision: str | None = None) -> Path:
        """Return the encoder's file.

        Raises:
            UsageError: the bundle has none of that precision.
        """
        precision = precision or self.precision
        if precision not in self.encoders:
            raise UsageError(f"{self.name}: {unknown('precision', precision, self.encoders)}")
        return self.encoders[precision]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the grid that the captioner attends to.

        Raises:
            BundleError: ``model.json`` does not tell them.
        """
        grid = attended_grid(self.description)
        if grid is None:
            raise BundleError(
                f"{self.folder / 'model.json'}: sizes.grid must be the rows and columns of the grid that the captioner "
                "attends to; export the model again"
            )
        return grid

    def card(self) -> str:
        """Return the model card; see :func:`read_card`."""
        return read_card(self.folder)

    def verify(self) -> None:
        """Compare every file with its recorded hash; see :func:`verify_files`."""
        verify_files(self.folder, self.description)


def read_card(folder: Path) -> str:
    """Return a model's card: what it is, what it learnt from, how it scores, under which terms.

    Raises:
        BundleError: there is none.
    """
    try:
        return (folder / "README.md").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder}: has no readable card README.md ({error})") from error


def verify_files(folder: Path, description: Mapping[str, Any]) -> None:
    """Compare every file of a model with its recorded hash.

    Raises:
        BundleError: some file was changed or damaged.
    """
    for name, expected in description["files"].items():
        digest = sha256(folder / name)
        if digest != expected:
            raise BundleError(
                f"{folder / name}: was changed or damaged (expected SHA-256 {str(expected)[:12]}…, "
                f"got {digest[:12]}…); install or export the model again"
            )


def read_description(folder: Path) -> dict[str, Any]:
    """Read ``model.json`` without checking what it says.

    Raises:
        BundleError: it is missing or is not a JSON object.
    """
    path = folder / "model.json"
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"{folder}: not a model folder, it has no model.json") from error
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read as JSON ({error}); install or export the model again") from error
    if not isinstance(description, dict):
        raise BundleError(f"{path}: expected a JSON object, got {type(description).__name__}")
    return description


def attended_grid(description: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return rows and columns of the grid that a captioner attends to; ``None`` where its description tells of none."""
    sizes = description.get("sizes")
    grid = sizes.get("grid") if isinstance(sizes, dict) else None
    if not isinstance(grid, list) or len(grid) != 2 or not all(type(side) is int and side > 0 for side in grid):
        return None
    return grid[0], grid[1]


def check_format(folder: Path, description: Mapping[str, Any]) -> None:
    """Refuse a bundle that another version of seetell wrote.

    Raises:
        BundleError: it did.
    """
    if description.get("format") != FORMAT:
        raise BundleError(
            f"{folder}: is in bundle format {description.get('format')!r}, this seetell reads {FORMAT}; "
            "use the version of seetell that wrote it, or export the model again"
        )


def check_vocabulary(folder: Path, expected_hash: object, expected_size: object) -> Vocabulary:
    """Read a bundle's vocabulary.

    Raises:
        BundleError: it is missing, or is not the one expected.
    """
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    if (vocabulary.hash, len(vocabulary)) != (expected_hash, expected_size):
        raise BundleError(
            f"{folder}: vocabulary.json is not the one the weights were trained with (expected {expected_size} "
            f"entries with hash {str(expected_hash)[:12]}…, got {len(vocabulary)} with {vocabulary.hash[:12]}…); "
            "install or export the model again"
        )
    return vocabulary


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def inside(folder: Path, name: str) -> Path:
    """Return a file of a bundle.

    Raises:
        BundleError: the name is not that of a file inside the folder.
    """
    if not isinstance(name, str) or Path(name).name != name or name in ("", ".", ".."):
        raise BundleError(f"file names must be plain names inside the model folder, got {name!r}")
    return folder / name


def installed() -> dict[str, Path]:
    """Return the folders of the bundled models by name, in alphabetical order."""
    return {path.parent.name: path.parent for path in sorted(BUNDLES.glob("*/model.json"))}


def find(model: str | Path) -> Path:
    """Find a model folder.

    Args:
        model: the name of a bundled model; or a kind such as ``caption``, which stands for the first bundled
            model of that kind; or the path of a model folder. A name goes before a path: ``./NAME`` is always a path.

    Raises:
        UsageError: there is no such model.
    """
    bundled = installed()
    if str(model) in bundled:
        return bundled[str(model)]
    for folder in bundled.values():
        if read_description(folder).get("kind") == model:
            return folder
    if Path(model).is_dir():
        return Path(model)
    raise UsageError(f"{unknown('model', model, bundled)} A path must be that of a model folder.")
