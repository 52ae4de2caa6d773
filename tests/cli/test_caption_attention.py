from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli.test_caption import in_process, save
from runtime.tiny_bundle import write_tiny_bundle

from seetell.runtime.bundle import read_description
from seetell.tasks.loading import load


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_captions_are_as_ever_and_pages_lie_beside(
    attending_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    photos = [save(tmp_path / "photos" / name) for name in ("b.png", "a.png")]
    absent, where = tmp_path / "absent.png", tmp_path / "where"
    assert in_process(*photos, absent, "-m", attending_bundle, "--attention", where, "-f", "jsonl") == 1
    first, second, failed = map(json.loads, capsys.readouterr().out.splitlines())
    expected = load(attending_bundle).caption(photos[0], attention=True)
    assert first["caption"] == expected.text
    np.testing.assert_allclose(first["words"][1]["attention"], expected.words[1].attention, atol=1e-5)
    assert [row["page"] for row in (first, second)] == [str(where / f"{name}-attention.html") for name in "ba"]
    assert set(failed) == {"image", "error"}
    assert names(where) == sorted(
        [*(f"{name}-attention.{kind}" for name in "ab" for kind in ("html", "jpg")), "index.html"]
    )
    assert expected.text in Path(first["page"]).read_text(encoding="utf-8")
    assert in_process(*photos, "-m", attending_bundle) == 0
    plain = capsys.readouterr().out
    assert in_process(*photos, "-m", attending_bundle, "--attention", where) == 0
    assert capsys.readouterr().out == plain


def test_photos_without_maps_are_named(attending_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    settings = read_description(attending_bundle)["settings"] | {"photos_only": True}
    bundle = write_tiny_bundle(tmp_path / "of photos", grid=(2, 3), settings=settings)
    blank, where = save(tmp_path / "blank.png"), tmp_path / "where"
    assert in_process(blank, "-m", bundle, "--attention", where) == 0
    assert f"no attention maps, as the caption is shortened or withheld: {blank}\n" in capsys.readouterr().err
    assert in_process(blank, "-m", bundle, "--attention", where, "--any-picture") == 0
    assert "no attention maps" not in capsys.readouterr().err


def test_beside_the_photos_its_own_pictures_are_not_captioned(
    attending_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    save(tmp_path / "a.jpg")
    for _ in range(2):
        assert in_process(tmp_path, "-m", attending_bundle, "--attention", tmp_path) == 0
        assert len(capsys.readouterr().out.splitlines()) == 1
        assert names(tmp_path) == ["a-attention.html", "a-attention.jpg", "a.jpg"]


def test_a_photo_that_vanishes_before_it_is_drawn_fails_alone(
    attending_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    from seetell.drawing import attention_folder

    photos = [save(tmp_path / name) for name in ("a.png", "b.png")]
    opened = attention_folder.open_photo

    def late(path: str, **options: object) -> object:
        photos[0].unlink(missing_ok=True)
        return opened(path, **options)

    monkeypatch.setattr(attention_folder, "open_photo", late)
    assert in_process(*photos, "-m", attending_bundle, "--attention", tmp_path / "where", "-f", "jsonl") == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["error"], "page" in second) == ("no such file", True)


def test_wrong_use_is_told_before_anything_is_captioned(
    attending_bundle: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    photo = save(tmp_path / "a.png")
    for bundle, where, said in (
        (attending_bundle, photo, "pages cannot be written there"),
        (tiny_bundle, tmp_path / "where", "tiny has no attention to show where in the image a word came from"),
    ):
        assert in_process(photo, "-m", bundle, "--attention", where) == 2
        captured = capsys.readouterr()
        assert said in captured.err
        assert captured.out == ""
    assert not (tmp_path / "where").exists()
