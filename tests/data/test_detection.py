from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from seetell.data import read
from seetell.data.detection import detect
from seetell.data.source import Source
from seetell.errors import DataError

DOCUMENTS = {
    "karpathy": {"images": [{"filename": "a.jpg", "sentences": []}], "dataset": "x"},
    "coco": {"images": [{"id": 1}], "annotations": [{"image_id": 1, "caption": "A dog."}]},
    "neuraltalk2": [{"file_path": "a.jpg", "captions": []}],
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_json_is_detected_by_its_content(tmp_path: Path, name: str):
    path = tmp_path / "anything.json"
    path.write_text(json.dumps(DOCUMENTS[name]))
    assert detect(Source(path))[0] == name
    found, source = detect(Source(tmp_path))
    assert (found, source.path) == (name, path)


def test_json_lines_called_json_are_a_table(tmp_path: Path):
    path = tmp_path / "x.json"
    path.write_text('{"image": "a.jpg", "caption": "A dog."}\n{"image": "b.jpg", "caption": "A cat."}\n')
    assert detect(Source(path))[0] == "table"


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("tokens.txt", "a.jpg#0\tA dog .\n", "flickr"),
        ("x.csv", "image,caption\na.jpg,A dog.\n", "table"),
        ("captions.txt", "image,caption\na.jpg,A dog.\n", "table"),
        ("x", '{"image": "a.jpg", "caption": "A dog."}\n', "table"),
    ],
)
def test_text_is_detected_by_its_content(tmp_path: Path, name: str, content: str, found: str):
    (tmp_path / name).write_text(content)
    assert detect(Source(tmp_path / name))[0] == found


def test_folders_with_several_or_none_list_their_content(tmp_path: Path):
    with pytest.raises(DataError, match=r"but the folder contains nothing; write a captions\.csv"):
        read(tmp_path)
    (tmp_path / "notes.md").write_text("x")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(DataError, match=r"but the folder contains broken\.json, config\.json, notes\.md"):
        read(tmp_path)
    for name in DOCUMENTS:
        (tmp_path / f"{name}.json").write_text(json.dumps(DOCUMENTS[name]))
    with pytest.raises(
        DataError, match=r"there are coco\.json \(coco\), karpathy\.json \(karpathy\), neuraltalk2\.json"
    ):
        read(tmp_path)


def test_other_json_is_described_in_the_error(tmp_path: Path):
    (tmp_path / "x.json").write_text('{"version": 1}')
    with pytest.raises(DataError, match=r"expected a Flickr8k/30k folder .* but it is an object with 'version'"):
        read(tmp_path / "x.json")
    (tmp_path / "y.json").write_text('{"version": ')
    with pytest.raises(DataError, match=r"y\.json:1:13: expected JSON"):
        read(tmp_path / "y.json")


def test_a_wrong_option_names_the_right_ones(tmp_path: Path):
    with pytest.raises(DataError, match=r"unknown data format 'coko'\. Did you mean 'coco'"):
        read(tmp_path, format="coko")
    with pytest.raises(DataError, match="unknown split 'dev'"):
        read(tmp_path, split="dev")
    with pytest.raises(DataError, match="no such file or folder"):
        read(tmp_path / "absent")


def test_a_file_that_cannot_be_read_is_a_data_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\); check its permissions"):
        read(tmp_path)


@pytest.mark.slow
def test_reading_imports_only_the_reader_that_is_named(tmp_path: Path, paint: Callable[[Path, list[str]], Path]):
    import subprocess
    import sys

    paint(tmp_path, ["a.jpg"])
    (tmp_path / "x.token").write_text("a.jpg#0\tA dog .\n")
    code = (
        "import sys; from seetell.data import read\n"
        f"read({str(tmp_path)!r}, format='flickr')\n"
        "loaded = {name for name in sys.modules if name.split('.')[0] in ('torch', 'timm')}\n"
        "loaded |= {name for name in sys.modules if name in ('seetell.data.coco', 'seetell.data.table')}\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
