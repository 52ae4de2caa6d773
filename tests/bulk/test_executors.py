from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seetell.bulk.executors import Local, PredictorSpec
from seetell.bulk.items import Item
from seetell.bulk.run import run
from seetell.errors import PhotoError, UsageError


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    paths = [str(tmp_path / f"{number}.png") for number in range(5)]
    for number, path in enumerate(paths):
        Image.new("RGB", (20, 20), (50 * number, 10, 0)).save(path)
    return paths


def test_a_specification_loads_the_same_model_after_pickling(tiny_bundle: Path, photos: list[str]):
    spec = PredictorSpec("captioning", str(tiny_bundle), {"threads": 1}, {"beam_size": 2})
    copy = pickle.loads(pickle.dumps(spec))
    assert copy == spec
    assert copy.load().predict(photos[0]) == spec.load().predict(photos[0])


def test_what_is_not_allowed_is_wrong_use_when_loading(tiny_bundle: Path):
    with pytest.raises(UsageError, match="beam_size"):
        PredictorSpec("captioning", str(tiny_bundle), options={"beam_size": 0}).load()


def test_settings_tell_models_apart_however_they_are_named(tiny_bundle: Path, attending_bundle: Path):
    identities = [
        PredictorSpec("captioning", str(bundle)).settings().identity for bundle in (tiny_bundle, attending_bundle)
    ]
    assert identities[0] != identities[1]
    assert PredictorSpec("captioning", f"{tiny_bundle}/").settings().identity == identities[0]
    assert PredictorSpec("captioning", "hf:owner/name").settings().identity == "hf:owner/name"


def test_settings_tell_that_a_folder_of_another_library_changed(tmp_path: Path):
    def identity(name: str) -> str:
        return PredictorSpec("captioning", name).settings().identity

    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    before = identity(str(folder))
    (folder / "README.md").write_text("a card")
    assert identity(f"hf:{folder.rename(tmp_path / 'moved')}") == before
    (tmp_path / "moved" / "model.safetensors").write_bytes(b"trained")
    assert identity(str(tmp_path / "moved")) != before


def test_settings_are_what_changes_results(tiny_bundle: Path):
    loading = {"threads": 2, "precision": None, "device": "cuda", "prompt": "Describe it.", "trust_remote_code": False}
    spec = PredictorSpec("captioning", str(tiny_bundle), loading, {"beam_size": 2}, batch_size=4)
    assert spec.settings().options == {"prompt": "Describe it.", "beam_size": 2}


def test_settings_know_what_a_bundle_chooses_itself():
    own = PredictorSpec("detection", "detect", {"precision": "int8"}, {"threshold": 0.5}).settings().own
    assert own == {"threshold": 0.4, "nms_iou": 0.6, "precision": "int8"}
    assert "precision" not in PredictorSpec("detection", "detect", {"precision": "fp32"}).settings().own


def test_results_of_this_process_are_the_predictors(tiny_bundle: Path, photos: list[str]):
    spec = PredictorSpec("captioning", str(tiny_bundle), {"threads": 1}, batch_size=2)
    predictor = spec.load()
    rows: list[tuple[int, dict[str, Any]]] = []
    items = [(7, Item(photos[1])), (9, Item("absent.png")), (12, Item(photos[4]))]
    failed = run(iter(items), Local(predictor, spec), lambda position, row: rows.append((position, dict(row))))
    assert failed == 1
    assert [position for position, _ in rows] == [7, 9, 12]
    assert rows[0][1] == {"image": photos[1], **predictor.predict(photos[1]).to_dict()}
    assert rows[1][1] == {"image": "absent.png", "error": "no such file"}


def test_no_more_is_read_ahead_than_two_batches(tiny_bundle: Path, photos: list[str]):
    spec = PredictorSpec("captioning", str(tiny_bundle), {"threads": 1}, batch_size=3)
    read = 0

    def endless() -> Iterator[tuple[int, Item]]:
        nonlocal read
        while True:
            read += 1
            yield read, Item(photos[0])

    results = Local(spec.load(), spec).results(endless())
    for _ in range(10):
        next(results)
    assert read <= 10 + 2 * 3
    results.close()


def test_a_text_that_the_model_cannot_read_is_an_error_of_its_item(tiny_aligner: Path, photos: list[str]):
    spec = PredictorSpec("grounding", str(tiny_aligner), {"threads": 1})
    items = [(0, Item(photos[0], "red")), (1, Item(photos[1], "zyxw")), (2, Item("absent.png", "red"))]
    done = list(Local(spec.load(), spec, check_texts=True).results(iter(items)))
    assert not isinstance(done[0].result, PhotoError)
    assert isinstance(done[1].result, PhotoError)
    assert "zyxw" in str(done[1].result)
    assert "no such file" in str(done[2].result)


def test_what_is_added_stands_in_the_row_and_may_fail(tiny_bundle: Path, photos: list[str]):
    spec, rows = PredictorSpec("captioning", str(tiny_bundle), {"threads": 1}), []
    told: list[tuple[int, int | None]] = []

    def add(done, fields):
        if done.position:
            return done._replace(result=PhotoError("has no place for a sidecar"))
        fields["sidecar"] = "0.xmp"
        return done

    failed = run(
        iter(enumerate(map(Item, photos[:2]))),
        Local(spec.load(), spec),
        lambda position, row: rows.append(row),
        add=add,
        progress=lambda done, total: told.append((done, total)),
        total=12,
        before=10,
    )
    assert (failed, told) == (1, [(10, 12), (11, 12), (12, 12)])
    assert rows[0]["sidecar"] == "0.xmp"
    assert rows[1] == {"image": photos[1], "error": "has no place for a sidecar"}
