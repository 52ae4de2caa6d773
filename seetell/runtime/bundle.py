"""A model as a folder: what is in it, whether it is complete, and which models come with the package.

``model.json`` describes, ``*.onnx`` files compute, ``vocabulary.json`` or ``labels.json`` name the words or classes,
``weights.safetensors`` is for further training, ``README.md`` is the card. The reference page *Bundle* lists every key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from seetell.errors import BundleError, SeetellError, UsageError, unknown
from seetell.language.vocabulary import Vocabulary
from seetell.photos.preprocessing import Preprocessing
from seetell.regular_file import open_regular, read_json
from seetell.runtime.file_hashes import file_hash

FORMAT = 2
BUNDLES = Path(__file__).resolve().parents[1] / "bundles"
"""The models that come with the package, one folder each."""

MAX_CARD = 2**20
"""Bytes of a card that are shown."""

_MEND = "export the model again"
_UNFIT = (TypeError, ValueError, AttributeError, OverflowError, SeetellError)
"""What values of ``model.json`` that are not as expected raise."""

_NOT_PRECISIONS = ("default", "inputs", "outputs", "preprocessing")

Setting = TypeVar("Setting")


@dataclass(frozen=True)
class GraphFiles:
    """One graph of a bundle, perhaps in several precisions.

    Attributes:
        files: by precision, such as ``fp32`` or ``int8``.
        default: the precision used unless another is asked for.
        inputs: names of the graph's inputs.
        outputs: names of its outputs.
        preprocessing: of its images, where that is not the bundle's; ``None`` otherwise.
    """

    files: Mapping[str, Path]
    default: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    preprocessing: Preprocessing | None = None


@dataclass(frozen=True)
class Bundle:
    """A model folder whose description, vocabulary and labels were read and agree.

    Attributes:
        folder: where it is.
        name: what results carry as their ``model``.
        task: what the model does, such as ``captioning``.
        description: all of ``model.json``.
        preprocessing: how an image becomes the encoder's input.
        graphs: by name, such as ``encoder``. A graph may be another bundle's, see ``shared`` in ``model.json``: two
            models that see images in the same way need only one copy.
        settings: what the task's predictor needs besides; see :meth:`setting`.
        vocabulary: the words it knows, if it has any.
        labels: the names of its classes, if it has any.
    """

    folder: Path
    name: str
    task: str
    description: Mapping[str, Any]
    preprocessing: Preprocessing
    graphs: Mapping[str, GraphFiles]
    settings: Mapping[str, Any]
    vocabulary: Vocabulary | None
    labels: tuple[str, ...] | None

    @classmethod
    def load(cls, folder: str | Path) -> Bundle:
        """Read a bundle.

        The hashes of vocabulary, labels and shared graphs are checked; the presence of every other file, for whose
        hashes see :meth:`verify`.

        Raises:
            BundleError: a file is missing or its content does not fit the others.
        """
        folder = Path(folder)
        description = read_description(folder)
        path = folder / "model.json"
        if description.get("format") != FORMAT:
            raise BundleError(
                f"{folder}: is in bundle format {description.get('format')!r}, this seetell reads {FORMAT}; {_MEND}"
            )
        try:
            for field in ("name", "task"):
                if not isinstance(description[field], str):
                    raise TypeError(f"{field} must be text, got {description[field]!r}")
            preprocessing = Preprocessing(**description["preprocessing"])
            shared, settings = description.get("shared", {}), description["settings"]
            graphs = {
                name: _graph_files(folder if name not in shared else owner_folder(folder, shared[name]["model"]), entry)
                for name, entry in description["graphs"].items()
            }
            files = [bundle_file(folder, name) for name in dict(description["files"])]
            files += [file for graph in graphs.values() for file in graph.files.values()]
            if not isinstance(settings, dict):
                raise TypeError(f"settings must be an object, got {settings!r}")
            hashes = [
                (name, graphs[name].files[precision], digest)
                for name, entry in shared.items()
                for precision, digest in entry["sha256"].items()
            ]
            listed = {
                kind: (bundle_file(folder, entry["file"]), entry["sha256"], entry["size"])
                for kind in ("vocabulary", "labels")
                if (entry := description.get(kind)) is not None
            }
        except KeyError as error:
            raise BundleError(f"{path}: lacks {error.args[0]!r}; {_MEND}") from error
        except _UNFIT as error:
            raise BundleError(f"{path}: {error}; {_MEND}") from error
        missing = sorted({_named_from(folder, file) for file in files if not os.path.isfile(file)})
        if missing:
            raise BundleError(f"{folder}: lacks {', '.join(missing)}; install or export the model again")
        for name, file, digest in hashes:
            actual = file_hash(file)
            if actual != digest:
                if read_description(file.parent).get("files", {}).get(file.name) not in (None, actual):
                    raise BundleError(f"{file}: was changed or damaged; install or export the model again")
                raise BundleError(f"{folder}: was made for another {name} than {file} is now; export it again")
        vocabulary = _vocabulary(*listed["vocabulary"]) if "vocabulary" in listed else None
        labels = _labels(*listed["labels"]) if "labels" in listed else None
        return cls(
            folder,
            description["name"],
            description["task"],
            description,
            preprocessing,
            graphs,
            settings,
            vocabulary,
            labels,
        )

    def graph(self, name: str, precision: str | None = None) -> Path:
        """Return the file of a graph.

        Args:
            name: such as ``encoder``.
            precision: ``int8`` or ``fp32``; the bundle's own choice when absent.

        Raises:
            BundleError: the bundle has no graph of that name.
            UsageError: it has none of that precision.
        """
        graph = self._graph(name)
        precision = precision or graph.default
        if precision not in graph.files:
            raise UsageError(f"{self.name}: {unknown('precision', precision, graph.files)}")
        return graph.files[precision]

    def owner(self, name: str) -> Bundle:
        """Return the bundle that has a graph: another one if the graph is shared.

        Raises:
            BundleError: that bundle is damaged.
        """
        shared = self.description.get("shared", {})
        return Bundle.load(owner_folder(self.folder, shared[name]["model"])) if name in shared else self

    def precisions(self, name: str) -> tuple[str, ...]:
        """Return the precisions of a graph, the default first.

        Raises:
            BundleError: the bundle has no graph of that name.
        """
        default = self._graph(name).default
        return default, *(precision for precision in self._graph(name).files if precision != default)

    def setting(self, name: str, parse: Callable[[Any], Setting]) -> Setting:
        """Return a setting of the task's predictor.

        Args:
            name: its key.
            parse: makes of the JSON value what the predictor needs; what it raises becomes a :class:`BundleError`.

        Raises:
            BundleError: the setting is missing or not as expected.
        """
        path = self.folder / "model.json"
        if name not in self.settings:
            raise BundleError(f"{path}: lacks 'settings.{name}'; {_MEND}")
        try:
            return parse(self.settings[name])
        except KeyError as error:
            raise BundleError(f"{path}: settings.{name} lacks {error.args[0]!r}; {_MEND}") from error
        except _UNFIT as error:
            raise BundleError(f"{path}: settings.{name}: {error}; {_MEND}") from error

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the encoder's grid of locations.

        Raises:
            BundleError: ``model.json`` does not say.
        """
        return self.setting("grid", _grid)

    def require_vocabulary(self) -> Vocabulary:
        """Return the vocabulary.

        Raises:
            BundleError: the bundle has none.
        """
        if self.vocabulary is None:
            raise BundleError(f"{self.folder / 'model.json'}: lacks 'vocabulary'; {_MEND}")
        return self.vocabulary

    def require_labels(self) -> tuple[str, ...]:
        """Return the names of the classes.

        Raises:
            BundleError: the bundle has none.
        """
        if self.labels is None:
            raise BundleError(f"{self.folder / 'model.json'}: lacks 'labels'; {_MEND}")
        return self.labels

    def _graph(self, name: str) -> GraphFiles:
        if name not in self.graphs:
            raise BundleError(
                f"{self.folder}: has no graph {name!r}; it is a model for the task {self.task!r} with the graphs "
                f"{', '.join(self.graphs)}"
            )
        return self.graphs[name]

    def card(self) -> str:
        """Return the model card: what it is, what it was trained on, how it scores, under which terms.

        Raises:
            BundleError: there is none.
        """
        try:
            with open_regular(self.folder / "README.md") as file:
                return file.read(MAX_CARD).decode("utf-8")
        except (OSError, ValueError) as error:
            raise BundleError(f"{self.folder}: has no readable card README.md ({error})") from error

    def verify(self) -> None:
        """Compare every file with its recorded hash.

        Raises:
            BundleError: a file was changed or damaged.
        """
        for name, expected in self.description["files"].items():
            digest = file_hash(self.folder / name)
            if digest != expected:
                raise BundleError(
                    f"{self.folder / name}: was changed or damaged (expected SHA-256 {str(expected)[:12]}…, "
                    f"got {digest[:12]}…); install or export the model again"
                )


def read_description(folder: Path) -> dict[str, Any]:
    """Read ``model.json`` without checking its content.

    Raises:
        BundleError: it is missing or is not a JSON object.
    """
    path = folder / "model.json"
    try:
        description = read_json(path)
    except FileNotFoundError as error:
        reason = "not a model folder, it has no model.json"
        if (folder / "recipe.yaml").is_file():
            reason = f"a training run; make a model folder of it: seetell export {folder} {folder.resolve().name}"
        raise BundleError(f"{folder}: {reason}") from error
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read as JSON ({error}); install or export the model again") from error
    if not isinstance(description, dict):
        raise BundleError(f"{path}: expected a JSON object, got {type(description).__name__}")
    return description


def bundle_file(folder: Path, name: str) -> Path:
    """Return a file of a bundle.

    Raises:
        BundleError: the name is not that of a file inside the folder.
    """
    if not isinstance(name, str) or Path(name).name != name or name in ("", ".", ".."):
        raise BundleError(f"file names must be plain names inside the model folder, got {name!r}")
    return folder / name


def bundled_models() -> dict[str, Path]:
    """Return the folders of the models that come with the package by name, in alphabetical order."""
    return {path.parent.name: path.parent for path in sorted(BUNDLES.glob("*/model.json"))}


def owner_folder(folder: Path, owner: str) -> Path:
    """Return the folder of the bundle whose graph is shared.

    Args:
        folder: of the bundle that uses the graph.
        owner: name of a folder beside it, or of a bundled model.

    Raises:
        UsageError: there is neither.
    """
    neighbour = bundle_file(folder.parent, owner)
    if os.path.isdir(neighbour):
        return neighbour
    bundled = bundled_models()
    if owner not in bundled:
        raise UsageError(f"it uses a graph of another model: {unknown('model', owner, bundled)}")
    return bundled[owner]


def _named_from(folder: Path, file: Path) -> str:
    """Return the name of a file in a folder, and the path of one in another's, such as that of a shared graph."""
    return file.name if file.parent == folder else str(file)


def _graph_files(folder: Path, entry: Mapping[str, Any]) -> GraphFiles:
    files = {name: bundle_file(folder, file) for name, file in entry.items() if name not in _NOT_PRECISIONS}
    if entry["default"] not in files:
        raise ValueError(unknown("default precision", entry["default"], files))
    for names in (entry["inputs"], entry["outputs"]):
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TypeError(f"inputs and outputs must be lists of names, got {names!r}")
    own = Preprocessing(**entry["preprocessing"]) if "preprocessing" in entry else None
    return GraphFiles(files, entry["default"], tuple(entry["inputs"]), tuple(entry["outputs"]), own)


def _vocabulary(file: Path, digest: object, size: object) -> Vocabulary:
    vocabulary = Vocabulary.load(file)
    if (vocabulary.hash, len(vocabulary)) != (digest, size):
        raise BundleError(
            f"{file.parent}: {file.name} is not the one the weights were trained with (expected {size} entries with "
            f"hash {str(digest)[:12]}…, got {len(vocabulary)} with {vocabulary.hash[:12]}…); install or export the "
            "model again"
        )
    return vocabulary


def _labels(file: Path, digest: object, size: object) -> tuple[str, ...]:
    try:
        labels = read_json(file)
    except (OSError, ValueError) as error:
        raise BundleError(f"{file}: cannot be read as JSON ({error}); install or export the model again") from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise BundleError(f"{file}: expected a list of the names of classes; install or export the model again")
    if (file_hash(file), len(labels)) != (digest, size):
        raise BundleError(
            f"{file.parent}: {file.name} is not the one the weights were trained with (expected {size} labels, got "
            f"{len(labels)}); install or export the model again"
        )
    return tuple(labels)


def _grid(value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not all(type(side) is int and side > 0 for side in value):
        raise ValueError(f"expected the rows and columns of the encoder's grid, got {value!r}")
    return value[0], value[1]
