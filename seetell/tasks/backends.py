"""Models that are no bundles: how they are named, and the options of the backends that run them.

A model's name is ``SCHEME:NAME``, such as ``hf:Salesforce/blip-image-captioning-base``; a folder written by
transformers needs no scheme, and a library that has one model is named alone, such as ``rapidocr``. A task names its
predictor for each backend in its declaration; what all tasks need of a backend is in ``seetell.runtime.backends``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any

from seetell.errors import UsageError
from seetell.tasks.registry import Option, Task, tasks


@dataclass(frozen=True)
class Backend:
    """A library or server that runs models.

    Attributes:
        scheme: begins the names of its models.
        form: of such a name, for messages.
        options: that its predictors take when they are made.
        extra: whose packages its predictors import; empty where the plain install has all.
        named: whether its models have names; otherwise the scheme alone stands for its one model.
    """

    scheme: str
    form: str
    options: tuple[Option, ...]
    extra: str = ""
    named: bool = True


_PROMPT = Option("prompt", str, "What models that take instructions are asked; one sentence for alt text if absent.")
_MAX_TOKENS = Option("max_tokens", int, "Longest answer in tokens of the model.", minimum=1)
_MAX_SIDE = Option(
    "max_side",
    int,
    "Longest side in pixels of the images that models that take instructions get.",
    minimum=32,
    maximum=8192,
)

BACKENDS: Mapping[str, Backend] = MappingProxyType(
    {
        "hf": Backend(
            "hf",
            "hf:OWNER/NAME or hf:FOLDER",
            (
                Option(
                    "device",
                    str,
                    "Where it runs, such as cpu, cuda, cuda:1 or mps; the fastest there is if absent.",
                    changes_results=False,
                ),
                Option(
                    "dtype",
                    str,
                    "Its numbers; float32 on a CPU and the model's own elsewhere if absent.",
                    choices=("float32", "float16", "bfloat16"),
                ),
                Option("revision", str, "Branch, tag or commit of the model on the Hub."),
                Option(
                    "trust_remote_code",
                    bool,
                    "Run Python code that comes with the model.",
                    False,
                    changes_results=False,
                ),
                _PROMPT,
                _MAX_TOKENS,
                _MAX_SIDE,
            ),
            extra="hf",
        ),
        "openai": Backend(
            "openai",
            "openai:NAME@URL",
            (
                _PROMPT,
                _MAX_TOKENS,
                Option(
                    "timeout",
                    float,
                    "Seconds for a server's answer to an image, further tries included.",
                    minimum=0.1,
                    changes_results=False,
                ),
                Option(
                    "concurrency",
                    int,
                    "Requests to the server at once.",
                    minimum=1,
                    maximum=256,
                    changes_results=False,
                ),
                _MAX_SIDE,
            ),
        ),
        "rapidocr": Backend("rapidocr", "rapidocr", (), extra="ocr", named=False),
    }
)
"""By scheme."""


def backend_options(schemes: Iterable[str] = (*BACKENDS,)) -> tuple[Option, ...]:
    """Return the options of backends, each once.

    Args:
        schemes: of the backends; all when absent.
    """
    return tuple({option.name: option for scheme in schemes for option in BACKENDS[scheme].options}.values())


def parse_reference(model: str | Path) -> tuple[Backend, str] | None:
    """Return the backend and the name that a model's name stands for.

    Returns:
        ``None`` if it is not the name of a backend's model.
    """
    scheme, colon, name = str(model).partition(":")
    backend = BACKENDS.get(scheme) if isinstance(model, str) else None
    if backend is not None and (colon or not backend.named):
        if bool(name) != backend.named:
            raise UsageError(f"{model}: expected {backend.form}")
        return backend, name
    folder = Path(model)
    if not os.path.isfile(folder / "model.json") and os.path.isfile(folder / "config.json"):
        return BACKENDS["hf"], str(model)
    return None


def hub_name(model: str) -> str | None:
    """Return the name on the Hub of a model named ``hf:OWNER/NAME``; ``None`` for any other, and for folders."""
    reference = parse_reference(model)
    if reference is None or reference[0].scheme != "hf" or os.path.isdir(reference[1]):
        return None
    return reference[1]


def transformers_tasks(config: Mapping[str, Any]) -> list[Task]:
    """Return the tasks that a model of transformers can be used for, as far as its ``config.json`` tells."""
    names = config.get("architectures")
    architecture = str(names[0]) if isinstance(names, list) and names else ""
    return [task for task in tasks().values() if any(_fits(architecture, name, config) for name in task.architectures)]


def _fits(architecture: str, pattern: str, config: Mapping[str, Any]) -> bool:
    if pattern == "*ForConditionalGeneration" and "vision_config" not in config:  # one that sees nothing
        return False
    return fnmatchcase(architecture, pattern)


def check_options(backend: Backend | None, options: Mapping[str, Any], model: object) -> dict[str, Any]:
    """Return the options that were given, if they are the backend's.

    Args:
        backend: ``None`` for a bundle.
        options: by name; ``None`` and a flag that is not set stand for not given.
        model: for the message.

    Raises:
        UsageError: one is another backend's.
    """
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    own = () if backend is None else tuple(option.name for option in backend.options)
    for name in given:
        if name not in own:
            takers = " or ".join(
                each.form for each in BACKENDS.values() if name in [option.name for option in each.options]
            )
            what = "a bundle" if backend is None else f"a model of {backend.form}"
            expected = f"it is for models named {takers}" if takers else f"expected one of {', '.join(own) or 'none'}"
            raise UsageError(f"--{name.replace('_', '-')}: {model} is {what}; {expected}")
    return given
