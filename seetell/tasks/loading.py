"""Loading a model of any kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, overload

from seetell.errors import BundleError, unknown
from seetell.runtime.bundle import Bundle, find, read_description
from seetell.tasks.captioning.predict import Captioner
from seetell.tasks.dense_captioning.bundle import RegionBundle
from seetell.tasks.dense_captioning.predict import RegionCaptioner
from seetell.tasks.retrieval.bundle import AlignmentBundle
from seetell.tasks.retrieval.predict import Aligner

AnyBundle = Bundle | AlignmentBundle | RegionBundle
KINDS: dict[str, type[Bundle] | type[AlignmentBundle] | type[RegionBundle]] = {
    "caption": Bundle,
    "align": AlignmentBundle,
    "regions": RegionBundle,
}


@overload
def load(
    model: Literal["caption"] = "caption", *, precision: str | None = None, threads: int | None = None
) -> Captioner: ...


@overload
def load(model: Literal["align"], *, precision: str | None = None, threads: int | None = None) -> Aligner: ...


@overload
def load(model: Literal["regions"], *, precision: str | None = None, threads: int | None = None) -> RegionCaptioner: ...


@overload
def load(model: str | Path, *, precision: str | None = None, threads: int | None = None) -> Any: ...


def load(
    model: str | Path = "caption", *, precision: str | None = None, threads: int | None = None
) -> Captioner | Aligner | RegionCaptioner:
    """Load a model.

    Args:
        model: ``caption`` for the captioner that came with seetell, ``align`` for the model that compares photos with
            sentences, ``regions`` for the one that says what is where, the name of a bundled model, or the path of a
            model folder.
        precision: ``int8`` or ``fp32`` for the encoder; the bundle's own choice when absent.
        threads: processor threads to compute with; the physical cores when absent.

    Raises:
        UsageError: there is no such model, or not in this precision.
        BundleError: the model folder is incomplete or damaged.
    """
    bundle = load_bundle(find(model))
    if isinstance(bundle, AlignmentBundle):
        return Aligner(bundle, precision=precision, threads=threads)
    if isinstance(bundle, RegionBundle):
        return RegionCaptioner(bundle, precision=precision, threads=threads)
    return Captioner(bundle, precision=precision, threads=threads)


def load_bundle(folder: str | Path) -> AnyBundle:
    """Read a model folder of any kind, without its graphs.

    Raises:
        BundleError: it is incomplete, damaged, or of a kind that this version does not know.
    """
    folder = Path(folder)
    kind = str(read_description(folder).get("kind"))
    if kind not in KINDS:
        raise BundleError(f"{folder / 'model.json'}: {unknown('kind', kind, KINDS)}")
    return KINDS[kind].load(folder)
