"""Loading a model of transformers: weights, processor, device and number format; all errors as seetell's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import transformers

from seetell.errors import BundleError, SeetellError, UsageError
from seetell.runtime.backends.transformers.source import Source

transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # what matters is in our errors
transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model that is ready to run.

    Attributes:
        network: in evaluation mode, on the device.
        processor: makes a network's input of images and texts; ``None`` where a model has none, but its parts.
        image_processor: makes the input of images alone.
        tokenizer: of its texts; ``None`` for models of images alone.
        device: where it runs.
        dtype: its floating-point numbers.
    """

    network: Any
    processor: Any
    image_processor: Any
    tokenizer: Any
    device: torch.device
    dtype: torch.dtype

    def on_device(self, inputs: Any) -> dict[str, Any]:
        """Return tensors on the model's device, floating-point ones as its numbers."""
        return {
            name: value.to(self.device, self.dtype if torch.is_floating_point(value) else None)
            if isinstance(value, torch.Tensor)
            else value
            for name, value in inputs.items()
        }


def load_model(
    source: Source, auto_classes: Sequence[str], *, device: str | None, dtype: str | None, texts: bool
) -> LoadedModel:
    """Load a model.

    Args:
        source: its files.
        auto_classes: names of transformers' classes that may load it, such as ``AutoModelForObjectDetection``: the
            first for a kind that transformers knows, otherwise the first that the model's own code has.
        device: where it runs; the fastest there is when absent.
        dtype: of its numbers; float32 on a CPU and the model's own elsewhere when absent.
        texts: whether it reads or writes texts.

    Raises:
        UsageError: there is no such device, a package is missing, or memory does not suffice.
        BundleError: weights or processor are damaged.
    """
    place = find_device(device)
    numbers: Any = "auto" if place.type != "cpu" else torch.float32
    if dtype is not None:
        numbers = getattr(torch, dtype)
    auto_class = next((name for name in source.code if name in auto_classes), auto_classes[0])
    given = {"trust_remote_code": source.trusted, "local_files_only": True}
    with _loading(source):
        network, found = getattr(transformers, auto_class).from_pretrained(
            source.folder, dtype=numbers, use_safetensors=True, output_loading_info=True, **given
        )
        lacking = sorted(key for key in found["missing_keys"] if ".pooler." not in key)  # which no task here reads
        if lacking or found["mismatched_keys"]:
            raise BundleError(
                f"{source.name}: its weights are not those of its configuration: "
                f"{_some(lacking or [key for key, *_ in found['mismatched_keys']])} missing or of another shape"
            )
        network = network.eval().to(place)
        processor, image_processor, tokenizer = _processors(source, texts=texts, given=given)
    return LoadedModel(network, processor, image_processor, tokenizer, place, network.dtype)


def _processors(source: Source, *, texts: bool, given: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return a model's processor, if it has one, and the parts for images and for texts."""
    if not texts:
        return None, transformers.AutoImageProcessor.from_pretrained(source.folder, **given), None  # type: ignore
    processor: Any = transformers.AutoProcessor.from_pretrained(source.folder, **given)  # type: ignore
    if hasattr(processor, "image_processor") and hasattr(processor, "tokenizer"):
        return processor, processor.image_processor, processor.tokenizer
    return (
        None,
        transformers.AutoImageProcessor.from_pretrained(source.folder, **given),  # type: ignore
        transformers.AutoTokenizer.from_pretrained(source.folder, **given),
    )


def find_device(name: str | None) -> torch.device:
    """Return a device.

    Args:
        name: such as ``cpu``, ``cuda:1`` or ``mps``; the fastest there is when absent.

    Raises:
        UsageError: there is none of this name here.
    """
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(f"--device {name}: there is none here ({_one_line(error)})") from error
    return device


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise torch's ways to say that memory does not suffice as ``MemoryError``."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise MemoryError(_one_line(error)) from error
        raise


@contextmanager
def _loading(source: Source) -> Iterator[None]:
    """Turn whatever a library meets in a folder of unknown origin into an error that names it."""
    try:
        with memory_errors():
            yield
    except SeetellError:
        raise
    except MemoryError as error:
        raise UsageError(f"{source.name}: needs more memory than there is; try --dtype bfloat16") from error
    except ImportError as error:
        raise UsageError(f"{source.name}: needs a package that is not installed: {_one_line(error)}") from error
    except Exception as error:
        raise BundleError(f"{source.name}: cannot be loaded ({type(error).__name__}: {_one_line(error)})") from error


def _some(names: Sequence[str]) -> str:
    more = len(names) - 3
    return f"{', '.join(names[:3])}{f' and {more} more' if more > 0 else ''}"


def _one_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
