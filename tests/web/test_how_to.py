"""What docs/how-to/serve.md shows is answered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import test_docs
from in_process import run_python
from web.conftest import Serving

from seetell.web.application import application
from seetell.web.indexed_photos import IndexedPhotos

pytestmark = pytest.mark.slow

EXAMPLES = test_docs.REPOSITORY / "examples"
PAGE = "docs/how-to/serve.md"
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "examples").mkdir()
    shutil.copy(EXAMPLES / "dog.jpg", tmp_path / "examples")
    return tmp_path


@pytest.fixture
def address(predictors: dict[str, Any], photos: IndexedPhotos, serving: Serving) -> Iterator[str]:
    with serving(application(predictors, photos=photos)) as port:
        yield f"http://127.0.0.1:{port}"


def shown(beginning: str, address: str) -> str:
    text = next(block.text for block in test_docs.blocks() if block.page == PAGE and block.text.startswith(beginning))
    assert ADDRESS in text
    return text.replace(ADDRESS, address)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_are_answered(address: str, folder: Path):
    caption, attention, align, regions = shown("curl", address).splitlines()
    assert json.loads(test_docs.run(caption, folder))["image"] == "dog.jpg"
    assert "attention" in json.loads(test_docs.run(attention, folder))["words"][0]
    assert json.loads(test_docs.run(align, folder))["code"] == "unknown_words"  # the small model knows colours only
    assert json.loads(test_docs.run(regions, folder))["regions"]


def test_the_program_is_answered(address: str, folder: Path):
    said = run_python(shown("from pathlib", address), folder)
    assert said.startswith("dog.jpg ")
    assert len(said.split()) > 1


def test_an_index_is_searched(address: str, folder: Path):
    search = f"curl -s '{address}/v1/search?q=red&top=1'"
    assert json.loads(test_docs.run(search, folder))["photos"][0]["image"] == "rose.png"
