"""The optional packages that some commands need, and how to install them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from seetell.errors import UsageError

EXTRAS = {
    "train": ("torch", "torchvision", "timm", "safetensors", "yaml", "onnx", "onnxscript", "matplotlib"),
    "meteor": ("pycocoevalcap", "snowballstemmer"),
    "web": ("fastapi", "starlette", "uvicorn", "python_multipart", "prometheus_client"),
    "search": ("faiss",),
    "hf": ("transformers", "torch", "torchvision", "safetensors", "huggingface_hub"),
    "parquet": ("pyarrow",),
    "ray": ("ray", "pyarrow", "pandas"),
    "remote": ("fsspec", "aiohttp", "s3fs", "gcsfs"),
    "formats": ("pillow_heif", "rawpy"),
    "jxl": ("pillow_jxl",),
    "ocr": ("rapidocr_onnxruntime",),
    "video": ("av",),
}
"""The modules that each extra brings."""


def require(extra: str, what: str) -> None:
    """Check that the modules of an extra are installed, without importing them; called before any work.

    Args:
        extra: a key of ``EXTRAS``.
        what: needs them, for the message.

    Raises:
        UsageError: one is missing; the message has the command that installs it.
    """
    missing = _lacking(extra)
    if missing:
        raise UsageError(_missing(what, missing[0], extra))


def is_installed(extra: str) -> bool:
    """Return whether the modules of an extra are installed, without importing them."""
    return not _lacking(extra)


def _lacking(extra: str) -> list[str]:
    return [module for module in EXTRAS[extra] if importlib.util.find_spec(module) is None]


def extra_of(module: str) -> str:
    """Return the extra that brings a module; that for training where none does."""
    return next((name for name, modules in EXTRAS.items() if module in modules), "train")


def missing_module(what: str, module: str) -> str:
    """Format the message for a module that is not installed.

    Args:
        what: needs it.
        module: the top-level one; where no extra brings it, that for training is said to.
    """
    return _missing(what, module, extra_of(module))


def _missing(what: str, module: str, extra: str) -> str:
    return f"{what} needs {module}, which is not installed: {install_command(extra)}"


def install_command(extra: str) -> str:
    """Return the command that adds an extra to this installation: from the same folder where it came from one."""
    import json
    import shlex
    import shutil
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    beside = shutil.which("pip", path=str(Path(sys.executable).parent))
    pip = "pip" if beside and shutil.which("pip") == beside else f"{shlex.quote(sys.executable)} -m pip"
    try:
        origin = json.loads(distribution("seetell").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        origin = {}
    address = urlsplit(origin.get("url", ""))
    folder = url2pathname(address.path)
    local = address.scheme == "file" and (Path(folder) / "pyproject.toml").is_file()
    edited = "-e " if local and origin.get("dir_info", {}).get("editable") else ""
    return f"{pip} install {edited}'{folder if local else 'seetell'}[{extra}]'"
