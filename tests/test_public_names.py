from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import seetell


def test_the_public_names_are_these():
    assert seetell.__all__ == [
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
    for name in seetell.__all__:
        assert getattr(seetell, name).__name__ == name
        assert name in dir(seetell)
    with pytest.raises(AttributeError, match="nothing"):
        _ = seetell.nothing


def test_the_version_is_that_of_the_project_file():
    project = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    stated = re.search(r'^version = "(.+)"$', project, re.MULTILINE)
    assert stated is None or stated[1] == seetell.__version__


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import seetell", ["numpy", "PIL", "onnxruntime", "click", "torch"]),
        (
            "import seetell; seetell.load",
            ["torch", "click", "rich", "seetell.data", "seetell.metrics", "seetell.training"],
        ),
        ("import seetell.cli.main", ["numpy", "PIL", "onnxruntime", "rich", "torch"]),
        (
            "from seetell.cli.main import main\ntry: main(['caption', '--help'])\nexcept SystemExit: pass",
            ["numpy", "PIL", "onnxruntime", "rich", "torch"],
        ),
        ("import seetell.cli.search", ["numpy", "PIL", "onnxruntime", "rich", "torch"]),
        ("import seetell.cli.models", ["numpy", "PIL", "onnxruntime", "rich", "torch"]),
    ],
)
def test_importing_costs_no_more_than_it_needs(code: str, absent: list[str]):
    check = f"{code}\nimport sys\nprint([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
