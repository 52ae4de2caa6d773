from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from seetell.cli.main import main
from seetell.data import read

pytestmark = pytest.mark.slow

pytest.importorskip("torch", reason="snippets are inferred by a trained aligner")


@pytest.fixture(scope="module")
def aligner(tmp_path_factory: pytest.TempPathFactory, small_encoder: dict[str, str]) -> tuple[Path, Path]:
    """The run of an aligner of a few steps, and its data."""
    from captioned_shapes import write_shapes
    from training_runs import configured, loop_of

    folder = tmp_path_factory.mktemp("aligner")
    shapes = write_shapes(folder / "shapes")
    config = configured(
        {
            "task": "retrieval",
            "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 1},
            "encoder": {**small_encoder, "image_size": 64, "cache": str(folder / "cache")},
            "retrieval": {"aligner": {"width": 8, "components": 8, "windows": [2], "word_size": 8, "hidden_size": 8}},
            "batch_size": 4,
            "steps": 2,
            "threads": 1,
        }
    )
    loop_of(config, read(shapes), folder / "run").run()
    return folder / "run", shapes


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["snippets", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_what_it_writes_is_a_data_set(aligner: tuple[Path, Path], tmp_path: Path):
    trained, shapes = aligner
    output = tmp_path / "phrases.jsonl"
    assert run(trained, "--data", shapes, "--output", output, "--beta", "0.2") == 0
    found, whole = read(output), read(shapes)
    assert {(region.path, region.split) for region in found.photos} == {
        (photo.path.resolve(), photo.split) for photo in whole.photos
    }
    words = " ".join(caption for region in found.photos for caption in region.captions).split()
    assert sorted(words) == sorted(
        word for photo in whole.photos for caption in photo.captions for word in caption.lower().rstrip(".").split()
    )
    assert run(trained, "--data", shapes, "--output", output, "--split", "val") == 0
    assert {region.split for region in read(output).photos} == {"val"}


def test_an_aligner_of_whole_photos_is_refused_before_photos_are_encoded(
    aligner: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    trained, shapes = aligner
    whole = SimpleNamespace(model=SimpleNamespace(config=SimpleNamespace(compared=("whole",))))
    monkeypatch.setattr("seetell.training.trained.load_trained", lambda *given: whole)
    monkeypatch.setattr("seetell.training.encoding.features_cache", lambda *given, **options: pytest.fail("encoded"))
    assert run(trained, "--data", shapes, "--output", tmp_path / "phrases.jsonl") == 1
    assert "the aligner compares whole photos only" in capsys.readouterr().err


def test_wrong_use(aligner: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    trained, shapes = aligner
    output = tmp_path / "phrases.jsonl"
    assert run(trained, "--data", shapes, "--output", output, "--split", "vla") == 2
    assert "'vla' is not one of 'train', 'val'" in capsys.readouterr().err
    assert run(trained, "--data", tmp_path / "absent", "--output", output) == 2
    assert run(tmp_path, "--data", shapes, "--output", output) == 1
    assert "has no best.safetensors" in capsys.readouterr().err
    assert not output.exists()
